package watchstate

import (
	"time"

	"github.com/lf-store/lf/node/api"
)

// IsAlive reports whether the claim that answers at a place was told to be alive.
func (s *State) IsAlive(at Place) bool {
	t := s.keys[at.Key][at.Composite]
	return t != nil && t.alive
}

// pulsed looks at the newest pulse of the claim that answers. It returns an event if that makes it
// alive, or if the claim has lapsed.
func (s *State) pulsed(t *told, at Place, a *api.Answer, now time.Time) *api.WatchEvent {
	switch {
	case s.request.Alive == 0 || a.Error != "":
		return nil
	case a.Deleted:
		s.dead(t, at)
		return nil
	}
	is := a.Alive.Within(s.request.Alive)
	if is {
		left := s.request.Alive - a.Alive.Age + 1 // a day at most
		t.lapses = now.Add(time.Duration(left) * time.Second)
		s.lapsesAt(t.lapses)
	}
	if is == t.alive {
		return nil
	}
	name := api.WatchLapsed
	if is {
		name = api.WatchAlive
		s.sum.AddAlive(at.Composite, t.record)
	} else {
		s.sum.RemoveAlive(at.Composite, t.record)
	}
	t.alive = is
	e := s.event(name, at, now)
	e.Answer, e.Again, e.Cursor = s.shown(a), s.again, s.Cursor().String()
	return e
}

// dead notes that nothing can be alive at a place.
func (s *State) dead(t *told, at Place) {
	if t.alive {
		s.sum.RemoveAlive(at.Composite, t.record)
		t.alive = false
	}
}

func (s *State) lapsesAt(at time.Time) {
	if s.lapse.IsZero() || at.Before(s.lapse) {
		s.lapse = at
	}
}

// lapsing returns the places whose claim has lapsed unless it has pulsed again.
func (s *State) lapsing(now time.Time) (due []Place) {
	if s.lapse.IsZero() || s.lapse.After(now) {
		return nil
	}
	s.lapse = time.Time{}
	for key := range s.keys {
		for composite, t := range s.keys[key] {
			switch {
			case !t.alive:
			case t.lapses.After(now):
				s.lapsesAt(t.lapses)
			default:
				due = append(due, Place{key, composite, t.ordinals})
			}
		}
	}
	return due
}
