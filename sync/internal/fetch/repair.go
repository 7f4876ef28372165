package fetch

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/libp2p/go-libp2p/core/network"
	"github.com/libp2p/go-libp2p/core/peer"

	"github.com/lf-store/lf/protocol"
	"github.com/lf-store/lf/sync/internal/penalty"
)

// repairPlan says which peer is asked for which damaged records. It is pure. Each peer is asked
// once, and again after repairAgain; what all connected peers were asked for in vain is
// unavailable. Times are durations since some start.
type repairPlan struct {
	records map[protocol.ID]*damagedRecord
	failed  map[peer.ID]time.Duration // when a peer that did not answer is asked again
	// patience is how long it waits for peers to come, and to answer.
	patience time.Duration
}

// damagedRecord is a damaged record.
type damagedRecord struct {
	since time.Duration
	asked map[peer.ID]time.Duration // when a peer answered that it cannot send it
}

func newRepairPlan(patience time.Duration) *repairPlan {
	return &repairPlan{records: map[protocol.ID]*damagedRecord{}, failed: map[peer.ID]time.Duration{}, patience: patience}
}

// see takes over which records are damaged now.
func (r *repairPlan) see(now time.Duration, damaged []protocol.ID) {
	was := r.records
	r.records = make(map[protocol.ID]*damagedRecord, len(damaged))
	for _, id := range damaged {
		w := was[id]
		if w == nil {
			w = &damagedRecord{since: now, asked: map[peer.ID]time.Duration{}}
		}
		r.records[id] = w
	}
}

// next returns a peer and what to ask it for, in the order of the damaged records; nothing where
// nobody is to be asked now.
func (r *repairPlan) next(now time.Duration, damaged []protocol.ID, peers []peer.ID) (p peer.ID, ids []protocol.ID) {
	for _, p := range peers {
		if until, failed := r.failed[p]; failed && now < until {
			continue
		}
		for _, id := range damaged {
			if at, asked := r.records[id].asked[p]; (!asked || now-at >= repairAgain) && len(ids) < maxRepairAsked {
				ids = append(ids, id)
			}
		}
		if len(ids) > 0 {
			return p, ids
		}
	}
	return "", nil
}

// answered notes that a peer does not have these records, or cannot send them.
func (r *repairPlan) answered(now time.Duration, p peer.ID, ids []protocol.ID) {
	delete(r.failed, p)
	for _, id := range ids {
		if w := r.records[id]; w != nil {
			w.asked[p] = now
		}
	}
}

// fail notes that a peer did not answer.
func (r *repairPlan) fail(now time.Duration, p peer.ID) { r.failed[p] = now + repairRetry }

// unavailable returns the records that every peer was asked for in vain. A node that has just
// started has no peers yet: it waits a while for the first, and for those that do not answer.
func (r *repairPlan) unavailable(now time.Duration, damaged []protocol.ID, peers []peer.ID) (ids []protocol.ID) {
	for _, id := range damaged {
		w, open := r.records[id], len(peers) == 0
		for _, p := range peers {
			if _, asked := w.asked[p]; !asked {
				open = true
			}
		}
		if !open || now-w.since >= r.patience {
			ids = append(ids, id)
		}
	}
	return ids
}

// Repairs is what a store has that knows which of its records are damaged. It is safe for
// concurrent use.
type Repairs interface {
	// Damaged lists records whose bytes were found damaged.
	Damaged() []protocol.ID
	// Found receives after some were found.
	Found() <-chan struct{}
	// Repair puts a record's bytes in the place of damaged ones, after it has compared them with
	// the ID.
	Repair(ctx context.Context, r *protocol.Record) error
	// Unavailable notes that all peers were asked for a record, and none has it.
	Unavailable(id protocol.ID)
}

// Repairer has what the disk damaged repaired from peers. What it asks for is here and attached, so
// nothing is admitted. It asks one peer at a time, and for few records a second.
type Repairer struct {
	fetcher *Fetcher
	repairs Repairs
	peers   func() []peer.ID // those that can be asked; nil: nobody will ever come
	plan    *repairPlan
}

// NewRepairer makes a repairer.
func (f *Fetcher) NewRepairer(of Repairs, peers func() []peer.ID) *Repairer {
	r := &Repairer{fetcher: f, repairs: of, peers: peers}
	r.begin()
	return r
}

