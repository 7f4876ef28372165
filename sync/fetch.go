package lfsync

import (
	"bufio"
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"sync"
	"time"

	"github.com/libp2p/go-libp2p/core/network"

	"github.com/lf-store/lf/protocol"
	"github.com/lf-store/lf/sync/internal/penalty"
	"github.com/lf-store/lf/sync/internal/stream"
)

// fetchFor carries out a request of the scheduler's and reports what came of it.
func (s *Sync) fetchFor(ctx context.Context, a ask) {
	began := time.Now()
	f := &fetching{sync: s, ask: a}
	if a.ancestors > 0 {
		f.linked = make(map[protocol.ID]bool)
	}
	err := f.run(ctx)
	f.answer.fault = f.judge(ctx, err)
	s.metrics.fetched(f.answer, time.Since(began))
	if gone := ctx.Err() != nil && f.items == 0 && time.Since(began) >= slowTime*9/10; gone && s.ctx.Err() == nil {
		s.penalties.ProbeAndPenalize(a.peer)
	} else if s.ctx.Err() == nil && stream.Stalled(ctx, err) {
		s.penalties.ProbeAndPenalize(a.peer)
	}
	s.denied(a.peer, f.answer.lacking)
	s.withheld(a.peer, f.answer.damaged)
	if f.answer.fault != faultNone && ctx.Err() == nil || f.answer.fault == faultGuilty {
		s.log.Debug("a peer did not answer", "peer", a.peer, "error", err)
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

// run asks, reads the answer and waits until what came is checked. Not for the store: what it does is
// nothing that the peer answers for.
func (f *fetching) run(ctx context.Context) error {
	return f.sync.dialer.Converse(ctx, f.ask.peer, fetchService, fetchMemory, func(s network.Stream) error {
		err := f.converse(ctx, s)
		_ = s.Reset() // nothing more is read or written; after a full answer it has no effect
		f.checks.Wait()
		if penalty.ViolationIn(err) == nil && f.guilt != nil {
			err = errors.Join(err, penalty.Violates("%v", f.guilt))
		}
		return err
	})
}

func (f *fetching) converse(ctx context.Context, s network.Stream) error {
	if err := f.request(ctx, s); err != nil {
		return err
	}
	err := f.readItems(ctx, s, newAnswerReader(&counted{s, f.sync.metrics}))
	return errors.Join(err, f.send(ctx)) // what came before a violation is as good as if nothing had come after it
}

// request sends the request.
func (f *fetching) request(ctx context.Context, s network.Stream) error {
	_ = s.SetWriteDeadline(f.sync.times.ItemDeadline(ctx))
	width := nameSize
	if f.ask.wide {
		width = idSize
	}
	_, err := s.Write(appendRequest(nil, fetchRequest{ids: f.ask.ids, width: width, ancestors: f.ask.ancestors}))
	if err == nil {
		err = s.CloseWrite()
	}
	if err != nil {
		return fmt.Errorf("send request: %w", err)
	}
	return nil
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
		_ = stream.SetReadDeadline(f.sync.times.ItemDeadline(ctx))
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
		return penalty.Violates("an answer longer than what was asked for")
	}
	return nil
}

func (f *fetching) asked(ctx context.Context, id protocol.ID, it item) error {
	same := it.record != nil && it.record.ID() == id
	switch {
	case it.ambiguous && f.ask.wide:
		return penalty.Violates("several records with the ID %s", id)
	case it.record != nil && !same && (f.ask.wide || !sameName(it.record.ID(), id)):
		return penalty.Violates("record %s in answer to %s", it.record.ID(), id)
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
		return penalty.Violates("an ancestor that is not there")
	case !f.linked[it.record.ID()] && f.blind:
		return nil
	case !f.linked[it.record.ID()]:
		return penalty.Violates("record %s, which was not asked for", it.record.ID())
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
	switch {
	case penalty.ViolationIn(err) != nil:
		return faultGuilty
	case f.items == 0 && stream.TurnedAway(err):
		return faultBusy
	case ctx.Err() != nil, stream.IsTimeout(err), f.items == 0:
		return faultFailed
	}
	return faultNone
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
