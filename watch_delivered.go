package lf

import (
	"bytes"
	"cmp"
	"slices"

	"github.com/lf-store/lf/node/api"
	"github.com/lf-store/lf/protocol"
)

// delivered is what a watch has told its caller: for each composite key the state that was handed
// out last. After a reconnect the node may tell everything again. Then it decides what is news, and
// what is gone that the node does not speak of. It does no I/O.
type delivered struct {
	states  map[watchedKey]*deliveredState
	round   int    // counts the streams
	partial bool   // the caller knows more, from a watch before this one
	present bool   // the caller was told that it has all answers
	synced  string // the state of the node that was told last
}

// watchedKey is a composite key under one of the keys asked for.
type watchedKey struct {
	asked     int
	composite protocol.CompositeID
}

// deliveredState is the last state of a composite key.
type deliveredState struct {
	record           protocol.ID // zero: nothing answers
	owner            protocol.Owner
	timestamp        uint64
	database         [8]byte // which told it
	ordinals         []uint64
	damaged, settled bool
	contested        protocol.ID // the claim that lost last
	round            int         // when the node last said so
	deleted, alive   bool
	pulsed           int // when the node last said that it is alive
}

func (s *deliveredState) gone() bool { return s.record == protocol.ID{} }

func newDelivered(partial bool) *delivered {
	return &delivered{states: map[watchedKey]*deliveredState{}, partial: partial}
}

// begin notes that a new stream begins.
func (d *delivered) begin() { d.round++ }

// same reports whether this was told last, and notes that the node said something of the key.
func (d *delivered) same(key watchedKey, now deliveredState) bool {
	last := d.states[key]
	if last == nil {
		return now.gone() && !d.partial
	}
	last.round = d.round
	return last.record == now.record && last.damaged == now.damaged
}

// newer reports whether a state is certainly newer than what was told last. An answer where there
// was none is, and a later version of the same owner's.
func (d *delivered) newer(key watchedKey, now *deliveredState) bool {
	last := d.states[key]
	if last == nil || last.gone() {
		return !now.gone()
	}
	return now.owner == last.owner && now.timestamp > last.timestamp
}

// answer takes what answers now; the zero record is nothing. It reports whether that is news, and
// what was told before.
func (d *delivered) answer(key watchedKey, now deliveredState) (before deliveredState, news bool) {
	last := d.states[key]
	if d.same(key, now) {
		return before, false
	}
	now.round = d.round
	if last == nil {
		d.states[key] = &now
		return before, true
	}
	if last.record == now.record { // its value came or went
		now.settled, now.contested = last.settled, last.contested
	}
	if !now.gone() && !now.deleted {
		now.alive, now.pulsed = last.alive, last.pulsed
	}
	before, *last = *last, now
	return before, true
}

// pulse takes whether the claim that answers is alive.
func (d *delivered) pulse(key watchedKey, now deliveredState, alive bool) (news bool) {
	last := d.states[key]
	if last == nil {
		if !d.partial {
			return false // the answer comes first
		}
		now.round, last, news = d.round, &now, true
		d.states[key] = last
	}
	if alive {
		last.pulsed = d.round
	}
	news = news || last.alive != alive
	last.alive = alive
	return news
}

// lapsed takes that the node has told everything since [delivered.begin]. It returns what was alive
// before, and of which the node did not say so.
func (d *delivered) lapsed() (keys []watchedKey) {
	for key, state := range d.states {
		if state.alive && state.pulsed != d.round {
			state.alive = false
			keys = append(keys, key)
		}
	}
	return keys
}

// settle takes that what answers now is settled; the zero record is nothing.
func (d *delivered) settle(key watchedKey, now deliveredState) (news bool) {
	last := d.states[key]
	if last == nil || last.record != now.record {
		now.round, last = d.round, &now
		d.states[key] = last
	}
	news, last.settled = !last.settled, true
	return news
}

// contest takes that a claim lost against the answer.
func (d *delivered) contest(key watchedKey, loser protocol.ID) (news bool) {
	last := d.states[key]
	if last == nil || last.contested == loser {
		return false
	}
	last.contested = loser
	return true
}

// listed takes that the node has told all answers since [delivered.begin]. It returns what was told
// before and is not among them: that is gone, in the order of the ordinals.
func (d *delivered) listed() []watchedKey {
	var lost []watchedKey
	for key, state := range d.states {
		switch {
		case state.round == d.round:
		case state.gone() && len(d.states) > api.MaxWatchAnswers:
			delete(d.states, key) // make room
		case state.gone():
		default:
			lost = append(lost, key)
		}
	}
	slices.SortFunc(lost, func(a, b watchedKey) int {
		return cmp.Or(cmp.Compare(a.asked, b.asked), slices.Compare(d.states[a].ordinals, d.states[b].ordinals), bytes.Compare(a.composite[:], b.composite[:]))
	})
	return lost
}

// complete takes that the caller has been told all answers. With all these are all that there are;
// otherwise they and those that the caller knew before. It reports whether that is news.
func (d *delivered) complete(all bool) (news bool) {
	news = !d.present || d.partial && all
	d.present, d.partial = true, d.partial && !all
	return news
}

// sync takes how the node stands to its peers, and reports whether it came to be in sync or no
// longer is.
func (d *delivered) sync(state string) (news bool) {
	news = d.synced == "" || (d.synced == api.SyncSynced) != (state == api.SyncSynced)
	d.synced = state
	return news
}
