package service

import (
	"context"
	"slices"
	"testing"

	"github.com/lf-store/lf/node/api"
)

// TestDropHistory holds that what was dropped long ago is told of apart from what is dropped now.
func TestDropHistory(t *testing.T) {
	counts := map[string]uint64{"gossip": 5, "push": 0}
	w := newDropHistory(func(context.Context) map[string]uint64 { return counts })
	want := func(of ...api.DropCount) {
		t.Helper()
		if have := w.facts(t.Context()); !slices.Equal(have, of) {
			t.Errorf("%+v, want %+v", have, of)
		}
	}
	want(api.DropCount{Queue: "gossip", Count: 5, Lately: 5})
	for range dropsLately/dropsEvery - 1 {
		w.note(map[string]uint64{"gossip": 5})
	}
	want(api.DropCount{Queue: "gossip", Count: 5, Lately: 5})
	w.note(map[string]uint64{"gossip": 5})
	want(api.DropCount{Queue: "gossip", Count: 5})
	counts = map[string]uint64{"gossip": 7, "push": 1}
	want(api.DropCount{Queue: "gossip", Count: 7, Lately: 2}, api.DropCount{Queue: "push", Count: 1, Lately: 1})
	counts = map[string]uint64{"gossip": 1} // a count that could not be read is no drop
	want(api.DropCount{Queue: "gossip", Count: 1})
}
