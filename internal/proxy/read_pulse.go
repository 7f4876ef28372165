package proxy

import (
	"fmt"

	"github.com/lf-store/lf/node/api"
	"github.com/lf-store/lf/protocol"
)

// pulse reads the pulse that a node shows beside the winner of a key. One that is not signed by
// the winner's owner is a [forgedError].
func (u *question) pulse(from *api.Alive, won version) (*protocol.Pulse, error) {
	if from == nil {
		return nil, nil
	}
	p, err := protocol.DecodePulse(from.Pulse)
	if err != nil {
		return nil, fmt.Errorf("beside record %s: %w", won.ID(), err)
	}
	if err := u.network.CheckPulse(&p, won.Owner); err != nil {
		return nil, forged("%w", err)
	}
	if won.Tombstone() {
		return nil, fmt.Errorf("it shows a pulse beside record %s, which deletes", won.ID())
	}
	return &p, nil
}

// findPulses gives each answer the newest pulse that one of the nodes shows, because a node that
// lacks it is only late.
func (u *question) findPulses(united *view, group []*view) {
	for i := range united.answers {
		a := &united.answers[i]
		a.alive = nil
		for _, v := range group {
			b := v.at(&a.place)
			if b == nil || b.alive == nil || b.winner().Owner != a.winner().Owner || !u.isOfClaim(a, b.alive, group) {
				continue
			}
			if a.alive == nil || a.alive.Second < b.alive.Second {
				a.alive = b.alive
			}
		}
	}
}

// isOfClaim reports whether a pulse is for the winner's claim, and not for another one of the same
// owner. The proxy knows that of a record that it has checked. Of another one most nodes must say
// so.
func (u *question) isOfClaim(a *viewAnswer, p *protocol.Pulse, group []*view) bool {
	if p.Record == a.winner().ID() {
		return true
	}
	if r := u.records.known(p.Record); r != nil {
		return r.Owner == a.winner().Owner && r.CompositeID() == a.composite
	}
	votes := 0
	for _, v := range group {
		if b := v.at(&a.place); b != nil && b.alive != nil && b.alive.Record == p.Record {
			votes++
		}
	}
	return votes >= majority(len(group))
}
