package watchstate

import (
	"time"

	"github.com/lf-store/lf/node/api"
	"github.com/lf-store/lf/protocol"
)

// Update takes the answer at a place now, nil where there is none, and returns the events that
// follow from it. The answer comes with frames and with an explanation, which is not passed on.
func (s *State) Update(at Place, a *api.Answer, now time.Time) []*api.WatchEvent {
	t := s.keys[at.Key][at.Composite]
	if a == nil {
		return s.gone(t, at, now)
	}
	if t == nil {
		t = &told{ordinals: at.Ordinals}
		s.keys[at.Key][at.Composite] = t
		s.count++
	}
	var events []*api.WatchEvent
	if e := s.changed(t, at, a, now); e != nil {
		events = append(events, e)
	}
	if e := s.pulsed(t, at, a, now); e != nil {
		events = append(events, e)
	}
	return append(events, s.contests(t, at, a, now)...)
}

// gone tells that nothing answers any more. What was told is kept until that has settled.
func (s *State) gone(t *told, at Place, now time.Time) []*api.WatchEvent {
	if t == nil || t.kind == nothing {
		return nil
	}
	e := s.event(api.WatchGone, at, now)
	before := t.record
	e.Before, e.ReplacesSettled = &before, t.settled
	s.dead(t, at)
	s.sum.Remove(at.Composite, t.record, t.damaged)
	*t = told{ordinals: t.ordinals, since: now}
	s.waits(now)
	e.Cursor = s.Cursor().String()
	return []*api.WatchEvent{e}
}

// changed notes the answer, and returns an event if it is another one.
func (s *State) changed(t *told, at Place, a *api.Answer, now time.Time) *api.WatchEvent {
	is, damaged := answered, a.Error != ""
	if a.Deleted {
		is = deleted
	}
	if t.kind == is && t.record == a.Record && t.damaged == damaged {
		return nil
	}
	name := api.WatchAnswer
	if is == deleted {
		name = api.WatchDeleted
	}
	e := s.event(name, at, now)
	e.Answer, e.Decided, e.Again, e.ReplacesSettled = s.shown(a), decided(a), s.again, t.settled
	if t.kind != nothing {
		before := t.record
		e.Before = &before
		s.sum.Remove(at.Composite, t.record, t.damaged)
	}
	s.sum.Add(at.Composite, a.Record, damaged)
	if t.alive { // a new version does not lapse
		s.sum.RemoveAlive(at.Composite, t.record)
		s.sum.AddAlive(at.Composite, a.Record)
	}
	t.kind, t.record, t.damaged, t.settled, t.since = is, a.Record, damaged, false, now
	s.waits(now)
	e.Cursor = s.Cursor().String()
	return e
}

// contests tells of claims that came and lost. Those that were there at first are not told.
func (s *State) contests(t *told, at Place, a *api.Answer, now time.Time) []*api.WatchEvent {
	switch {
	case !s.request.Contested || a.Error != "":
		return nil
	case a.Explanation == nil: // it is the only one
		t.claims = map[protocol.ID]bool{a.Record: true}
		return nil
	}
	known := t.claims
	t.claims = make(map[protocol.ID]bool, len(a.Explanation.Claims))
	var events []*api.WatchEvent
	for i := range a.Explanation.Claims {
		c := &a.Explanation.Claims[i]
		t.claims[c.Record] = true
		if known == nil || known[c.Record] || i == 0 {
			continue
		}
		e := s.event(api.WatchContested, at, now)
		e.Cursor, e.Answer = s.Cursor().String(), s.shown(a)
		e.Claim = &api.WatchClaim{Owner: c.Owner, Record: c.Record, LostBy: c.LostBy}
		events = append(events, e)
	}
	return events
}

func (s *State) event(name string, at Place, now time.Time) *api.WatchEvent {
	composite := at.Composite
	return &api.WatchEvent{Event: name, Time: api.Millis(now), Key: at.Key, Composite: &composite, Ordinals: at.Ordinals}
}

// shown is an answer without what was asked for only to make an event of it.
func (s *State) shown(a *api.Answer) *api.Answer {
	out := *a
	out.Explanation, out.Asked = nil, nil
	if !s.request.Frames {
		out.Composite, out.Frame, out.Weight, out.Index = nil, nil, 0, 0
	}
	return &out
}

func decided(a *api.Answer) protocol.Criterion {
	if a.Explanation == nil {
		return ""
	}
	return a.Explanation.Decided
}
