package lfsync

import (
	"bufio"
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"sync"
	"time"

	"github.com/libp2p/go-libp2p/core/network"

	"github.com/lf-store/lf/protocol"
)

// fetchFor carries out a request of the scheduler's and reports what came of it.
func (s *Sync) fetchFor(ctx context.Context, a ask) {
	began := time.Now()
	f := &fetching{sync: s, ask: a}
	if a.ancestors > 0 {
		f.linked = make(map[protocol.ID]bool)
	}
	err := f.run(ctx)
	f.checks.Wait() // not for the store: what it does is nothing that the peer answers for
	f.answer.fault = f.judge(ctx, err)
	s.metrics.fetched(f.answer, time.Since(began))
	if f.answer.fault == faultGuilty {
		s.accuse(a.peer, fetchService, f.violation(err)) // also where the request was given up
	}
	if gone := ctx.Err() != nil && f.items == 0 && time.Since(began) >= slowTime*9/10; gone && s.ctx.Err() == nil {
		s.reproach(a.peer)
	} else {
		s.stalled(ctx, a.peer, err)
	}
	s.denied(a.peer, f.answer.lacking)
	s.withheld(a.peer, f.answer.damaged)
	if f.answer.fault != faultNone && ctx.Err() == nil || f.answer.fault == faultGuilty {
		s.log.Debug("a peer did not answer", "peer", a.peer, "error", errors.Join(err, f.guilt))
	}
	s.step(func(m *scheduler) {
		if stop := s.cancels[a.request]; stop != nil {
			stop()
			delete(s.cancels, a.request)
		}
		m.done(a.request, f.answer)
	})
}

// fetching is one request under way.
type fetching struct {
	sync *Sync
	ask  ask

	// by the items so far: what may come as an ancestor; nil where none are asked for
	linked map[protocol.ID]bool
	blind  bool // an item's links cannot be read, so linked is not all
	items  int
	batch  []*parcel // read, and not yet on its way
	bytes  int       // of the batch
	answer answer

	checks sync.WaitGroup
	mu     sync.Mutex // guards what follows
	guilt  error      // why the first record is one that no correct peer sends
	news   bool       // some ancestor was not known
	known  int        // how many were
}

func (f *fetching) run(ctx context.Context) error {
	stream, err := f.open(ctx)
	if err != nil {
		return err
	}
	// nothing more is read or written; after a full answer it has no effect
	defer func() { _ = stream.Reset() }()
	release, err := secure(ctx, fetchService, stream, fetchMemory)
	if err != nil {
		return err
	}
	defer release()
	err = f.readItems(ctx, stream, newAnswerReader(&counted{stream, f.sync.metrics}))
	// what came before a fault is as good as if nothing had come after it
	return errors.Join(err, f.send(ctx))
}

// open opens a stream on an existing connection, a relayed one included, and sends the request.
func (f *fetching) open(ctx context.Context) (network.Stream, error) {
	why := "fetch records"
	ctx = network.WithNoDial(network.WithAllowLimitedConn(ctx, why), why)
	stream, err := f.sync.host.NewStream(ctx, f.ask.peer, fetchProtocol(f.sync.network))
	if err != nil {
		return nil, fmt.Errorf("open stream: %w", err)
	}
	_ = stream.SetDeadline(f.sync.itemDeadline(ctx))
	width := nameSize
	if f.ask.wide {
		width = idSize
	}
	_, err = stream.Write(appendRequest(nil, fetchRequest{ids: f.ask.ids, width: width, ancestors: f.ask.ancestors}))
	if err == nil {
		err = stream.CloseWrite()
	}
	if err != nil {
		_ = stream.Reset()
		return nil, fmt.Errorf("send request: %w", err)
	}
	return stream, nil
}

// readItems reads the answer's items and sends them on their way in batches.
func (f *fetching) readItems(ctx context.Context, stream network.Stream, in *bufio.Reader) error {
	for i := range len(f.ask.ids) + f.ask.ancestors {
		// else there is something to read, and what waits here may as well wait for it
		if in.Buffered() == 0 {
			if err := f.send(ctx); err != nil {
				return err
			}
		}
		_ = stream.SetReadDeadline(f.sync.itemDeadline(ctx))
		it, err := readItem(in)
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return fmt.Errorf("item %d: %w", i, err)
		}
		f.link(it)
		if i < len(f.ask.ids) {
			err = f.asked(ctx, f.ask.ids[i], it)
		} else {
			err = f.ancestor(ctx, it)
		}
		if err != nil || f.enough() {
			return err
		}
		f.items++
	}
	if _, err := in.ReadByte(); err == nil {
		return guilty("an answer longer than what was asked for")
	}
	return nil
}

