package store

import "github.com/lf-store/lf/store/internal/runs"

// tuningWithRuns has runs of a few records each, so that little data goes all ways of the index.
func tuningWithRuns() tuning {
	t := defaultTuning
	t.runs = runs.Tuning{Recent: 4, Fanout: 2, Rate: 8}
	return t
}
