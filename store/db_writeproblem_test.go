package store

import (
	"log/slog"
	"strings"
	"testing"

	"github.com/mattn/go-sqlite3"
)

// TestWriteProblem holds when writing counts as failed, and that the log says so once and not with
// every record.
func TestWriteProblem(t *testing.T) {
	t.Parallel()
	var log strings.Builder
	s := &Store{options: Options{Logger: slog.New(slog.NewTextHandler(&log, nil))}.withDefaults()}
	s.noteWrite(sqlite3.Error{Code: sqlite3.ErrConstraint}, false)
	if s.WriteProblem() != nil {
		t.Error("what was to be written is no problem of the disk")
	}
	for range 3 {
		s.noteWrite(sqlite3.Error{Code: sqlite3.ErrFull}, false)
	}
	s.noteWrite(nil, false)
	if p := s.WriteProblem(); p == nil || !strings.Contains(p.Err.Error(), "free some disk space") {
		t.Errorf("the disk is full, and the problem is %v", p)
	}
	s.noteWrite(nil, true)
	if s.WriteProblem() != nil {
		t.Error("something was written, and the problem stays")
	}
	if n := strings.Count(log.String(), "cannot write"); n != 1 {
		t.Errorf("the log says %d times that writing fails:\n%s", n, log.String())
	}
}
