package service

import (
	"context"
	"errors"
	"slices"
	"testing"
	"time"

	"github.com/ipfs/go-datastore"
	"pgregory.net/rapid"

	"github.com/lf-store/lf/node/api"
)

// counted is a node's counters under a test's control.
type counted struct {
	api.ActivityCounts
	err error
	at  time.Time
}

func (c *counted) activity() *activity {
	a := newActivity(func(context.Context) (api.ActivityCounts, error) { return c.ActivityCounts, c.err })
	a.now = func() time.Time { return c.at }
	return a
}

// TestActivity: what a node had before its start is no news. An hour and a day forget, and a
// restart does not.
func TestActivity(t *testing.T) {
	t.Parallel()
	ctx, state := t.Context(), datastore.NewMapDatastore()
	c := &counted{at: time.Date(2026, 5, 1, 12, 0, 0, 0, time.UTC), ActivityCounts: api.ActivityCounts{Records: 1000, In: 50}}
	a := c.activity()
	a.begin(ctx, state)
	if got := a.show(ctx); got.Day != (api.ActivityCounts{}) || len(got.Minutes) != 60 || len(got.Quarters) != 96 {
		t.Errorf("at first %+v", got.Day)
	}
	c.Records, c.In, c.Dropped = 1010, 150, 3
	if got := a.show(ctx); got.Hour != (api.ActivityCounts{Records: 10, In: 100, Dropped: 3}) || got.Day != got.Hour || got.Minutes[59].Records != 10 {
		t.Errorf("after ten records: %+v", got)
	}
	c.at = c.at.Add(2 * time.Hour)
	c.Records = 1011
	if got := a.show(ctx); got.Hour.Records != 1 || got.Day.Records != 11 {
		t.Errorf("two hours later: %+v, %+v", got.Hour, got.Day)
	}
	if err := a.save(ctx, state); err != nil {
		t.Fatal(err)
	}
	c.at = c.at.Add(time.Hour)
	c.ActivityCounts = api.ActivityCounts{Records: 1011} // the others begin at 0
	again := c.activity()
	again.begin(ctx, state)
	c.Out = 7
	got := again.show(ctx)
	if got.Day != (api.ActivityCounts{Records: 11, In: 100, Out: 7, Dropped: 3}) || got.Since != uint64(time.Date(2026, 5, 1, 12, 0, 0, 0, time.UTC).UnixMilli()) {
		t.Errorf("after a restart: %+v since %d", got.Day, got.Since)
	}
	c.at = c.at.Add(25 * time.Hour)
	if got := again.show(ctx); got.Day != (api.ActivityCounts{}) || got.Since < uint64(c.at.Add(-24*time.Hour).UnixMilli()) {
		t.Errorf("a day later: %+v since %d", got.Day, got.Since)
	}
}

// TestActivityUnknown: a count that fails is not taken for 0, nor what was there before for news.
func TestActivityUnknown(t *testing.T) {
	t.Parallel()
	ctx := t.Context()
	c := &counted{at: time.Unix(1e9, 0), ActivityCounts: api.ActivityCounts{Records: 500}, err: errors.New("busy")}
	a := c.activity()
	a.begin(ctx, datastore.NewMapDatastore())
	c.err = nil
	a.note(ctx)
	c.Records, c.err = 0, errors.New("busy")
	a.note(ctx)
	c.Records, c.err = 502, nil
	if got := a.show(ctx); got.Day.Records != 2 {
		t.Errorf("%d records, want 2", got.Day.Records)
	}
}

// TestActivityDecode: whatever is kept, a node starts, and the day's sum is that of its quarters.
func TestActivityDecode(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		ctx, state := context.Background(), datastore.NewMapDatastore()
		c := &counted{at: time.Unix(rapid.Int64Range(-1e6, 1e10).Draw(t, "now"), 0)}
		kept := rapid.SliceOf(rapid.Byte()).Draw(t, "kept")
		if rapid.Bool().Draw(t, "true version") {
			kept = slices.Insert(kept, 0, activityVersion)
		}
		if err := state.Put(ctx, activityKey, kept); err != nil {
			t.Fatal(err)
		}
		a := c.activity()
		a.begin(ctx, state)
		got := a.show(ctx)
		var sum api.ActivityCounts
		for _, q := range got.Quarters {
			sum.Add(q.ActivityCounts)
		}
		if sum != got.Day {
			t.Errorf("quarters %+v, day %+v", sum, got.Day)
		}
	})
}

func TestSyncSince(t *testing.T) {
	t.Parallel()
	now := time.Unix(1000, 0)
	s := newSyncSince(nil)
	s.now = func() time.Time { return now }
	for _, step := range []struct {
		state string
		want  uint64
	}{{"alone", 1000}, {"alone", 1000}, {"synced", 1002}, {"synced", 1002}, {"alone", 1004}} {
		if got := s.note(step.state); got != step.want*1000 {
			t.Errorf("%s since %d, want %d", step.state, got, step.want*1000)
		}
		now = now.Add(time.Second)
	}
}
