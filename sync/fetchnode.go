package lfsync

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/libp2p/go-libp2p/core/peer"

	"github.com/lf-store/lf/internal/intake"
	"github.com/lf-store/lf/protocol"
	"github.com/lf-store/lf/sync/internal/fetch"
	"github.com/lf-store/lf/sync/internal/stream"
)

// fetchNode shows a Sync to package fetch.
type fetchNode struct {
	*admission
	sync *Sync
}

func newFetcher(s *Sync, c Config, streams stream.Config) participant {
	s.fetcher = fetch.New(fetch.Config{
		Network: c.Network, Store: c.Store, Damaged: ErrDamaged, Node: fetchNode{s.admission, s}, Dialer: s.dialer,
		Penalties: s.penalties, Group: streams.Group, Log: c.Logger,
	})
	if c.Repairs != nil {
		s.repairer = s.fetcher.NewRepairer(c.Repairs, s.fetchPeers())
	}
	return s.fetcher
}

// Admit implements fetch.Node, as do the other methods. A batch enters the commit queue at once,
// and on a core of its own it is checked and then waits for the store.
func (n fetchNode) Admit(ctx context.Context, batch []fetch.Fetched, checked func(fetch.Checked)) error {
	a, size := n.admission, int64(0)
	records := make([]*incoming, len(batch))
	for i, f := range batch {
		in := &incoming{record: f.Record, from: Source{Via: ViaFetch, Peer: f.Peer}, depth: f.Depth, asked: f.Asked}
		in.size = int64(f.Record.WireSize()) + recordMemory
		records[i], size = in, size+in.size
	}
	if err := a.queue.reserve(ctx, size); err != nil {
		return fmt.Errorf("wait for room: %w", err)
	}
	records = a.queue.enter(records)
	select {
	case a.checker.ahead <- struct{}{}:
	case <-ctx.Done():
		a.queue.leave(records)
		return fmt.Errorf("wait for a core: %w", ctx.Err())
	}
	ids := make([]protocol.ID, len(records))
	for i, in := range records {
		ids[i] = in.record.ID()
	}
	n.sync.fetcher.Came(ids)
	go func() {
		defer func() { <-a.checker.ahead }()
		checked(n.examine(records))
	}()
	return nil
}

// examine screens and verifies a batch, and has the valid records wait for the store.
func (n fetchNode) examine(records []*incoming) fetch.Checked {
	a := n.admission
	ctx, done := context.WithTimeout(n.sync.ctx, storeTime)
	valid := a.verify(ctx, a.screen(ctx, records))
	done()
	var result fetch.Checked
	var spare []*incoming
	var have, again []protocol.ID
	for _, in := range records {
		if in.err == nil && in.stored.Outcome == 0 {
			result.News = result.News || !in.asked
			continue
		}
		a.metrics.ingested(in)
		spare = append(spare, in)
		if in.forged {
			again = append(again, in.record.ID())
		} else {
			have = append(have, in.record.ID())
		}
		result.Violation = cmp.Or(result.Violation, in.err)
		if in.stored.Outcome == Known && !in.asked {
			result.Known++
		}
	}
	if len(spare) > 0 {
		a.queue.leave(spare)
		n.sync.fetcher.Settled(have, again)
	}
	n.sync.fetcher.Coming(func(coming func(protocol.ID) bool) { a.queue.pass(valid, coming) })
	return result
}

// MayBeValid leaves out what can never be valid.
func (n fetchNode) MayBeValid(ids []protocol.ID) []protocol.ID { return n.mayBeValid(ids) }

// Skip has nothing wait for these records.
func (n fetchNode) Skip(ids []protocol.ID) { n.queue.skip(ids) }

// IsCongested reports whether fetched records wait for room.
func (n fetchNode) IsCongested() bool { return n.queue.waiters.Load() > 0 }

// Answered tells what a peer lacks, and what it cannot send.
func (n fetchNode) Answered(p peer.ID, lacking, damaged []protocol.ID) {
	if n.sync.reconciler.Answered(p, lacking, damaged) > 0 {
		n.sync.penalties.ReportMinor(p, missingListed)
	}
	if len(damaged) > 0 {
		n.sync.fetcher.Withheld(p, damaged)
	}
}

// Complain logs what the store failed at.
func (n fetchNode) Complain(what string, err error) { n.sync.complain(what, err) }

// commitQueued takes fetched records to the store, in order, many at a time. It is the one
// goroutine that does.
func (s *Sync) commitQueued(ctx context.Context) error {
	a := s.admission
	tick := time.NewTicker(blockTime / 4)
	defer tick.Stop()
	for {
		for batch := a.queue.take(); len(batch) > 0; batch = a.queue.take() {
			if ctx.Err() != nil {
				return nil
			}
			s.commitBatch(ctx, batch)
		}
		select {
		case <-ctx.Done():
			return nil
		case <-a.queue.wakes:
		case <-tick.C:
			a.queue.flushStale(time.Now())
		}
	}
}

// commitBatch takes fetched records to the store. While nothing can be written there, they wait
// here: what was copied once is not copied again. Requests stop when the queue has no room.
func (s *Sync) commitBatch(ctx context.Context, batch []*incoming) {
	left := batch
	for pause := writePauseMin; ; pause = min(2*pause, writePauseMax) {
		s.commitOnce(ctx, left)
		if left = unwritten(left); len(left) == 0 || !sleep(ctx, pause) {
			break
		}
	}
	size, failed := int64(0), error(nil)
	for _, in := range batch {
		size += in.size
		if in.err != nil && !in.early {
			failed = in.err
		}
	}
	if failed != nil {
		s.complain("could not store fetched records", failed)
	}
	s.admission.queue.room.Release(size)
	s.admission.settle(batch)
}

func (s *Sync) commitOnce(ctx context.Context, batch []*incoming) {
	for _, in := range batch {
		in.err = nil
	}
	ctx, done := context.WithTimeout(ctx, storeTime)
	defer done()
	s.admission.commit(ctx, batch)
}

// unwritten returns the records that were not stored because nothing can be written now.
func unwritten(batch []*incoming) (left []*incoming) {
	for _, in := range batch {
		if errors.As(in.err, new(intake.CannotWrite)) {
			left = append(left, in)
		}
	}
	return left
}

// sleep returns true after a pause, and false when ctx ends before.
func sleep(ctx context.Context, pause time.Duration) bool {
	timer := time.NewTimer(pause)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-ctx.Done():
		return false
	}
}
