package lfsync

import (
	"errors"

	"github.com/lf-store/lf/protocol"
	"github.com/lf-store/lf/sync/internal/fetch"
)

// settle counts and remembers what became of a batch, and tells the protocols.
func (a *admission) settle(batch []*incoming) {
	for _, in := range batch {
		a.metrics.ingested(in)
		if in.err == nil {
			a.remember(in)
		}
	}
	if len(batch) > 0 && batch[0].from.Via == ViaFetch {
		a.settleFetched(batch)
		return
	}
	for _, in := range batch {
		if in.err == nil {
			a.settleOne(in)
		}
	}
}

// remember remembers what became of a record.
func (a *admission) remember(in *incoming) {
	id := in.record.ID()
	switch in.stored.Outcome {
	case Attached, Pending, Held:
		known := &arrival{state: in.stored.Outcome}
		fetched, hearsay := in.from.isBulk(), in.from.Via == ViaGossip || in.from.Via == ViaPush
		unpaid := hearsay && !a.isPaid(in.record, in.stored.Outcome)
		known.unforwarded.Store((fetched || unpaid) && in.stored.Outcome != Held)
		a.recent.Add(id, known)
		if in.stored.Outcome == Held {
			a.sync.reconciler.Early([]*protocol.Record{in.record})
		}
	case Refused:
		var invalid *protocol.InvalidError
		if errors.As(in.stored.Err, &invalid) {
			a.refuse(in.record, in.stored.Err)
		}
		a.sync.log.Debug("refused a record", "record", id, "error", in.stored.Err)
	}
}

// isPaid reports whether a record that passed the check is known to have paid. It paid by its work
// alone, or, when it is attached, with the certificate that the store has found.
func (a *admission) isPaid(r *protocol.Record, state Outcome) bool {
	return state == Attached || a.network.Paid(r)
}

// promote corrects what is remembered of records that became attached.
func (a *admission) promote(attached []Item) {
	for _, item := range attached {
		if old, ok := a.recent.Peek(item.ID); ok && old.state != Attached {
			known := &arrival{state: Attached}
			known.unforwarded.Store(old.unforwarded.Load())
			a.recent.Add(item.ID, known)
		}
	}
}

// settleOne tells of one record that came by itself.
func (a *admission) settleOne(in *incoming) {
	grace := gossipGrace
	if in.from.Via == ViaLocal {
		grace = 0
	}
	id := in.record.ID()
	var have []protocol.ID
	if in.stored.Outcome != Refused || a.refused.Contains(id) {
		have = []protocol.ID{id}
	}
	a.sync.fetcher.Have(have, in.stored.Missing, in.from.Peer, grace)
}

// settleFetched tells of a fetched batch that was committed.
func (a *admission) settleFetched(batch []*incoming) {
	var early []*protocol.Record
	var earlyIDs, later []protocol.ID
	var stored []fetch.Fetched
	var missing [][]protocol.ID
	for _, in := range batch {
		id := in.record.ID()
		if in.early { // nobody is to blame, and it is not missing
			early, earlyIDs = append(early, in.record), append(earlyIDs, id)
		}
		switch {
		case in.stored.Outcome == 0 && in.early:
		case in.stored.Outcome == 0, in.stored.Outcome == Refused && !a.refused.Contains(id):
			later = append(later, id)
		default:
			stored = append(stored, fetch.Fetched{Record: in.record, Peer: in.from.Peer, Depth: in.depth, Asked: in.asked})
			missing = append(missing, in.stored.Missing)
		}
		if in.stored.Outcome == Attached {
			a.sync.limiter.Earned(in.from.Peer, 1)
		}
		if len(in.stored.Missing) > 0 {
			a.sync.reconciler.Promised(in.from.Peer, id, in.stored.Missing)
		}
	}
	if len(early) > 0 {
		a.sync.reconciler.Early(early)
		a.sync.fetcher.Early(earlyIDs)
	}
	a.sync.fetcher.Stored(stored, missing, later)
}