// begin begins with nothing known.
func (r *Repairer) begin() {
	patience := repairPatience
	if r.peers == nil {
		patience = 0
	}
	r.plan = newRepairPlan(patience)
}

// Run repairs until the context ends.
func (r *Repairer) Run(ctx context.Context) error {
	tick := time.NewTicker(repairEvery)
	defer tick.Stop()
	for {
		if len(r.repairs.Damaged()) == 0 {
			r.begin()
			select {
			case <-ctx.Done():
				return nil
			case <-r.repairs.Found():
				continue
			}
		}
		r.Step(ctx)
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		}
	}
}

// Step asks one peer.
func (r *Repairer) Step(ctx context.Context) {
	var peers []peer.ID
	if r.peers != nil {
		peers = r.peers()
	}
	damaged := r.repairs.Damaged()
	r.plan.see(r.now(), damaged)
	if p, ids := r.plan.next(r.now(), damaged, peers); len(ids) > 0 {
		asking, done := context.WithTimeout(ctx, requestTime)
		lacking, err := r.repairFrom(asking, p, ids)
		done()
		r.plan.answered(r.now(), p, lacking)
		if err != nil {
			r.plan.fail(r.now(), p)
			r.fetcher.c.Log.Debug("could not repair records from a peer", "peer", p, "error", err)
		}
	}
	for _, id := range r.plan.unavailable(r.now(), r.repairs.Damaged(), peers) {
		r.repairs.Unavailable(id)
	}
}

// Next returns the peer that would be asked now, and for what.
func (r *Repairer) Next(peers []peer.ID) (peer.ID, []protocol.ID) {
	return r.plan.next(r.now(), r.repairs.Damaged(), peers)
}

// HasFailed reports whether a peer did not answer and is not to be asked again yet.
func (r *Repairer) HasFailed(p peer.ID) bool { return r.plan.failed[p] > 0 }

func (r *Repairer) now() time.Duration { return time.Since(r.fetcher.started) }

// repairFrom asks a peer for records, and puts what comes in the place of what is damaged. It
// returns those that the peer answered it cannot send.
func (r *Repairer) repairFrom(ctx context.Context, p peer.ID, ids []protocol.ID) (lacking []protocol.ID, err error) {
	err = r.fetcher.c.Dialer.Converse(ctx, p, Service, fetchMemory, func(stream network.Stream) (err error) {
		if err := r.fetcher.ask(ctx, stream, sendRequest{peer: p, ids: ids}); err != nil {
			return err
		}
		lacking, err = r.readRepairs(ctx, stream, ids)
		_ = stream.Reset() // nothing more is read or written
		return err
	})
	return lacking, err
}

func (r *Repairer) readRepairs(ctx context.Context, stream network.Stream, ids []protocol.ID) (lacking []protocol.ID, err error) {
	in := NewAnswerReader(&counted{stream, r.fetcher.metrics})
	for i, id := range ids {
		_ = stream.SetReadDeadline(r.fetcher.c.Dialer.ItemDeadline(ctx))
		it, err := ReadItem(in)
		if errors.Is(err, io.EOF) && i > 0 {
			return lacking, nil // the rest is asked for again
		}
		if err != nil {
			return lacking, err
		}
		sent, err := r.takeRepair(ctx, id, it)
		if err != nil {
			return lacking, err
		}
		if !sent {
			lacking = append(lacking, id)
		}
	}
	return lacking, nil
}

// takeRepair repairs a record with what came for it, if that is the record.
func (r *Repairer) takeRepair(ctx context.Context, id protocol.ID, it Item) (sent bool, err error) {
	switch {
	case it.Record == nil || it.Pruned:
		return false, nil
	case !SameName(it.Record.ID(), id):
		return false, penalty.Violates("record %s in answer to %s", it.Record.ID(), id)
	case it.Record.ID() != id && !nameOnly(id):
		return false, nil
	}
	if err := it.Record.CheckCarried(); err != nil {
		return false, penalty.Violates("record %s: %v", id, err)
	}
	if err := r.repairs.Repair(ctx, it.Record); err != nil {
		return false, fmt.Errorf("repair record %s: %w", id, err)
	}
	return true, nil
}

// nameOnly reports whether only the short name of an ID is known: the rest is zero.
func nameOnly(id protocol.ID) bool {
	return [IDSize - NameSize]byte(id[NameSize:]) == [IDSize - NameSize]byte{}
}
