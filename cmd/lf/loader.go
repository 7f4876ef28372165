package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"runtime"
	"sync/atomic"
	"syscall"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/lf-store/lf/node/api"
	"github.com/lf-store/lf/protocol"
)

const (
	// inFlight is how many records are on their way at once where none costs work: enough to fill
	// the node's group commits.
	inFlight = 16
	// The pauses between attempts to reach a node that is away.
	firstPause = 50 * time.Millisecond
	maxPause   = 2 * time.Second
)

// loader writes the lines of a file that are not in its journal, several at once.
type loader struct {
	*loadFlags
	author  *author
	file    *bulkFile
	journal *journal

	written atomic.Int64
}

// run returns how many lines the node has acknowledged in this run, also when it fails.
func (l *loader) run(ctx context.Context, bar progressBar) (written int, err error) {
	if !l.journal.complete {
		err = l.writeAll(ctx, bar)
	}
	bar.end(err == nil)
	return int(l.written.Load()), err
}

func (l *loader) writeAll(ctx context.Context, bar progressBar) error {
	group, inner := errgroup.WithContext(ctx)
	entries := make(chan entry)
	group.Go(func() error {
		defer close(entries)
		return l.feed(inner, entries)
	})
	for range l.workers() {
		group.Go(func() error {
			for e := range entries {
				if err := l.write(ctx, inner, e); err != nil {
					return fmt.Errorf("%s, line %d: %w", l.file.name, e.line, err)
				}
				bar.step()
			}
			return nil
		})
	}
	err := group.Wait()
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	if err != nil {
		return err
	}
	return l.journal.finish()
}

// workers is how many records to make at once. One that costs work keeps a processor busy.
func (l *loader) workers() int {
	switch {
	case l.author.session.network.Params().WorkPerKiB == 0:
		return inFlight
	case l.threads > 0:
		return l.threads
	}
	return runtime.GOMAXPROCS(0)
}

// feed hands out the lines that are not written yet.
func (l *loader) feed(ctx context.Context, entries chan<- entry) error {
	hash, err := l.file.each(func(line int, text []byte) error {
		if l.journal.has(line) {
			return nil
		}
		e, err := parseEntry(line, text)
		if err != nil {
			return fmt.Errorf("%s, line %d changed while it was read: %w", l.file.name, line, err)
		}
		select {
		case entries <- e:
			return nil
		case <-ctx.Done():
			return ctx.Err()
		}
	})
	if err == nil && hash != l.file.hash {
		err = fmt.Errorf("%s changed while it was read: load it again", l.file.name)
	}
	return err
}

// write makes one record and returns when the node has acknowledged it and the journal has the
// line. Where another line has failed, going ends; what is on its way to the node then still gets
// its acknowledgment.
func (l *loader) write(ctx, going context.Context, e entry) error {
	var u unpaid
	err := l.retry(going, func() (err error) {
		u, err = l.author.compose(going, statement{kind: protocol.TypeDatum, selectors: e.selectors, value: e.value})
		return err
	})
	if err != nil {
		return err
	}
	r, err := l.author.pay(u, solver(going, 1, nil))
	if err != nil {
		return err
	}
	// The same record again, should the acknowledgment get lost: the node then says that it knows
	// it.
	var done *api.Submitted
	err = l.retry(going, func() (err error) {
		done, err = l.author.submit(ctx, r)
		return err
	})
	if err != nil {
		return err
	}
	l.written.Add(1)
	return l.journal.add(e.line, done.Index)
}

// retry repeats what fails because the node is away, as long as patience lasts.
func (l *loader) retry(ctx context.Context, do func() error) error {
	start := time.Now()
	for pause := firstPause; ; pause = min(2*pause, maxPause) {
		err := do()
		if err == nil || !isAway(err) || time.Since(start) > l.patience {
			return err
		}
		select {
		case <-ctx.Done():
			return context.Cause(ctx)
		case <-time.After(pause):
		}
		if err := l.author.session.dial(); err != nil && !isMissing(err) {
			return err
		}
	}
}

// isAway reports whether a call failed in a way that a running node would not have: it may be
// restarting.
func isAway(err error) bool {
	var unreachable *api.UnreachableError
	var late *api.TimeoutError
	var answered *api.Error
	switch {
	case errors.As(err, &unreachable), errors.As(err, &late), errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF), errors.Is(err, syscall.ECONNRESET):
		return true // nobody there, or gone in the middle of an answer
	case errors.As(err, &answered):
		return answered.Status == http.StatusServiceUnavailable || answered.Status == http.StatusTooManyRequests
	}
	return false
}
