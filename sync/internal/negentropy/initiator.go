package negentropy

// Config is how an initiator goes to work.
type Config struct {
	// the most bytes of a message; 0: no limit; a limit below MinFrameLimit counts as that
	FrameLimit int
	From       Bound // start above it: what is below is skipped
	To         Bound // end below it: what is above is skipped; the zero Bound counts as Infinity
}

// Initiator asks: it compares its set with a responder's. It has state; a new one is made for each
// session.
type Initiator struct {
	limit int
	// what is not yet compared, in order; the first sent of them are what the last message asked
	open   []span
	sent   int
	window int // how many to ask at once
	done   Bound
	stall  int // rounds since done moved
}

// span is a range that is not yet compared.
type span struct {
	from, to Bound
	// the responder's fingerprint of it differs: to be split. Else ours is to be sent.
	differs bool
}

// Step is what a round has brought.
type Step struct {
	Message []byte // the next message; nil: all is compared
	// what the responder has and the set lacks, in the order of the responder's set
	Need []ID
	// for each of Need, the timestamps that it can have where the responder listed it
	Times []Interval
	// how many items the set has in the ranges that the reply lists, and the responder lacks
	Lacked int
	Done   Bound // all below it is compared; Infinity: all up to Config.To
	Differ bool  // some range that the reply lists differed
}

// maxOpen is how many ranges are remembered; the last ones are joined. 8,192 of them take 700 KB.
// Each reply of 32 KiB brings up to 1,600. We go down from the lowest, which leaves about as many
// on each of the five or six levels of a large set.
const maxOpen = 8192

// maxStall is how many rounds pass, at most, before Step.Done moves with a correct responder. A
// round divides the items that each side has in the first open range by sixteen, until one side
// lists them. Even sets of 2⁶⁴ take sixteen rounds.
const maxStall = 20

// minWindow is the least number of ranges asked of at once. When a responder had no room to answer
// all, it is next asked of this many and twice those that it answered. What it cannot answer is
// sent in vain.
const minWindow = 128

// NewInitiator makes an initiator. Nothing is asked until Start.
func NewInitiator(c Config) *Initiator {
	i := &Initiator{limit: effectiveLimit(c.FrameLimit), window: maxOpen, done: c.From}
	to := c.To
	if to == (Bound{}) {
		to = Infinity
	}
	if c.From.Compare(to) < 0 {
		i.open = []span{{from: c.From, to: to}}
	}
	return i
}

// Start returns the first message: the fingerprint of all between Config.From and Config.To.
func (i *Initiator) Start(s Set) []byte { return i.message(s) }

// message asks of the first open ranges, as many as the limit permits.
func (i *Initiator) message(s Set) []byte {
	out := newWriter()
	var asked []span
	n := 0
	for ; n < len(i.open) && len(asked) < i.window; n++ {
		if i.limit > 0 && i.limit-len(out.message) < maxSkip+maxSplit {
			break
		}
		asked = i.open[n].ask(s, out, asked)
	}
	i.sent = len(asked)
	i.open = append(asked, i.open[n:]...)
	return out.message
}

// ask writes what is to be asked of a range and appends the ranges that were written.
func (p span) ask(s Set, out *writer, asked []span) []span {
	from, to := s.Rank(p.from), s.Rank(p.to)
	switch {
	case p.differs:
		lower := p.from
		out.split(s, p.from, p.to, from, to, func(upper Bound) {
			asked = append(asked, span{lower, upper, to-from < listed})
			lower = upper
		})
	case from == to: // shorter than its fingerprint
		out.list(p.from, p.to, s, from, 0)
		asked = append(asked, span{p.from, p.to, true})
	default:
		out.fingerprint(p.from, p.to, s.Fingerprint(from, to))
		asked = append(asked, p)
	}
	return asked
}

// Next takes the responder's reply to the last message. Have, when it is not nil, is called with
// what the set has and the responder lacks.
//
// A reply may list IDs only where the last message asked, and a range once compared is not asked of
// again. So in a session each item of the set is looked at once at most, apart from a few look-ups
// for each range of a reply. When Done stands still for longer than any correct responder needs,
// Next fails. The caller says how many rounds a session may have in all.
func (i *Initiator) Next(s Set, reply []byte, have func(ID)) (Step, error) {
	in := &reader{message: reply}
	version, err := in.version()
	if err != nil {
		return Step{}, err
	}
	if version != version1 {
		return Step{}, in.fault("the responder does not speak version 1")
	}
	var step Step
	asked, later := i.open[:i.sent], i.open[i.sent:]
	var open []span
	window := maxOpen
	for in.more() {
		rng, err := in.next()
		if err != nil {
			return Step{}, err
		}
		var within []span
		within, asked = cut(asked, rng.upper)
		switch rng.mode {
		case modeFingerprint:
			if s.Fingerprint(s.Rank(rng.lower), s.Rank(rng.upper)) == rng.fingerprint {
				_, later = cut(later, rng.upper)
			} else if len(within) == 1 && within[0].from == rng.lower && within[0].to == rng.upper {
				open = append(open, span{rng.lower, rng.upper, true})
			} else { // stands for all that did not fit into the reply
				open = append(open, within...)
				window = minWindow + 2*(i.sent-len(within)-len(asked))
			}
		case modeIDList:
			if !covers(within, rng.lower, rng.upper) {
				return Step{}, in.fault("IDs listed where none were asked for")
			}
			step.take(&rng, s, have)
		}
	}
	i.window, i.sent = window, 0
	i.open = join(append(open, later...))
	return i.step(s, step, in)
}

// take compares a list of the responder's with the set.
func (t *Step) take(rng *wireRange, s Set, have func(ID)) {
	from, to := s.Rank(rng.lower), s.Rank(rng.upper)
	d := difference(rng.ids, s, from, to, have)
	t.Need = append(t.Need, d.unknown...)
	for i := range d.unknown {
		t.Times = append(t.Times, intervalOf(&d.unknown[i], &rng.lower, &rng.upper))
	}
	t.Lacked += to - from - (d.listed - len(d.unknown))
	t.Differ = t.Differ || d.lacking || len(d.unknown) > 0
}

// step completes a step with the next message.
func (i *Initiator) step(s Set, step Step, in *reader) (Step, error) {
	step.Done = Infinity
	if len(i.open) > 0 {
		step.Done = i.open[0].from
	}
	i.stall++
	if step.Done.Compare(i.done) > 0 {
		i.done, i.stall = step.Done, 0
	}
	if i.stall > maxStall {
		return Step{}, in.fault("rounds go by and nothing is compared")
	}
	if len(i.open) > 0 {
		step.Message = i.message(s)
	}
	return step, nil
}

// cut divides spans at a bound.
func cut(spans []span, at Bound) (below, above []span) {
	n := 0
	for n < len(spans) && spans[n].to.Compare(at) <= 0 {
		n++
	}
	if n == len(spans) || spans[n].from.Compare(at) >= 0 {
		return spans[:n], spans[n:]
	}
	below = append(append(below, spans[:n]...), span{spans[n].from, at, spans[n].differs})
	spans[n].from = at
	return below, spans[n:]
}

// covers tells whether spans reach from one bound to another without a gap.
func covers(spans []span, from, to Bound) bool {
	for _, p := range spans {
		if p.from != from {
			return false
		}
		from = p.to
	}
	return from == to
}

// join keeps the number of spans in bounds: the last ones become one.
func join(spans []span) []span {
	if len(spans) <= maxOpen {
		return spans
	}
	last := span{from: spans[maxOpen-1].from, to: spans[len(spans)-1].to}
	return append(spans[:maxOpen-1], last)
}