func (f *fetching) asked(ctx context.Context, id protocol.ID, it item) error {
	same := it.record != nil && it.record.ID() == id
	switch {
	case it.ambiguous && f.ask.wide:
		return guilty("several records with the ID %s", id)
	case it.record != nil && !same && (f.ask.wide || !sameName(it.record.ID(), id)):
		return guilty("record %s in answer to %s", it.record.ID(), id)
	case it.ambiguous, it.record != nil && !same:
		f.answer.unclear = append(f.answer.unclear, id)
	case it.damaged:
		f.answer.damaged = append(f.answer.damaged, id)
	case it.pruned, it.unknown:
		f.answer.pruned = append(f.answer.pruned, id)
	case it.record == nil:
		f.answer.lacking = append(f.answer.lacking, id)
	default:
		return f.take(ctx, it.record, true)
	}
	return nil
}

// sameName reports whether two IDs have one short name.
func sameName(a, b protocol.ID) bool { return bytes.Equal(a[:nameSize], b[:nameSize]) }

func (f *fetching) ancestor(ctx context.Context, it item) error {
	switch {
	case it.unknown:
		return nil
	case it.record == nil:
		return guilty("an ancestor that is not there")
	case !f.linked[it.record.ID()] && f.blind:
		return nil
	case !f.linked[it.record.ID()]:
		return guilty("record %s, which was not asked for", it.record.ID())
	case it.pruned:
		return nil
	}
	return f.take(ctx, it.record, false)
}

// link notes what an item links to, whether the item itself is of use or not.
func (f *fetching) link(it item) {
	if f.linked == nil {
		return
	}
	f.blind = f.blind || it.unknown
	if it.record != nil {
		for _, link := range it.record.Links {
			f.linked[link] = true
		}
	}
}

// take puts a record into the batch.
func (f *fetching) take(ctx context.Context, r *protocol.Record, asked bool) error {
	f.batch = append(f.batch, &parcel{
		record: r, from: Source{Via: ViaFetch, Peer: f.ask.peer}, depth: f.ask.depth, asked: asked,
		size: int64(r.WireSize()) + parcelBytes,
	})
	f.bytes += r.WireSize()
	if len(f.batch) < maxFetchBatch && f.bytes < maxFetchBatchBytes {
		return nil
	}
	return f.send(ctx)
}

// send sends the batch on its way.
func (f *fetching) send(ctx context.Context) error {
	if len(f.batch) == 0 {
		return nil
	}
	batch := f.batch
	f.batch, f.bytes = nil, 0
	f.checks.Add(1)
	err := f.sync.admitAll(ctx, batch, func(x *examined) {
		defer f.checks.Done()
		f.mu.Lock()
		defer f.mu.Unlock()
		f.guilt = cmp.Or(f.guilt, x.guilt)
		f.known += x.known
		for _, p := range x.good {
			f.news = f.news || !p.asked
		}
	})
	if err != nil {
		f.checks.Done()
	}
	return err
}

// enough reports whether reading on is of no use.
func (f *fetching) enough() bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.guilt != nil || !f.news && f.known >= maxKnownAncestors
}

// judge says whose fault the end of the request was. A connection that broke between items is
// nobody's, for relays cut; time that ran out is the peer's, however many items it had sent.
func (f *fetching) judge(ctx context.Context, err error) fault {
	var g *guiltyError
	switch {
	case errors.As(err, &g) || f.guilt != nil:
		return faultGuilty
	case f.items == 0 && turnedAway(err):
		return faultBusy
	case ctx.Err() != nil, isTimeout(err), f.items == 0:
		return faultFailed
	}
	return faultNone
}

// violation says what the peer did, which ended the request with err or was found in a record that
// it sent.
func (f *fetching) violation(err error) error {
	var g *guiltyError
	if errors.As(err, &g) {
		return g
	}
	return guilty("%v", f.guilt)
}

func isTimeout(err error) bool {
	var t interface{ Timeout() bool }
	return errors.Is(err, context.DeadlineExceeded) || errors.Is(err, os.ErrDeadlineExceeded) || errors.As(err, &t) && t.Timeout()
}

// counted counts the bytes that are read.
type counted struct {
	in      io.Reader
	metrics *metrics
}

func (c *counted) Read(p []byte) (int, error) {
	n, err := c.in.Read(p)
	c.metrics.received(n)
	return n, err
}
