package lfsync

import (
	"bufio"
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
	f := &fetching{sync: s, ask: a, linked: make(map[protocol.ID]bool)}
	err := f.run(ctx)
	f.ingests.Wait()
	f.answer.fault = f.judge(ctx, err)
	s.metrics.fetched(f.answer, time.Since(began))
	if f.answer.fault == faultGuilty {
		s.accuse(a.peer)
	}
	s.stalled(ctx, a.peer, err)
	s.denied(a.peer, f.answer.lacking)
	if f.answer.fault != faultNone && ctx.Err() == nil || f.answer.fault == faultGuilty {
		s.log.Debug("a peer did not answer", "peer", a.peer, "error", errors.Join(err, f.guilt))
	}
	s.step(func(m *scheduler) {
		if stop := s.cancels[a.request]; stop != nil {
			stop()
			delete(s.cancels, a.request)
		}
		m.done(a.request, f.answer)
		m.have(f.answer.got) // counts even where the request was given up
		m.want(s.worthwhile(f.missing()), a.peer, a.depth, 0)
	})
}

// fetching is one request under way.
type fetching struct {
	sync *Sync
	ask  ask

	linked map[protocol.ID]bool // by the items so far: what may come as an ancestor
	blind  bool                 // an item's links cannot be read, so linked is not all
	items  int

	ingests sync.WaitGroup
	mu      sync.Mutex // guards what follows
	answer  answer
	lacked  []protocol.ID // missing ancestors of what came, in the order of their discovery
	tips    []protocol.ID
	guilt   error // the first record that no correct peer sends
	known   int   // how many ancestors in a row were known
}

func (f *fetching) run(ctx context.Context) error {
	ctx, done := context.WithTimeout(ctx, f.sync.timeouts.fetch)
	defer done()
	stream, err := f.open(ctx)
	if err != nil {
		return err
	}
	defer func() { _ = stream.Reset() }() // nothing more is read or written; after a full answer it has no effect
	release, err := secure(ctx, fetchService, stream, fetchMemory)
	if err != nil {
		return err
	}
	defer release()
	in := bufio.NewReaderSize(&counted{stream, f.sync.metrics}, 16<<10)
	if len(f.ask.ids) == 0 {
		return f.readTips(ctx, stream, in)
	}
	return f.readItems(ctx, stream, in)
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
	_, err = stream.Write(appendRequest(nil, fetchRequest{ids: f.ask.ids, ancestors: f.ask.ancestors}))
	if err == nil {
		err = stream.CloseWrite()
	}
	if err != nil {
		_ = stream.Reset()
		return nil, fmt.Errorf("send request: %w", err)
	}
	return stream, nil
}

func (f *fetching) readTips(ctx context.Context, stream network.Stream, in *bufio.Reader) error {
	_ = stream.SetReadDeadline(f.sync.itemDeadline(ctx))
	tips, err := readTips(in)
	if err != nil {
		return err
	}
	f.items++
	unknown, err := f.sync.store.Unknown(ctx, tips)
	if err != nil {
		return fmt.Errorf("look for a peer's tips: %w", err)
	}
	f.tips = unknown
	return nil
}

// readItems reads the answer's items and sends each on its way.
func (f *fetching) readItems(ctx context.Context, stream network.Stream, in *bufio.Reader) error {
	for i := range len(f.ask.ids) + f.ask.ancestors {
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
	if it.record != nil && it.record.ID() != id {
		return guilty("record %s in answer to %s", it.record.ID(), id)
	}
	if it.record == nil || it.pruned {
		f.mu.Lock()
		defer f.mu.Unlock()
		f.answer.lacking = append(f.answer.lacking, id)
		return nil
	}
	return f.take(ctx, it.record, true)
}

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
	f.blind = f.blind || it.unknown
	if it.record != nil {
		for _, link := range it.record.Links {
			f.linked[link] = true
		}
	}
}

// take has a record ingested while the next one is read.
func (f *fetching) take(ctx context.Context, r *protocol.Record, asked bool) error {
	size := int64(r.WireSize())
	if err := f.sync.fetched.Acquire(ctx, size); err != nil {
		return fmt.Errorf("wait for room: %w", err)
	}
	f.ingests.Go(func() {
		defer f.sync.fetched.Release(size)
		ctx, done := context.WithTimeout(f.sync.ctx, storeTime)
		defer done()
		in, err := f.sync.ingest(ctx, r, Source{Via: ViaFetch, Peer: f.ask.peer})
		f.note(in, err, asked)
	})
	return nil
}

// note notes what became of a record.
func (f *fetching) note(in Ingested, err error, asked bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	id := in.Record.ID()
	var invalid *protocol.InvalidError
	switch {
	case errors.As(err, &invalid):
		f.guilt = errors.Join(f.guilt, err)
		if f.sync.refused.Contains(id) { // whoever has it, it is no better there
			f.answer.got = append(f.answer.got, id)
		}
		return
	case err != nil || in.Outcome == Refused && !f.sync.refused.Contains(id):
		f.answer.later = append(f.answer.later, id)
		return
	}
	f.answer.got = append(f.answer.got, id)
	f.lacked = append(f.lacked, in.Missing...)
	if in.Outcome == Known && !asked {
		f.known++
	} else {
		f.known = 0
	}
}

// enough reports whether reading on is of no use.
func (f *fetching) enough() bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.guilt != nil || f.known >= maxKnownAncestors
}

// missing returns what this answer revealed as missing and did not bring.
func (f *fetching) missing() []protocol.ID {
	came := make(map[protocol.ID]bool)
	for _, id := range f.answer.got {
		came[id] = true
	}
	missing := f.tips
	for _, id := range f.lacked {
		if !came[id] {
			came[id] = true
			missing = append(missing, id)
		}
	}
	return missing
}

// judge says whose fault the end of the request was. A connection that broke between items is nobody's, for relays cut;
// time that ran out is the peer's, however many items it had sent.
func (f *fetching) judge(ctx context.Context, err error) fault {
	var g *guiltyError
	switch {
	case errors.As(err, &g) || f.guilt != nil:
		return faultGuilty
	case ctx.Err() != nil, isTimeout(err), f.items == 0:
		return faultFailed
	}
	return faultNone
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
