package node

import (
	"slices"
	"testing"
	"time"
)

func TestSearch(t *testing.T) {
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
		search := search{first: 2 * s, most: 20 * s, content: m, enough: 5}
		var have []time.Duration
		for _, n := range c.peers {
			have = append(have, search.wait(n))
		}
		if !slices.Equal(have, c.want) {
			t.Errorf("%s: waits %v, want %v", name, have, c.want)
		}
	}
}
