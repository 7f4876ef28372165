package fetch

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
	"github.com/libp2p/go-libp2p/core/peer"

	"github.com/lf-store/lf/protocol"
	"github.com/lf-store/lf/sync/internal/penalty"
	"github.com/lf-store/lf/sync/internal/stream"
)

// request carries out a request of the planner's and tells it what came of it. closing ends when
// the node ends, ctx when the request is given up.
func (f *Fetcher) request(closing, ctx context.Context, a sendRequest) {
	began := time.Now()
	r := &requesting{fetcher: f, sendRequest: a}
	if a.ancestors > 0 {
		r.linked = make(map[protocol.ID]bool)
	}
	err := r.run(ctx)
	r.answer.result = r.result(ctx, err)
	f.metrics.requested(r.answer.result, time.Since(began))
	silent := ctx.Err() != nil && r.items == 0 && time.Since(began) >= slowTime*9/10
	if closing.Err() == nil && (silent || r.answer.result != resultViolation && stream.Stalled(ctx, err)) {
		f.c.Penalties.ProbeAndPenalize(a.peer)
	}
	f.c.Node.Answered(a.peer, r.answer.lacking, r.answer.damaged)
	if r.answer.result != resultAnswered && ctx.Err() == nil || r.answer.result == resultViolation {
		f.c.Log.Debug("a peer did not answer", "peer", a.peer, "error", err)
	}
	f.plan(func(m *planner) {
		delete(f.cancels, a.request)
		m.done(a.request, r.answer)
	})
}

// Ask is one request, for Fetch.
type Ask struct {
	Peer      peer.ID
	IDs       []protocol.ID
	Wide      bool // names them in full
	Ancestors int
}

// Told is what a peer said of records that it did not send.
type Told struct{ Lacking, Pruned, Unclear, Damaged []protocol.ID }

// Fetch sends one request by itself, whatever the planner plans.
func (f *Fetcher) Fetch(ctx context.Context, a Ask) (Told, error) {
	r := &requesting{fetcher: f, sendRequest: sendRequest{peer: a.Peer, ids: a.IDs, wide: a.Wide, ancestors: a.Ancestors}}
	if a.Ancestors > 0 {
		r.linked = make(map[protocol.ID]bool)
	}
	err := r.run(ctx)
	return Told{r.answer.lacking, r.answer.pruned, r.answer.unclear, r.answer.damaged}, err
}

// requesting is one request under way.
type requesting struct {
	fetcher *Fetcher
	sendRequest

	// by the items so far: what may come as an ancestor; nil where none are asked for
	linked map[protocol.ID]bool
	blind  bool // an item's links cannot be read, so linked is not all
	items  int
	batch  []Fetched // read, and not yet on its way
	bytes  int       // of the batch
	answer answer

	checks    sync.WaitGroup
	mu        sync.Mutex // guards what follows
	violation error      // why the first record is one that no correct peer sends
	news      bool       // some ancestor was not known
	known     int        // how many were
}

// run asks, reads the answer and waits until what came is checked. Not for the store: what it does
// is nothing that the peer answers for.
func (f *requesting) run(ctx context.Context) error {
	return f.fetcher.c.Dialer.Converse(ctx, f.peer, Service, fetchMemory, func(s network.Stream) error {
		err := f.converse(ctx, s)
		_ = s.Reset() // nothing more is read or written; after a full answer it has no effect
		f.checks.Wait()
		if penalty.ViolationIn(err) == nil && f.violation != nil {
			err = errors.Join(err, penalty.Violates("%v", f.violation))
		}
		return err
	})
}

func (f *requesting) converse(ctx context.Context, s network.Stream) error {
	if err := f.fetcher.ask(ctx, s, f.sendRequest); err != nil {
		return err
	}
	err := f.readItems(ctx, s, NewAnswerReader(&counted{s, f.fetcher.metrics}))
	// what came before a violation is as good as if nothing had come after it
	return errors.Join(err, f.send(ctx))
}

// ask sends a request.
func (f *Fetcher) ask(ctx context.Context, s network.Stream, a sendRequest) error {
	_ = s.SetWriteDeadline(f.c.Dialer.ItemDeadline(ctx))
	width := NameSize
	if a.wide {
		width = IDSize
	}
	_, err := s.Write(AppendRequest(nil, Request{IDs: a.ids, Width: width, Ancestors: a.ancestors}))
	if err == nil {
		err = stream.CloseWrite(s)
	}
	if err != nil {
		return fmt.Errorf("send request: %w", err)
	}
	return nil
}

