package lfsync

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
	records map[protocol.ID]*repairWant
	failed  map[peer.ID]time.Duration // when a peer that did not answer is asked again
	// patience is how long it waits for peers to come, and to answer.
	patience time.Duration
}

// repairWant is a damaged record.
type repairWant struct {
	since time.Duration
	asked map[peer.ID]time.Duration // when a peer answered that it cannot send it
}

func newRepairPlan(patience time.Duration) *repairPlan {
	return &repairPlan{records: map[protocol.ID]*repairWant{}, failed: map[peer.ID]time.Duration{}, patience: patience}
}

// see takes over which records are damaged now.
func (r *repairPlan) see(now time.Duration, damaged []protocol.ID) {
	was := r.records
	r.records = make(map[protocol.ID]*repairWant, len(damaged))
	for _, id := range damaged {
		w := was[id]
		if w == nil {
			w = &repairWant{since: now, asked: map[peer.ID]time.Duration{}}
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

// repair has what the disk damaged repaired from peers: what it asks for is here and attached, so
// nothing is admitted. It asks one peer at a time, and for few records a second.
func (s *Sync) repair() {
	patience := repairPatience
	if s.host == nil {
		patience = 0 // nobody will come
	}
	plan := newRepairPlan(patience)
	tick := time.NewTicker(repairEvery)
	defer tick.Stop()
	for {
		damaged := s.repairs.Damaged()
		if len(damaged) == 0 {
			plan = newRepairPlan(patience)
			select {
			case <-s.ctx.Done():
				return
			case <-s.repairs.Found():
				continue
			}
		}
		s.repairStep(plan, damaged)
		select {
		case <-s.ctx.Done():
			return
		case <-tick.C:
		}
	}
}

// repairStep asks one peer.
func (s *Sync) repairStep(plan *repairPlan, damaged []protocol.ID) {
	peers := s.repairPeers()
	plan.see(time.Since(s.started), damaged)
	if p, ids := plan.next(time.Since(s.started), damaged, peers); len(ids) > 0 {
		ctx, done := context.WithTimeout(s.ctx, requestTime)
		lacking, err := s.repairFrom(ctx, p, ids)
		done()
		plan.answered(time.Since(s.started), p, lacking)
		if err != nil {
			plan.fail(time.Since(s.started), p)
			s.log.Debug("could not repair records from a peer", "peer", p, "error", err)
		}
	}
	for _, id := range plan.unavailable(time.Since(s.started), s.repairs.Damaged(), peers) {
		s.repairs.Unavailable(id)
	}
}

// repairPeers are the connected peers that can be asked.
func (s *Sync) repairPeers() (peers []peer.ID) {
	if s.host == nil {
		return nil
	}
	for _, p := range s.host.Network().Peers() {
		if s.speaks(p, fetchService) {
			peers = append(peers, p)
		}
	}
	return peers
}

// repairFrom asks a peer for records, and puts what comes in the place of what is damaged. It
// returns those that the peer answered it cannot send.
func (s *Sync) repairFrom(ctx context.Context, p peer.ID, ids []protocol.ID) (lacking []protocol.ID, err error) {
	f := &fetching{sync: s, ask: ask{peer: p, ids: ids}}
	err = s.dialer.Converse(ctx, p, fetchService, fetchMemory, func(stream network.Stream) (err error) {
		if err := f.request(ctx, stream); err != nil {
			return err
		}
		lacking, err = s.readRepairs(ctx, stream, ids)
		_ = stream.Reset() // nothing more is read or written
		return err
	})
	return lacking, err
}

func (s *Sync) readRepairs(ctx context.Context, stream network.Stream, ids []protocol.ID) (lacking []protocol.ID, err error) {
	in := newAnswerReader(&counted{stream, s.metrics})
	for i, id := range ids {
		_ = stream.SetReadDeadline(s.times.ItemDeadline(ctx))
		it, err := readItem(in)
		if errors.Is(err, io.EOF) && i > 0 {
			return lacking, nil // the rest is asked for again
		}
		if err != nil {
			return lacking, err
		}
		sent, err := s.takeRepair(ctx, id, it)
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
func (s *Sync) takeRepair(ctx context.Context, id protocol.ID, it item) (sent bool, err error) {
	switch {
	case it.record == nil || it.pruned:
		return false, nil
	case !sameName(it.record.ID(), id):
		return false, penalty.Violates("record %s in answer to %s", it.record.ID(), id)
	case it.record.ID() != id && !nameOnly(id):
		return false, nil
	}
	if err := it.record.CheckCarried(); err != nil {
		return false, penalty.Violates("record %s: %v", id, err)
	}
	if err := s.repairs.Repair(ctx, it.record); err != nil {
		return false, fmt.Errorf("repair record %s: %w", id, err)
	}
	return true, nil
}

// nameOnly reports whether only the short name of an ID is known: the rest is zero.
func nameOnly(id protocol.ID) bool {
	return [idSize - nameSize]byte(id[nameSize:]) == [idSize - nameSize]byte{}
}
