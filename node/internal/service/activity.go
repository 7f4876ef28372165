package service

import (
	"context"
	"encoding/binary"
	"errors"
	"sync"
	"time"

	"github.com/ipfs/go-datastore"

	"github.com/lf-store/lf/internal/supervisor"
	"github.com/lf-store/lf/node/api"
)

const (
	dayMinutes     = 24 * 60
	hourMinutes    = 60
	quarterMinutes = 15
	// activitySaved is how many minutes of counting a crash may lose.
	activitySaved = 15
	// activityVersion is the first byte of what is kept.
	activityVersion = 1
)

var activityKey = datastore.NewKey("/activity")

// activity counts what the node takes in and sends, minute by minute, for a day. It is safe for
// concurrent use.
type activity struct {
	count func(context.Context) (api.ActivityCounts, error) // in all, since the start
	now   func() time.Time

	mu    sync.Mutex
	last  api.ActivityCounts // what count said last
	known bool               // whether it said anything yet
	since int64              // the first minute that was counted
	slots [dayMinutes]minute // by the minute since the Unix epoch, modulo a day
}

// minute is what was counted in one minute.
type minute struct {
	at int64 // minutes since the Unix epoch
	api.ActivityCounts
}

func newActivity(count func(context.Context) (api.ActivityCounts, error)) *activity {
	return &activity{count: count, now: time.Now}
}

// begin reads what an earlier run has kept, and counts from now on.
func (a *activity) begin(ctx context.Context, state datastore.Datastore) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.since = minuteOf(a.now())
	if kept, err := state.Get(ctx, activityKey); err == nil {
		a.decode(kept) // what is damaged is not worth a start that fails
	}
	counts, err := a.count(ctx)
	a.last, a.known = counts, err == nil
}

// run counts until ctx ends, and keeps what it has counted.
func (a *activity) run(ctx context.Context, state datastore.Datastore) error {
	for passed := 1; supervisor.Sleep(ctx, time.Minute) == nil; passed++ {
		a.note(ctx)
		if passed%activitySaved == 0 {
			_ = a.save(ctx, state) // a disk that is full: the store says so
		}
	}
	late, cancel := context.WithTimeout(context.WithoutCancel(ctx), time.Second)
	defer cancel()
	a.note(late)
	_ = a.save(late, state)
	return ctx.Err()
}

// minuteOf is a time in minutes since the Unix epoch. A clock that stands in 1970 counts as a day
// later.
func minuteOf(t time.Time) int64 { return max(t.Unix()/60, dayMinutes) }

// note adds what has come since the last time to this minute.
func (a *activity) note(ctx context.Context) {
	a.mu.Lock()
	defer a.mu.Unlock()
	counts, err := a.count(ctx)
	if err != nil {
		return
	}
	before := a.last
	if !a.known { // what was there before the first count is no news
		before = counts
	}
	a.last, a.known = counts, true
	now := minuteOf(a.now())
	slot := &a.slots[now%dayMinutes]
	if slot.at != now {
		*slot = minute{at: now}
	}
	slot.Add(api.ActivityCounts{
		Records: above(counts.Records, before.Records), In: above(counts.In, before.In),
		Out: above(counts.Out, before.Out), Dropped: above(counts.Dropped, before.Dropped),
	})
}

// above is how much more a is than b.
func above(a, b uint64) uint64 { return a - min(a, b) }

// show tells what was counted.
func (a *activity) show(ctx context.Context) *api.Activity {
	a.note(ctx)
	a.mu.Lock()
	defer a.mu.Unlock()
	now := minuteOf(a.now())
	out := &api.Activity{Since: millisOf(max(a.since, now-dayMinutes+1)), Minutes: make([]api.ActivitySample, hourMinutes), Quarters: make([]api.ActivitySample, dayMinutes/quarterMinutes)}
	first := now - dayMinutes + 1
	for i := range int64(dayMinutes) {
		at := first + i
		quarter := &out.Quarters[i/quarterMinutes]
		if quarter.At == 0 {
			quarter.At = millisOf(at)
		}
		var counted api.ActivityCounts
		if slot := a.slots[at%dayMinutes]; slot.at == at {
			counted = slot.ActivityCounts
		}
		quarter.Add(counted)
		out.Day.Add(counted)
		if j := i - (dayMinutes - hourMinutes); j >= 0 {
			out.Minutes[j] = api.ActivitySample{At: millisOf(at), ActivityCounts: counted}
			out.Hour.Add(counted)
		}
	}
	return out
}

func millisOf(minute int64) uint64 { return uint64(max(minute, 0)) * 60_000 }

// save keeps what was counted. Minutes without anything take nothing.
func (a *activity) save(ctx context.Context, state datastore.Datastore) error {
	return state.Put(ctx, activityKey, a.encode())
}

func (a *activity) encode() []byte {
	a.mu.Lock()
	defer a.mu.Unlock()
	b := binary.AppendVarint([]byte{activityVersion}, a.since)
	for _, slot := range a.slots {
		if slot.ActivityCounts == (api.ActivityCounts{}) {
			continue
		}
		b = binary.AppendVarint(b, slot.at)
		for _, n := range []uint64{slot.Records, slot.In, slot.Out, slot.Dropped} {
			b = binary.AppendUvarint(b, n)
		}
	}
	return b
}

// errActivity says that what was kept cannot be read.
var errActivity = errors.New("kept activity that cannot be read")

// decode reads what was kept. What is not of the last day is left out.
func (a *activity) decode(b []byte) {
	if len(b) == 0 || b[0] != activityVersion {
		return
	}
	r := varints{rest: b[1:]}
	now := a.since
	since := r.signed()
	for len(r.rest) > 0 {
		slot := minute{at: r.signed()}
		slot.Records, slot.In, slot.Out, slot.Dropped = r.unsigned(), r.unsigned(), r.unsigned(), r.unsigned()
		if r.err == nil && slot.at <= now && slot.at > now-dayMinutes {
			a.slots[slot.at%dayMinutes] = slot
		}
	}
	if r.err == nil && since > 0 && since < now {
		a.since = since
	}
}

// varints reads numbers. After the first that is none, all are 0.
type varints struct {
	rest []byte
	err  error
}

func (r *varints) take(n int) {
	if n <= 0 {
		r.rest, r.err = nil, errActivity
		return
	}
	r.rest = r.rest[n:]
}

func (r *varints) signed() int64 {
	v, n := binary.Varint(r.rest)
	r.take(n)
	return v
}

func (r *varints) unsigned() uint64 {
	v, n := binary.Uvarint(r.rest)
	r.take(n)
	return v
}

// countActivity counts what the node has done since its start.
func (s *Service) countActivity(ctx context.Context) (c api.ActivityCounts, err error) {
	stats, err := s.config.Store.Stats(ctx)
	if err != nil {
		return c, err
	}
	traffic := s.config.Host.Traffic()
	c = api.ActivityCounts{Records: stats.Attached, In: traffic.In, Out: traffic.Out}
	for _, n := range s.countDrops(ctx) {
		c.Dropped += n
	}
	return c, nil
}

// Activity implements api.Activities.
func (s *Service) Activity(ctx context.Context) (*api.Activity, error) {
	return s.activity.show(ctx), ctx.Err()
}
