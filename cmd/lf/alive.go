package main

import (
	"slices"
	"time"

	"github.com/lf-store/lf"
	"github.com/lf-store/lf/internal/text"
)

// jsonAlive is the newest pulse of an answer in JSON output.
type jsonAlive struct {
	Time   string `json:"time"`
	Second int64  `json:"second"`
	Age    int64  `json:"age"` // s, by this computer's clock
}

func aliveJSON(p *lf.LastPulse) *jsonAlive {
	if p == nil {
		return nil
	}
	return &jsonAlive{Time: p.At.UTC().Format(time.RFC3339), Second: p.At.Unix(), Age: int64(p.Age / time.Second)}
}

// showsAlive reports whether a table of answers has a column for their pulses.
func showsAlive(q question, answers []*lf.Answer) bool {
	return q.alive > 0 || slices.ContainsFunc(answers, func(a *lf.Answer) bool { return a.Alive != nil })
}

// aliveCell is how old an answer's newest pulse is.
func aliveCell(a *lf.Answer) string { return aliveJSON(a.Alive).cell() }

func (p *jsonAlive) cell() string {
	if p == nil {
		return ""
	}
	return text.Duration(max(time.Duration(p.Age)*time.Second, time.Second)) + " ago"
}
