package main

import (
	"encoding/json"
	"fmt"
	"time"

	"github.com/lf-store/lf"
	"github.com/lf-store/lf/internal/text"
	"github.com/lf-store/lf/protocol"
)

// pulseWarnings are how long before the end of a record's pulses lf pulse warns.
var pulseWarnings = [...]time.Duration{72 * time.Hour, 24 * time.Hour, time.Hour}

// pulseReport tells what becomes of pulses: to people what has changed, to programs every pulse.
type pulseReport struct {
	*cli
	every  time.Duration
	renews bool                   // there is nothing to warn of
	states map[string]*pulseState // by key
	failed error                  // the output's
}

// pulseState is what was told of a key.
type pulseState struct {
	alive  bool
	why    string // it is not
	ends   time.Time
	warned time.Duration // the last of the warnings
}

// jsonPulse is a pulse in JSON output.
type jsonPulse struct {
	Selectors []string       `json:"selectors"`
	Owner     protocol.Owner `json:"owner"`
	Record    *protocol.ID   `json:"record,omitempty"`
	Alive     bool           `json:"alive"`
	Error     string         `json:"error,omitempty"`
	Time      string         `json:"time,omitempty"`
	Second    int64          `json:"second,omitempty"`
	New       bool           `json:"new,omitempty"`
	Ends      string         `json:"ends,omitempty"`
}

// tell tells what became of a pulse. It fails only where nothing can be written any more.
func (r *pulseReport) tell(done lf.Pulsed) error {
	for _, line := range r.news(done, time.Now()) {
		r.note("%s", line)
	}
	if err := r.write(done); err != nil {
		r.failed = err
	}
	return r.failed
}

// write writes a pulse for programs.
func (r *pulseReport) write(done lf.Pulsed) error {
	if !r.json {
		return nil
	}
	out := jsonPulse{Selectors: done.Key.Expressions(), Owner: done.Owner, Alive: done.Err == nil, New: done.New}
	if done.Record != (protocol.ID{}) {
		out.Record = &done.Record
	}
	if done.Err != nil {
		out.Error = text.Line(done.Err.Error())
	}
	if !done.At.IsZero() {
		out.Time, out.Second = done.At.UTC().Format(time.RFC3339), done.At.Unix()
	}
	if !done.Ends.IsZero() {
		out.Ends = done.Ends.UTC().Format(time.RFC3339)
	}
	line, err := json.Marshal(out)
	if err != nil {
		return fmt.Errorf("encode a pulse: %w", err)
	}
	return r.print(string(line) + "\n")
}

// news says in words what is new about a key.
func (r *pulseReport) news(done lf.Pulsed, now time.Time) (lines []string) {
	name := done.Key.String()
	s, known := r.states[name]
	if !known {
		s = &pulseState{}
		r.states[name] = s
	}
	if done.Err != nil {
		why := text.Line(done.Err.Error())
		if s.alive || s.why != why {
			lines = append(lines, why)
		}
		s.alive, s.why = false, why
		return lines
	}
	switch {
	case !known:
		lines = append(lines, fmt.Sprintf("%s is alive: a pulse every %s", name, r.every)+untilText(done.Ends))
	case !s.alive:
		lines = append(lines, fmt.Sprintf("%s is alive again", name)+untilText(done.Ends))
	case done.Ends.After(s.ends):
		lines = append(lines, fmt.Sprintf("%s has a new record", name)+untilText(done.Ends))
	}
	if !done.Ends.Equal(s.ends) {
		s.warned = 0
	}
	s.alive, s.why, s.ends = true, "", done.Ends
	if r.renews {
		return lines
	}
	return append(lines, s.warn(name, now)...)
}

func untilText(ends time.Time) string {
	if ends.IsZero() {
		return ""
	}
	return fmt.Sprintf(", possible until %s", ends.Local().Format("2006-01-02 15:04"))
}

// warn says in advance when a record can have no further pulses.
func (s *pulseState) warn(name string, now time.Time) []string {
	if s.ends.IsZero() {
		return nil
	}
	left := s.ends.Sub(now)
	reached := time.Duration(0)
	for _, before := range pulseWarnings {
		if left <= before {
			reached = before
		}
	}
	if reached == 0 || s.warned > 0 && reached >= s.warned {
		return nil
	}
	s.warned = reached
	return []string{fmt.Sprintf("%s: its record pays for pulses for %s more: set the value again before, or it is no longer alive for others", name, text.Duration(max(left, 0)))}
}
