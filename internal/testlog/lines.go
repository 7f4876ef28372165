package testlog

import (
	"bytes"
	"log/slog"
	"strings"
	"sync"
)

// Lines is a log that a test reads while it is written. The zero value is empty.
type Lines struct {
	mu   sync.Mutex
	text bytes.Buffer
}

// Logger returns a logger of level info and above that writes to l.
func (l *Lines) Logger() *slog.Logger { return slog.New(slog.NewTextHandler(l, nil)) }

func (l *Lines) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(p)
}

// Count returns how often part stands in the log.
func (l *Lines) Count(part string) int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return strings.Count(l.text.String(), part)
}
