package store

import (
	"errors"
	"log/slog"
	"path/filepath"
	"strings"
	"testing"

	"github.com/mattn/go-sqlite3"

	"github.com/lf-store/lf/internal/testlog"
)

// TestWriteProblem holds when writing counts as failed, and that the log says so once and not with
// every record.
func TestWriteProblem(t *testing.T) {
	t.Parallel()
	var log strings.Builder
	s := &Store{path: filepath.Join(t.TempDir(), "lf.db"), ranker: newRanker(), options: Options{Logger: slog.New(slog.NewTextHandler(&log, nil))}.withDefaults()}
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

// TestFull has a large batch come to a full database. What fits is stored, the others get a clear
// error, and the log has a few lines. With room again all are stored.
func TestFull(t *testing.T) {
	t.Parallel()
	var log testlog.Lines
	w := newWorld(t)
	s := openTest(t, w, Options{Logger: log.Logger()})
	chain := w.chain(600)
	mustPutAll(t, s, chain[:100], nil)
	limitPages(t, s, "1") // no page more than there are
	results, err := s.PutAll(t.Context(), chain[100:], nil)
	if !errors.Is(err, ErrNoSpace) || results[499].Outcome != 0 {
		t.Fatalf("into a full database: %v", err)
	}
	if p := s.WriteProblem(); p == nil || !errors.Is(p.Err, ErrNoSpace) {
		t.Errorf("the problem is %+v", p)
	}
	if n := log.Count("\n"); n > 20 || log.Count("one by one") > 0 {
		t.Errorf("%d lines of log", n)
	}
	limitPages(t, s, "1000000")
	mustPutAll(t, s, chain[100:], nil)
	if p := s.WriteProblem(); p != nil {
		t.Errorf("with room again: %v", p.Err)
	}
	if stats, err := s.Stats(t.Context()); err != nil || stats.Attached != 602 {
		t.Errorf("%+v, %v", stats, err)
	}
}
