package main

import (
	"io"
	"slices"
	"testing"
	"time"

	"github.com/lf-store/lf"
)

// TestPulseNews: lf pulse tells people what has changed, and the end of a record's pulses in
// advance.
func TestPulseNews(t *testing.T) {
	t.Setenv("TZ", "UTC")
	start := time.Date(2027, 1, 1, 12, 0, 0, 0, time.UTC)
	key := lf.MustKey("svc", "web#1")
	day := 24 * time.Hour
	ends := start.Add(10 * day)
	alive := lf.Pulsed{Key: key, Ends: ends, New: true}
	refused := lf.Pulsed{Key: key, Ends: ends, Err: &lf.PulseError{Key: key, Why: "no room"}}
	over := lf.Pulsed{Key: key, Ends: ends, Err: lf.ErrPulseOver}
	again := lf.Pulsed{Key: key, Ends: ends.Add(30 * day)}
	r := &pulseReport{cli: &cli{stderr: io.Discard}, every: time.Minute, states: map[string]*pulseState{}}
	for i, step := range []struct {
		after time.Duration
		done  lf.Pulsed
		want  []string
	}{
		{0, alive, []string{"svc#0 web#1 is alive: a pulse every 1m0s, possible until 2027-01-11 12:00"}},
		{time.Minute, alive, nil},
		{time.Hour, refused, []string{"svc#0 web#1: the pulse was refused: no room"}},
		{time.Hour, refused, nil},
		{day, alive, []string{"svc#0 web#1 is alive again, possible until 2027-01-11 12:00"}},
		{7 * day, alive, []string{"svc#0 web#1: its record pays for pulses for 3 days more: set the value again before, or it is no longer alive for others"}},
		{8 * day, alive, nil},
		{9*day + time.Hour, alive, []string{"svc#0 web#1: its record pays for pulses for 23 h more: set the value again before, or it is no longer alive for others"}},
		{10*day - time.Minute, alive, []string{"svc#0 web#1: its record pays for pulses for 60 s more: set the value again before, or it is no longer alive for others"}},
		{10 * day, over, []string{"its work pays for no further pulses: set the value again"}},
		{11 * day, over, nil},
		{12 * day, again, []string{"svc#0 web#1 is alive again, possible until 2027-02-10 12:00"}},
		{39 * day, again, []string{"svc#0 web#1: its record pays for pulses for 24 h more: set the value again before, or it is no longer alive for others"}},
		{39 * day, lf.Pulsed{Key: key, Ends: ends.Add(60 * day)}, []string{"svc#0 web#1 has a new record, possible until 2027-03-12 12:00"}},
		{40 * day, lf.Pulsed{Key: key}, nil},
	} {
		if got := r.news(step.done, start.Add(step.after)); !slices.Equal(got, step.want) {
			t.Errorf("step %d: %q, want %q", i, got, step.want)
		}
	}
}
