package main

import (
	"bufio"
	"context"
	"errors"
	"io"
	"testing"
	"time"
)

// TestReadLineEndsWithContext has somebody press Ctrl-C where a question stands: the terminal is
// silent, and the question ends all the same.
func TestReadLineEndsWithContext(t *testing.T) {
	t.Parallel()
	silent, typed := io.Pipe()
	t.Cleanup(func() { typed.Close() })
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := readLine(ctx, bufio.NewReader(silent)); !errors.Is(err, context.Canceled) {
		t.Errorf("error %v, want that of the context", err)
	}
}

func TestOutlook(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		written, left int64
		seconds       int
		want          string
	}{
		{0, 10, 5, ""},
		{100, 50, 2, "50 records/s, 1s left"},
		{2, 3, 34, "17 s a record, 51s left"},
		{5, 0, 5, "1 records/s, 0s left"},
	} {
		if got := timeLeftText(c.written, c.left, time.Duration(c.seconds)*time.Second); got != c.want {
			t.Errorf("%d written in %d s, %d left: %q, want %q", c.written, c.seconds, c.left, got, c.want)
		}
	}
}
