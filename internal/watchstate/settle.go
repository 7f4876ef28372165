package watchstate

import (
	"time"

	"github.com/lf-store/lf/node/api"
)

// NextDue is when [State.Due] is to be asked next; zero: nothing waits to settle or to lapse.
func (s *State) NextDue() time.Time {
	if s.synced.IsZero() || s.due.IsZero() || !s.lapse.IsZero() && s.lapse.Before(s.due) {
		return s.lapse
	}
	return s.due
}

// waits notes that an answer of this moment is to settle.
func (s *State) waits(now time.Time) {
	if at := now.Add(s.request.Settled()); s.due.IsZero() || at.Before(s.due) {
		s.due = at
	}
}

// Due returns the places whose answer may be called settled or lapsed now. Each must be given to
// [State.Settle].
func (s *State) Due(now time.Time) []Place { return append(s.settling(now), s.lapsing(now)...) }

func (s *State) settling(now time.Time) (due []Place) {
	if s.synced.IsZero() || s.due.IsZero() || s.due.After(now) {
		return nil
	}
	s.due = time.Time{}
	for key := range s.keys {
		for composite, t := range s.keys[key] {
			if t.settled {
				continue
			}
			at := s.settlesAt(t)
			switch {
			case !at.After(now):
				due = append(due, Place{key, composite, t.ordinals})
			case s.due.IsZero() || at.Before(s.due):
				s.due = at
			}
		}
	}
	return due
}

// settlesAt is when an answer settles that does not change, while the node is in sync.
func (s *State) settlesAt(t *told) time.Time {
	return later(t.since, s.synced).Add(s.request.Settled())
}

func later(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}

// Settle takes the answer at a place that is due, and tells that it has settled, unless it has
// changed.
func (s *State) Settle(at Place, a *api.Answer, now time.Time) []*api.WatchEvent {
	if events := s.Update(at, a, now); len(events) > 0 {
		return events
	}
	t := s.keys[at.Key][at.Composite]
	if t == nil || t.settled || s.synced.IsZero() || s.settlesAt(t).After(now) {
		return nil
	}
	e := s.event(api.WatchSettled, at, now)
	e.Cursor = s.Cursor().String()
	if a == nil {
		delete(s.keys[at.Key], at.Composite)
		s.count--
		return []*api.WatchEvent{e}
	}
	t.settled = true
	e.Answer, e.Decided, e.Lead = s.shown(a), decided(a), lead(a)
	return []*api.WatchEvent{e}
}

// lead is by how much the winner's weight exceeds that of the next best claim.
func lead(a *api.Answer) *api.Uint64 {
	if a.Explanation == nil || len(a.Explanation.Claims) == 0 {
		return nil
	}
	claims := a.Explanation.Claims
	w := api.Uint64(claims[0].Weight)
	if len(claims) > 1 {
		w -= min(w, api.Uint64(claims[1].Weight))
	}
	return &w
}
