package testbed

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"time"
)

// Report is what a run came to. Times are in seconds since the run's beginning, sizes in bytes.
type Report struct {
	Title string `json:"title"`
	About string `json:"about,omitempty"`
	File  string `json:"file"`
	// with the same one, the same names, values and victims are chosen again
	Seed     uint64    `json:"seed"`
	Started  time.Time `json:"started"`
	Duration float64   `json:"duration"`
	Passed   bool      `json:"passed"`
	Failure  string    `json:"failure,omitempty"`
	Records  int       `json:"records"` // acknowledged by some node
	Bytes    uint64    `json:"bytes"`   // of those records
	Lost     []string  `json:"lost"`    // acknowledged, and on no node that runs in the end
	// of the records that are acknowledged somewhere, those of the network's beginning included
	Course []Point       `json:"course"`
	Nodes  []*NodeReport `json:"nodes"`
	Steps  []*StepReport `json:"steps"`
	Cuts   []CutReport   `json:"cuts"`
	// how nodes reached each other in the end, with routers between them
	Paths []PathReport `json:"paths,omitempty"`
}

// NodeReport is a node's course.
type NodeReport struct {
	Name     string `json:"name"`
	Peer     string `json:"peer"`
	Role     string `json:"role,omitempty"` // what is particular about it
	Hostile  bool   `json:"hostile,omitempty"`
	Wrote    int    `json:"wrote"`
	Attached uint64 `json:"attached"` // in the end
	Missing  int    `json:"missing"`  // of those acknowledged anywhere, in the end
	In       uint64 `json:"in"`
	Out      uint64 `json:"out"`
	// the bytes of the records that it got from others: nothing could do with less
	Least  uint64     `json:"least"`
	Course []Point    `json:"course"`
	Runs   []Interval `json:"runs"`
}

// StepReport is what became of a step.
type StepReport struct {
	Name    string        `json:"name"`
	Word    string        `json:"word"`
	Text    string        `json:"text"` // the step in a line
	Line    int           `json:"line"`
	Outcome string        `json:"outcome"`
	Failure string        `json:"failure,omitempty"`
	From    float64       `json:"from"`
	To      float64       `json:"to"`
	Written int           `json:"written,omitempty"` // records that were acknowledged
	Checks  []CheckReport `json:"checks,omitempty"`
	Nodes   []*NodeStep   `json:"nodes,omitempty"`
}

// The outcomes of a step.
const (
	OutcomePassed  = "passed"
	OutcomeFailed  = "failed"
	OutcomeRunning = "running"
	OutcomeSkipped = "skipped"
)

// Moved reports whether records came to a node in the step, or that it converged.
func (s *StepReport) Moved() bool {
	return slices.ContainsFunc(s.Nodes, func(n *NodeStep) bool { return n.Gained > 0 || n.Converged != nil })
}

// CheckReport is one thing that was expected and came true.
type CheckReport struct {
	What string  `json:"what"`
	Text string  `json:"text"`
	Took float64 `json:"took"` // after the end of the last step that did something
}

// NodeStep is what a step did to a node that ran in the end of it.
type NodeStep struct {
	Node     string `json:"node"`
	Attached uint64 `json:"attached"` // in the end
	Gained   int    `json:"gained"`   // records
	Wrote    int    `json:"wrote"`    // of these, by clients of the node
	In       uint64 `json:"in"`
	Out      uint64 `json:"out"`
	// the bytes of what was gained and not written there
	Least uint64 `json:"least"`
	// after the end of the last step that did something
	Converged *float64 `json:"converged,omitempty"`
}

// CutReport is a time in which links were cut.
type CutReport struct {
	Interval
	Text   string     `json:"text"`
	Groups [][]string `json:"groups"` // who could reach whom
}

// Write writes report.json and timeline.html into a directory.
func (r *Report) Write(dir string) error {
	text, err := json.MarshalIndent(r, "", "  ")
	if err != nil {
		return fmt.Errorf("encode the report: %w", err)
	}
	page, err := r.timeline()
	if err != nil {
		return err
	}
	for name, text := range map[string][]byte{"report.json": append(text, '\n'), "timeline.html": page} {
		if err := os.WriteFile(filepath.Join(dir, name), text, 0o644); err != nil {
			return fmt.Errorf("write the report: %w", err)
		}
	}
	return nil
}
