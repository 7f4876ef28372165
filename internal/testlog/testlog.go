// Package testlog gives the parts under test a log that belongs to their test.
package testlog

import (
	"io"
	"log/slog"
	"sync"
	"testing"
)

// New returns a log of the given level that goes to the test's output. What is logged after the
// test has ended is dropped. Libraries end some of their goroutines later, and the testing package
// does not allow a write then.
func New(t testing.TB, level slog.Level) *slog.Logger {
	o := &output{to: t.Output()}
	t.Cleanup(o.close)
	return slog.New(slog.NewTextHandler(o, &slog.HandlerOptions{Level: level}))
}

// output is a test's output until the test ends.
type output struct {
	mu sync.Mutex
	to io.Writer
}

func (o *output) Write(line []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.to.Write(line)
}

func (o *output) close() {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.to = io.Discard
}
