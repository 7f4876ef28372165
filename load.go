package lf

import (
	"bytes"
	"context"
	"fmt"
	"iter"
	"runtime"
	"sync/atomic"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/lf-store/lf/protocol"
)

// inFlight is how many records are on their way at once where none costs work: enough to fill the
// node's group commits.
const inFlight = 16

// LoadOption says how many records are made. Each [BulkOption] is one.
type LoadOption interface{ load(l *loadSettings) }

type loadOption func(*loadSettings)

func (o loadOption) load(l *loadSettings) { o(l) }

type loadSettings struct {
	writing
	changed, again bool
	started        func(Loaded)
}

func loadSettingsOf(options []LoadOption) *loadSettings {
	l := &loadSettings{writing: writing{patience: time.Minute}}
	for _, option := range options {
		option.load(l)
	}
	return l
}

// OnlyChanged writes only what differs from what the owner has set under each key now.
func OnlyChanged() LoadOption { return loadOption(func(l *loadSettings) { l.changed = true }) }

// Again writes also what the home's journal says was written before. See [Client.LoadFile].
func Again() LoadOption { return loadOption(func(l *loadSettings) { l.again = true }) }

// OnStart is called by [Client.LoadFile] when the file was checked and before anything is written.
func OnStart(tell func(Loaded)) LoadOption {
	return loadOption(func(l *loadSettings) { l.started = tell })
}

// Loaded tells what became of a file's lines.
type Loaded struct {
	// Lines counts those with something on them.
	Lines int
	// Before is how many were written by earlier calls. Lost is how many of those the node's
	// database has lost, since a backup took its place: they are written again.
	Before, Lost int
	// Written is how many were written by this call, Unchanged how many [OnlyChanged] left out.
	Written, Unchanged int
	// Complete tells that nothing is left to do.
	Complete bool
}

// Load sets many values, several at once. While the node is away it waits, a minute unless
// [Patience] says otherwise. It ends with the first entry that fails.
func (c *Client) Load(ctx context.Context, entries iter.Seq2[Entry, error], options ...LoadOption) error {
	l, err := c.loader(ctx, loadSettingsOf(options))
	if err != nil {
		return err
	}
	return l.writeAll(ctx, entries)
}

// loader makes many records of one owner, several at once.
type loader struct {
	*author
	settings *loadSettings
	journal  *journal  // nil: nothing is remembered
	file     *BulkFile // nil: there is none

	finished, unchanged atomic.Int64
}

func (c *Client) loader(ctx context.Context, settings *loadSettings) (*loader, error) {
	if settings.err != nil {
		return nil, settings.err
	}
	a, err := c.author(ctx, &settings.writing)
	return &loader{author: a, settings: settings}, err
}

func (l *loader) writeAll(ctx context.Context, entries iter.Seq2[Entry, error]) error {
	group, inner := errgroup.WithContext(ctx)
	queue := make(chan Entry)
	group.Go(func() error {
		defer close(queue)
		return feed(inner, entries, queue)
	})
	for range l.workers() {
		group.Go(func() error {
			for e := range queue {
				if err := l.one(ctx, inner, e); err != nil {
					return l.name(e, err)
				}
			}
			return nil
		})
	}
	err := group.Wait()
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	return err
}

// feed hands out the entries.
func feed(ctx context.Context, entries iter.Seq2[Entry, error], queue chan<- Entry) error {
	for e, err := range entries {
		if err != nil {
			return err
		}
		select {
		case queue <- e:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	return nil
}

func (l *loader) name(e Entry, err error) error {
	switch {
	case l.file != nil:
		return fmt.Errorf("%s: %w", l.file.place(e.Line), err)
	case e.Line > 0:
		return fmt.Errorf("line %d: %w", e.Line, err)
	}
	return fmt.Errorf("%s: %w", e.Key, err)
}

// workers is how many records to make at once. One that costs work keeps a processor busy.
func (l *loader) workers() int {
	switch {
	case l.network.Params().WorkPerKiB == 0:
		return inFlight
	case l.threads > 0:
		return l.threads
	}
	return runtime.GOMAXPROCS(0)
}

// one makes one record and returns when the node has acknowledged it and the journal has the line.
// Where another line has failed, going ends; what is on its way to the node then still gets its
// acknowledgment.
func (l *loader) one(ctx, going context.Context, e Entry) error {
	if err := e.Key.checkPoint(); err != nil {
		return err
	}
	say := statement{kind: protocol.TypeDatum, key: e.Key}
	if !e.Deleted {
		say.value = append([]byte{}, e.Value...)
	}
	if l.settings.changed || e.Deleted {
		previous, err := l.previous(going, e.Key)
		switch {
		case err != nil:
			return err
		case e.saysNothingNew(previous):
			l.unchanged.Add(1)
			return l.note(e, 0)
		case previous != nil:
			say.after = previous.record.Timestamp
		}
	}
	d, err := l.draft(going, say)
	if err != nil {
		return err
	}
	u, err := l.compose(going, d)
	if err != nil {
		return err
	}
	defer u.leave()
	r, err := l.payAlone(going, u)
	if err != nil {
		return err
	}
	l.noteName(e.Key)
	done, err := l.submit(ctx, r)
	if err != nil {
		return err
	}
	l.finished.Add(1)
	return l.note(e, uint64(done.Index))
}

// note notes in the journal, where there is one, that nothing is left to do for a line.
func (l *loader) note(e Entry, index uint64) error {
	if l.journal == nil {
		return nil
	}
	return l.journal.add(e.Line, index)
}

// saysNothingNew reports whether the owner's newest version under the key, nil for none, says the
// same.
func (e *Entry) saysNothingNew(previous *Answer) bool {
	if e.Deleted {
		return previous == nil || previous.Deleted
	}
	return previous != nil && previous.check() == nil && bytes.Equal(previous.Value, e.Value)
}

// payAlone works with one thread: the others work for other records.
func (l *loader) payAlone(ctx context.Context, u unpaid) (*protocol.Record, error) {
	alone := *l.author
	w := *l.writing
	w.threads, w.work, alone.writing = 1, nil, &w
	return alone.pay(ctx, u)
}
