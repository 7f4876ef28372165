package discovery

import (
	"context"
	"slices"
	"testing"
	"testing/synctest"
	"time"
)

func TestLookupBackoff(t *testing.T) {
	const s, m = time.Second, time.Minute
	for name, c := range map[string]struct {
		peers []int
		want  []time.Duration
	}{
		"alone":            {[]int{0, 0, 0, 0, 0, 0, 0}, []time.Duration{2 * s, 4 * s, 8 * s, 16 * s, 20 * s, 20 * s, 20 * s}},
		"few":              {[]int{1, 2, 2, 3, 3, 3}, []time.Duration{2 * s, 4 * s, 8 * s, 16 * s, 20 * s, 20 * s}},
		"enough":           {[]int{0, 5, 6, 6}, []time.Duration{2 * s, m, m, m}},
		"loses some":       {[]int{5, 4, 4}, []time.Duration{m, 2 * s, 4 * s}},
		"loses all":        {[]int{1, 1, 1, 0, 0}, []time.Duration{2 * s, 4 * s, 8 * s, 2 * s, 4 * s}},
		"finds one, again": {[]int{0, 0, 0, 1, 0, 0}, []time.Duration{2 * s, 4 * s, 8 * s, 16 * s, 2 * s, 4 * s}},
	} {
		backoff := lookupBackoff{first: 2 * s, most: 20 * s, content: m, enough: 5}
		var have []time.Duration
		for _, n := range c.peers {
			have = append(have, backoff.wait(n))
		}
		if !slices.Equal(have, c.want) {
			t.Errorf("%s: waits %v, want %v", name, have, c.want)
		}
	}
}

// TestQuietLookups has few peers stay as many: looks become rare, until one comes or goes.
func TestQuietLookups(t *testing.T) {
	const s = time.Second
	backoff := lookupBackoff{first: 2 * s, most: 5 * s, content: time.Hour, quiet: 30 * s, enough: 5}
	var have []time.Duration
	for _, n := range []int{0, 0, 0, 3, 3, 3, 3, 3, 4, 4, 3, 0, 0, 0} {
		have = append(have, backoff.wait(n))
	}
	want := []time.Duration{2 * s, 4 * s, 5 * s, 5 * s, 10 * s, 20 * s, 30 * s, 30 * s, 5 * s, 10 * s, 5 * s, 2 * s, 4 * s, 5 * s}
	if !slices.Equal(have, want) {
		t.Errorf("waits %v, want %v", have, want)
	}
}

// TestPauseUntilChange sleeps for as long as it is told, or until somebody came or went, or it is
// over.
func TestPauseUntilChange(t *testing.T) {
	for name, c := range map[string]struct{ change, end, want time.Duration }{
		"nothing happens": {time.Hour, time.Hour, 30 * time.Minute},
		"one comes":       {3 * time.Minute, time.Hour, 4 * time.Minute},
		"closed":          {time.Hour, 3 * time.Minute, 3 * time.Minute},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				ctx, cancel := context.WithTimeout(t.Context(), c.end)
				defer cancel()
				began := time.Now()
				pauseUntilChange(ctx, 30*time.Minute, 2*time.Minute, func() int {
					if time.Since(began) < c.change {
						return 3
					}
					return 4
				})
				if took := time.Since(began); took != c.want {
					t.Errorf("slept for %v, want %v", took, c.want)
				}
			})
		})
	}
}
