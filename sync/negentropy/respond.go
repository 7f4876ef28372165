package negentropy

// MinFrameLimit is the smallest limit to the length of a message: any range can be answered within it.
const MinFrameLimit = 4096

// Reply is a responder's answer.
type Reply struct {
	Message []byte
	Unknown []ID // what the message lists and the set was not found to have, in the order of the message
	Differ  bool // some range differed
}

// responder is at work on one message.
type responder struct {
	set   Set
	limit int // of the answer's length, 0 none
	look  int // how many items may still be looked at to find listed ones
	out   *writer
	reply Reply
}

// Respond answers an initiator's message. The answer takes at most frameLimit bytes (0: no limit; a limit below
// [MinFrameLimit] counts as that). What does not fit is put off: the fingerprint of all the rest stands for it.
//
// The work is bounded by the message and the limit: for each range of the message a few look-ups in the set, for each 32
// bytes of the answer an item, and 32,768 items more to find those that are listed. Where there were more to be looked
// through, Unknown may have IDs that the set has; an ID that is listed again is told again.
func Respond(s Set, message []byte, frameLimit int) (Reply, error) {
	in := &reader{message: message}
	version, err := in.version()
	if err != nil {
		return Reply{}, err
	}
	r := &responder{set: s, limit: effectiveLimit(frameLimit), look: maxLooked, out: newWriter()}
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

// answer says what is to be said of a range. It returns false when the message is full: nothing follows.
func (r *responder) answer(rng wireRange) bool {
	if rng.mode == modeSkip {
		return true
	}
	from, to := r.set.Rank(rng.lower), r.set.Rank(rng.upper)
	if rng.mode == modeIDList {
		return r.list(rng, from, to)
	}
	if r.set.Fingerprint(from, to) == rng.fingerprint {
		return true
	}
	r.reply.Differ = true
	if r.room() < maxSkip+maxSplit {
		r.rest(rng.lower, from)
		return false
	}
	r.out.split(r.set, rng.lower, rng.upper, from, to, func(Bound) {})
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
	fit := max(0, (r.room()-2*maxSkip-maxVarint)/len(ID{}))
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

// maxLooked is how many items are looked at, at most, to find those that a message lists: about a millisecond's work.
// Correct peers list where they have few, and seldom where the other has many.
const maxLooked = 1 << 15

// compare finds what the message lists and the set lacks.
func (r *responder) compare(rng wireRange, from, to int) {
	looked := min(to-from, r.look)
	r.look -= looked
	unknown, lacking := difference(rng.ids, r.set, from, from+looked, nil)
	r.reply.Unknown = append(r.reply.Unknown, unknown...)
	r.reply.Differ = r.reply.Differ || lacking || len(unknown) > 0
}

// difference compares listed IDs with the set's: those that the set has not, in the order of the list and each once, and
// whether the list lacks some that the set has; lacks is called with these if it is not nil.
func difference(listed []byte, s Set, from, to int, lacks func(ID)) (unknown []ID, lacking bool) {
	const size = len(ID{})
	rest := make(map[ID]struct{}, len(listed)/size)
	for i := 0; i < len(listed); i += size {
		rest[ID(listed[i:i+size])] = struct{}{}
	}
	lacking = to-from > len(rest)
	for item := range s.Items(from, to) {
		if len(rest) == 0 && lacks == nil {
			break
		}
		if _, ok := rest[item.ID]; ok {
			delete(rest, item.ID)
			continue
		}
		lacking = true
		if lacks != nil {
			lacks(item.ID)
		}
	}
	for i := 0; i < len(listed) && len(rest) > 0; i += size {
		id := ID(listed[i : i+size])
		if _, ok := rest[id]; ok {
			delete(rest, id)
			unknown = append(unknown, id)
		}
	}
	return unknown, lacking
}
