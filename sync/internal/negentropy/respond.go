package negentropy

// MinFrameLimit is the smallest limit to the length of a message: any range can be answered within
// it.
const MinFrameLimit = 4096

// Reply is a responder's answer.
type Reply struct {
	Message []byte
	// what the message lists and the set was not found to have, in the order of the message
	Unknown []ID
	// for each of Unknown, the timestamps that it can have where the message lists it
	Times  []Interval
	Equal  Bound // the message alone shows that the sets are equal below it
	Differ bool  // some range differed
}

// Horizon is where a responder ends its comparison, because what lies above it is of no use to it
// yet.
type Horizon struct {
	End Bound // of a range that reaches above Far, the part above End is skipped
	Far Bound
}

// NoHorizon is that of a responder which compares everything.
var NoHorizon = Horizon{End: Infinity, Far: Infinity}

// responder is at work on one message.
type responder struct {
	set     Set
	limit   int // of the answer's length, 0 none
	look    int // how many items may still be looked at to find listed ones
	horizon Horizon
	out     *writer
	reply   Reply
}

// Respond answers an initiator's message. The answer takes at most frameLimit bytes (0: no limit; a
// limit below [MinFrameLimit] counts as that). What does not fit is put off: the fingerprint of all
// the rest stands for it.
//
// The work is bounded by the message and the limit. Each range of the message takes a few look-ups
// in the set, and each 32 bytes of the answer an item. 32,768 items more are looked at to find
// those that are listed. Where there were more to be looked through, Unknown may have IDs that the
// set has; an ID that is listed again is told again.
func Respond(s Set, message []byte, frameLimit int) (Reply, error) {
	return RespondUpTo(s, message, frameLimit, NoHorizon)
}

// RespondUpTo is Respond for a side whose comparison ends at a horizon. Lists carry no timestamps,
// so the responder cannot sort the IDs of a list that crosses the horizon. It answers such a range,
// whatever its mode, with the fingerprint of the part below the horizon's end. The initiator asks
// about that part again.
func RespondUpTo(s Set, message []byte, frameLimit int, h Horizon) (Reply, error) {
	in := &reader{message: message}
	version, err := in.version()
	if err != nil {
		return Reply{}, err
	}
	r := &responder{set: s, limit: effectiveLimit(frameLimit), look: maxLooked, horizon: h, out: newWriter()}
	for room := version == version1; room && in.more(); {
		rng, err := in.next()
		if err != nil {
			return Reply{}, err
		}
		room = r.answer(rng)
	}
	r.reply.Message = r.out.message // of a version that is not ours: only which one is
	return r.reply, nil
}

func effectiveLimit(frameLimit int) int {
	if frameLimit <= 0 {
		return 0
	}
	return max(frameLimit, MinFrameLimit)
}

// answer says what is to be said of a range. It returns false when the message is full: nothing
// follows.
func (r *responder) answer(rng wireRange) bool {
	if rng.mode == modeSkip {
		return true
	}
	from, to := r.set.Rank(rng.lower), r.set.Rank(rng.upper)
	if rng.mode == modeFingerprint && r.set.Fingerprint(from, to) == rng.fingerprint {
		if rng.lower == r.reply.Equal {
			r.reply.Equal = rng.upper
		}
		return true
	}
	if rng.upper.Compare(r.horizon.Far) > 0 {
		return r.cross(rng.lower, from)
	}
	if rng.mode == modeIDList {
		return r.list(rng, from, to)
	}
	r.reply.Differ = true
	if r.room() < maxSkip+maxSplit {
		r.rest(rng.lower, from)
		return false
	}
	r.out.split(r.set, rng.lower, rng.upper, from, to, func(Bound) {})
	return true
}

// cross answers a range that reaches beyond the horizon: with the fingerprint of its part below the
// horizon's end.
func (r *responder) cross(lower Bound, from int) bool {
	end := r.horizon.End
	if lower.Compare(end) >= 0 {
		return true
	}
	if r.room() < maxFingerprint {
		r.rest(lower, from)
		return false
	}
	r.out.fingerprint(lower, end, r.set.Fingerprint(from, r.set.Rank(end)))
	return true
}

// room is how many bytes the answer may still grow, when what does not fit is to be put off.
func (r *responder) room() int {
	if r.limit == 0 {
		return int(^uint(0) >> 1)
	}
	return r.limit - len(r.out.message) - maxSkip - maxFingerprint
}

// rest puts off all from a bound on.
func (r *responder) rest(lower Bound, from int) {
	r.out.fingerprint(lower, Infinity, r.set.Fingerprint(from, r.set.Len()))
}

// list answers a list of IDs with that of the set's IDs in the range, as many as there is room for.
func (r *responder) list(rng wireRange, from, to int) bool {
	r.compare(rng, from, to)
	room := r.room() - 2*maxSkip - maxVarint
	if room < 0 { // not even for an empty list
		r.rest(rng.lower, from)
		return false
	}
	fit := room / len(ID{})
	if to-from <= fit {
		r.out.list(rng.lower, rng.upper, r.set, from, to-from)
		return true
	}
	lower := rng.lower
	if fit > 0 {
		cut := boundAt(r.set, from+fit)
		r.out.list(lower, cut, r.set, from, fit)
		lower = cut
	}
	r.rest(lower, from+fit)
	return false
}

// maxLooked is how many items are looked at, at most, to find those that a message lists: about a
// millisecond's work. Correct peers list where they have few, and seldom where the other has many.
const maxLooked = 1 << 15

// compare finds what the message lists and the set lacks.
func (r *responder) compare(rng wireRange, from, to int) {
	looked := min(to-from, r.look)
	r.look -= looked
	d := difference(rng.ids, r.set, from, from+looked, nil)
	r.reply.Unknown = append(r.reply.Unknown, d.unknown...)
	for i := range d.unknown {
		r.reply.Times = append(r.reply.Times, intervalOf(&d.unknown[i], &rng.lower, &rng.upper))
	}
	r.reply.Differ = r.reply.Differ || d.lacking || len(d.unknown) > 0
}

// listDifference is how a list of IDs differs from the set.
type listDifference struct {
	listed  int  // distinct IDs of the list
	unknown []ID // those that the set has not, in the order of the list and each once
	lacking bool // the list lacks some that the set has
}

// difference compares listed IDs with the set's. It calls lacks, if that is not nil, with what the
// list lacks.
func difference(listed []byte, s Set, from, to int, lacks func(ID)) (d listDifference) {
	const size = len(ID{})
	rest := make(map[ID]struct{}, len(listed)/size)
	for i := 0; i < len(listed); i += size {
		rest[ID(listed[i:i+size])] = struct{}{}
	}
	d.listed = len(rest)
	d.lacking = to-from > len(rest)
	for item := range s.Items(from, to) {
		if len(rest) == 0 && lacks == nil {
			break
		}
		if _, ok := rest[item.ID]; ok {
			delete(rest, item.ID)
			continue
		}
		d.lacking = true
		if lacks != nil {
			lacks(item.ID)
		}
	}
	for i := 0; i < len(listed) && len(rest) > 0; i += size {
		id := ID(listed[i : i+size])
		if _, ok := rest[id]; ok {
			delete(rest, id)
			d.unknown = append(d.unknown, id)
		}
	}
	return d
}
