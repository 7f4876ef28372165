package watchstate

import (
	"maps"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/lf-store/lf/node/api"
	"github.com/lf-store/lf/protocol"
)

func request(change func(*api.WatchRequest)) *api.WatchRequest {
	r := &api.WatchRequest{Keys: make([]api.WatchKey, 2)}
	if change != nil {
		change(r)
	}
	return r
}

func place(key int, id byte) Place {
	return Place{Key: key, Composite: protocol.CompositeID{id}, Ordinals: api.Uint64s{uint64(id)}}
}

func answer(record byte, claims ...byte) *api.Answer {
	a := &api.Answer{Version: api.Version{Record: protocol.ID{record}}}
	if len(claims) > 0 {
		a.Explanation = &api.Explanation{Decided: protocol.CriterionWeight}
		for i, c := range append([]byte{record}, claims...) {
			a.Explanation.Claims = append(a.Explanation.Claims, api.ClaimInfo{Record: protocol.ID{c}, Standing: protocol.Standing{Weight: uint64(100 - 10*i)}})
		}
	}
	return a
}

func names(events []*api.WatchEvent) (list []string) {
	for _, e := range events {
		list = append(list, e.Event)
	}
	return list
}

func newState(t interface{ Fatal(...any) }, r *api.WatchRequest) *State {
	s, err := New(r, "database")
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// TestSettles: an answer settles once it has not changed for a time while the node was in sync.
func TestSettles(t *testing.T) {
	t.Parallel()
	s := newState(t, request(nil))
	now := time.UnixMilli(1_000_000)
	after := func(d time.Duration) time.Time { return now.Add(d) }
	s.Update(place(0, 1), answer(1, 2), now)
	s.Listed(false, api.SyncComparing, now)
	if due := s.Due(after(time.Hour)); len(due) > 0 || !s.NextDue().IsZero() {
		t.Fatalf("not in sync, and due are %v", due)
	}
	if e := s.Sync(api.SyncSynced, after(10*time.Second)); e == nil || e.Sync != api.SyncSynced || e.Listed {
		t.Fatalf("in sync: %+v", e)
	}
	if e := s.Sync(api.SyncSynced, after(11*time.Second)); e != nil {
		t.Fatalf("in sync again: %+v", e)
	}
	s.Update(place(1, 2), answer(3), after(20*time.Second))
	if due := s.Due(after(39 * time.Second)); len(due) > 0 {
		t.Fatalf("too early: %v", due)
	}
	due := s.Due(after(40 * time.Second))
	if len(due) != 1 || due[0].Key != 0 || !s.NextDue().Equal(after(50*time.Second)) {
		t.Fatalf("due are %v, next at %s", due, s.NextDue())
	}
	e := s.Settle(due[0], answer(1, 2), after(40*time.Second))
	if len(e) != 1 || e[0].Event != api.WatchSettled || *e[0].Lead != 10 || e[0].Answer == nil {
		t.Fatalf("settled: %v", names(e))
	}
	if due := s.Due(after(49 * time.Second)); len(due) > 0 {
		t.Fatalf("settled twice: %v", due)
	}
	e = s.Update(due[0], answer(2, 1), after(45*time.Second))
	if len(e) != 1 || !e[0].ReplacesSettled || e[0].Before == nil || e[0].Decided != protocol.CriterionWeight {
		t.Fatalf("replaced: %+v", e[0])
	}
	// An answer that changed when it was about to settle is told, and waits again.
	due = s.Due(after(50 * time.Second))
	if e := s.Settle(due[0], nil, after(50*time.Second)); !slices.Equal(names(e), []string{api.WatchGone}) {
		t.Fatalf("gone: %v", names(e))
	}
	due = s.Due(after(80 * time.Second))
	if len(due) != 2 {
		t.Fatalf("due are %v", due)
	}
	for _, at := range due {
		if at.Key == 1 {
			if e := s.Settle(at, nil, after(80*time.Second)); !slices.Equal(names(e), []string{api.WatchSettled}) || e[0].Answer != nil {
				t.Fatalf("that it is gone settles: %v", names(e))
			}
		}
	}
	if s.Sync(api.SyncFetching, after(81*time.Second)); !s.NextDue().IsZero() || s.Count() != 1 {
		t.Fatalf("%d places, next at %s", s.Count(), s.NextDue())
	}
}

// TestContested: a record that came and lost is told to the watcher that wants to hear of it, once.
func TestContested(t *testing.T) {
	t.Parallel()
	now := time.UnixMilli(1_000_000)
	s := newState(t, request(func(r *api.WatchRequest) { r.Contested = true }))
	for i, step := range []struct {
		answer *api.Answer
		want   []string
	}{
		{answer(1), []string{api.WatchAnswer}},
		{answer(1, 2), []string{api.WatchContested}},
		{answer(1, 2), nil},
		{answer(2, 1), []string{api.WatchAnswer}}, // the same claims in another order
		{answer(2, 1, 3), []string{api.WatchContested}},
	} {
		e := s.Update(place(0, 1), step.answer, now)
		if !slices.Equal(names(e), step.want) {
			t.Fatalf("step %d: %v, want %v", i, names(e), step.want)
		}
	}
	quiet := newState(t, request(nil))
	quiet.Update(place(0, 1), answer(1), now)
	if e := quiet.Update(place(0, 1), answer(1, 2), now); len(e) > 0 {
		t.Fatalf("%v", names(e))
	}
}

// TestCursorProperty: a cursor says that nothing has changed exactly if the answers are those that
// were told, whatever was told in between. That of an unfinished listing never says so.
func TestCursorProperty(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		now := time.UnixMilli(1_000_000)
		s := newState(t, request(nil))
		told := map[spot]byte{}
		listed := false
		for range rapid.IntRange(1, 20).Draw(t, "steps") {
			at := place(rapid.IntRange(0, 1).Draw(t, "key"), rapid.Byte().Draw(t, "composite")%4)
			record := rapid.Byte().Draw(t, "record") % 3
			if record == 0 {
				s.Update(at, nil, now)
				delete(told, spot{at.Key, at.Composite})
			} else {
				s.Update(at, answer(record), now)
				told[spot{at.Key, at.Composite}] = record
			}
			if rapid.IntRange(0, 3).Draw(t, "listed") == 0 && !listed {
				listed = true
				s.Listed(false, api.SyncAlone, now)
			}
		}
		cursor := s.Cursor().String()
		back := newState(t, request(func(r *api.WatchRequest) { r.After = cursor }))
		if back.MayBeCurrent() != listed {
			t.Fatalf("the listing has ended: %t, and the cursor may be current: %t", listed, back.MayBeCurrent())
		}
		if !listed {
			return
		}
		same := rapid.Bool().Draw(t, "same")
		for at, record := range told {
			if !same && record == 1 {
				record = 5
			}
			back.Note(Place{Key: at.key, Composite: at.composite}, answer(record), now)
		}
		changed := !same && slices.Contains(slices.Collect(maps.Values(told)), 1)
		if back.Resume() == changed {
			t.Fatalf("changed: %t, and the cursor says the opposite", changed)
		}
	})
}

// spot tells places apart.
type spot struct {
	key       int
	composite protocol.CompositeID
}

// TestCursorText: a cursor reads as it was written, and nothing else is one.
func TestCursorText(t *testing.T) {
	t.Parallel()
	c := api.WatchCursor{Database: api.WatchDatabase("a"), Index: 7, Partial: true}
	c.Sum.Add(protocol.CompositeID{1}, protocol.ID{2}, true)
	read, err := api.ParseWatchCursor(c.String())
	if err != nil || *read != c {
		t.Fatalf("%+v, %v, want %+v", read, err, c)
	}
	for _, text := range []string{"x", "AAAA", c.String() + "A", c.String()[1:], "AgA" + c.String()[3:]} {
		if _, err := api.ParseWatchCursor(text); err == nil {
			t.Errorf("%q is read as a cursor", text)
		}
	}
	if read, err := api.ParseWatchCursor(""); read != nil || err != nil {
		t.Errorf("none is read as %v, %v", read, err)
	}
}