// readItems reads the answer's items and sends them on their way in batches.
func (f *requesting) readItems(ctx context.Context, stream network.Stream, in *bufio.Reader) error {
	for i := range len(f.ids) + f.ancestors {
		// else there is something to read, and what waits here may as well wait for it
		if in.Buffered() == 0 {
			if err := f.send(ctx); err != nil {
				return err
			}
		}
		_ = stream.SetReadDeadline(f.fetcher.c.Dialer.ItemDeadline(ctx))
		it, err := ReadItem(in)
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return fmt.Errorf("item %d: %w", i, err)
		}
		f.link(it)
		if i < len(f.ids) {
			err = f.named(ctx, f.ids[i], it)
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

func (f *requesting) named(ctx context.Context, id protocol.ID, it Item) error {
	same := it.Record != nil && it.Record.ID() == id
	switch {
	case it.Ambiguous && f.wide:
		return penalty.Violates("several records with the ID %s", id)
	case it.Record != nil && !same && (f.wide || !SameName(it.Record.ID(), id)):
		return penalty.Violates("record %s in answer to %s", it.Record.ID(), id)
	case it.Ambiguous, it.Record != nil && !same:
		f.answer.unclear = append(f.answer.unclear, id)
	case it.Damaged:
		f.answer.damaged = append(f.answer.damaged, id)
	case it.Pruned, it.Unknown:
		f.answer.pruned = append(f.answer.pruned, id)
	case it.Record == nil:
		f.answer.lacking = append(f.answer.lacking, id)
	default:
		return f.take(ctx, it.Record, true)
	}
	return nil
}

// SameName reports whether two IDs have one short name.
func SameName(a, b protocol.ID) bool { return bytes.Equal(a[:NameSize], b[:NameSize]) }

func (f *requesting) ancestor(ctx context.Context, it Item) error {
	switch {
	case it.Unknown:
		return nil
	case it.Record == nil:
		return penalty.Violates("an ancestor that is not there")
	case !f.linked[it.Record.ID()] && f.blind:
		return nil
	case !f.linked[it.Record.ID()]:
		return penalty.Violates("record %s, which was not asked for", it.Record.ID())
	case it.Pruned:
		return nil
	}
	return f.take(ctx, it.Record, false)
}

// link notes what an item links to, whether the item itself is of use or not.
func (f *requesting) link(it Item) {
	if f.linked == nil {
		return
	}
	f.blind = f.blind || it.Unknown
	if it.Record != nil {
		for _, link := range it.Record.Links {
			f.linked[link] = true
		}
	}
}

// take puts a record into the batch.
func (f *requesting) take(ctx context.Context, r *protocol.Record, asked bool) error {
	f.batch = append(f.batch, Fetched{Record: r, Peer: f.peer, Depth: f.depth, Asked: asked})
	f.bytes += r.WireSize()
	if len(f.batch) < maxFetchBatch && f.bytes < maxFetchBatchBytes {
		return nil
	}
	return f.send(ctx)
}

// send sends the batch on its way.
func (f *requesting) send(ctx context.Context) error {
	if len(f.batch) == 0 {
		return nil
	}
	batch := f.batch
	f.batch, f.bytes = nil, 0
	f.checks.Add(1)
	err := f.fetcher.c.Node.Admit(ctx, batch, func(x Checked) {
		defer f.checks.Done()
		f.mu.Lock()
		defer f.mu.Unlock()
		f.violation = cmp.Or(f.violation, x.Violation)
		f.known += x.Known
		f.news = f.news || x.News
	})
	if err != nil {
		f.checks.Done()
	}
	return err
}

// enough reports whether reading on is of no use.
func (f *requesting) enough() bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.violation != nil || !f.news && f.known >= maxKnownAncestors
}

// result says how the request ended. A connection that broke between items is nobody's failure, for
// relays cut. Time that ran out is the peer's, however many items it had sent.
func (f *requesting) result(ctx context.Context, err error) result {
	switch {
	case penalty.ViolationIn(err) != nil:
		return resultViolation
	case f.items == 0 && stream.TurnedAway(err):
		return resultBusy
	case ctx.Err() != nil, stream.IsTimeout(err), f.items == 0:
		return resultFailed
	}
	return resultAnswered
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
