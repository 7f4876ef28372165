package lf_test

import (
	"errors"
	"testing"
	"time"

	"github.com/lf-store/lf"
	"github.com/lf-store/lf/node/api"
	"github.com/lf-store/lf/protocol"
)

// ahead is a moment within the drift, as a device with a fast clock dates a record.
func ahead() uint64 { return uint64(time.Now().Add(time.Minute).UnixMilli()) }

// TestNewestTold has a node tell when the owner's newest record was made, or something else. The
// owner has written from a device whose clock is a minute ahead, or never.
func TestNewestTold(t *testing.T) {
	t.Parallel()
	tell := func(at func() uint64) func(*api.Links) {
		return func(l *api.Links) { newest := at(); l.Newest = &newest }
	}
	for name, c := range map[string]struct {
		ahead      bool // the owner's newest record is ahead of the clock
		links      func(*api.Links)
		refuse     func(api.LinksQuery) error
		options    []lf.WriteOption
		queries    int64
		superseded bool
	}{
		"nothing is there":                 {},
		"the clock is behind":              {ahead: true, queries: 1},
		"fresh":                            {options: []lf.WriteOption{lf.Fresh()}},
		"fresh, and the clock is behind":   {ahead: true, options: []lf.WriteOption{lf.Fresh()}, superseded: true},
		"too early":                        {ahead: true, links: tell(func() uint64 { return 1 }), superseded: true},
		"none, where there is one":         {ahead: true, links: tell(func() uint64 { return 0 }), superseded: true},
		"too late":                         {links: tell(ahead), queries: 1},
		"beyond the drift":                 {links: tell(func() uint64 { return ahead() + 3_600_000 }), queries: 1},
		"beyond all time":                  {links: tell(func() uint64 { return 1<<64 - 1 }), queries: 1},
		"too late of what there is":        {ahead: true, links: tell(func() uint64 { return ahead() + 50_000 }), queries: 1},
		"an old node":                      {ahead: true, links: func(l *api.Links) { l.Newest = nil }, queries: 1},
		"an old node that refuses to tell": {ahead: true, refuse: refuseSelectors, links: func(l *api.Links) { l.Newest = nil }, queries: 1},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := newForger(t)
			db := open(t, f.liar)
			key := newKey(t)
			least := uint64(0)
			if c.ahead {
				before := f.make(protocol.Draft{Value: []byte("before"), Timestamp: ahead()}, key, "horse")
				must[*api.Submitted](t)(f.Fake.Submit(t.Context(), before.EncodeFrame()))
				least = before.Timestamp + 1
			}
			f.links, f.refuse = c.links, c.refuse
			done, err := db.Set(t.Context(), horse, []byte("now"), append(c.options, lf.AsKey(key))...)
			now := uint64(time.Now().UnixMilli())
			switch {
			case err != nil:
				t.Fatal(err)
			case done.Superseded != c.superseded || f.queries.Load() != c.queries:
				t.Errorf("superseded %t, after %d queries", done.Superseded, f.queries.Load())
			case c.superseded && done.Timestamp > now:
				t.Errorf("dated %d ms ahead", done.Timestamp-now)
			case !c.superseded && (done.Timestamp < least || done.Timestamp > max(least, now)):
				t.Errorf("dated %d, want %d to %d", done.Timestamp, least, max(least, now))
			}
			f.links = nil
			want := map[bool]string{true: "before", false: "now"}[c.superseded]
			if a, err := db.Get(t.Context(), horse); err != nil || a.Text() != want {
				t.Errorf("%+v, %v", a, err)
			}
		})
	}
}

func refuseSelectors(q api.LinksQuery) error {
	if len(q.Selectors) > 0 {
		return api.Invalid("unknown parameter %q", "key")
	}
	return nil
}

// TestNewestIsVerified: what takes back an earlier record, and what depends on it, does not believe
// what a node tells.
func TestNewestIsVerified(t *testing.T) {
	t.Parallel()
	f := newForger(t)
	db := open(t, f.liar)
	told := uint64(1000)
	f.links = func(l *api.Links) { l.Newest = &told }
	if err := db.Delete(t.Context(), horse, lf.AsKey(newKey(t))); !errors.Is(err, lf.ErrNotFound) {
		t.Errorf("deleted what is not there: %v", err)
	}
	done := set(t, db, horse, "x")
	if _, err := db.Set(t.Context(), horse, nil, lf.IfNewest(protocol.ID{})); !errors.Is(err, lf.ErrChanged) {
		t.Errorf("set over %s: %v", done.ID, err)
	}
}
