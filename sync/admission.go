package lfsync

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync/atomic"
	"time"

	lru "github.com/hashicorp/golang-lru/v2"
	"github.com/libp2p/go-libp2p/core/peer"

	"github.com/lf-store/lf/protocol"
)

// Via is the way by which a record came.
type Via int

// The ways.
const (
	ViaLocal Via = iota
	ViaGossip
	ViaFetch
	ViaPush
	ViaImport
)

var viaNames = [...]string{"local", "gossip", "fetch", "push", "import"}

func (v Via) String() string { return viaNames[v] }

// Source is where a record came from.
type Source struct {
	Via  Via
	Peer peer.ID // empty for ViaLocal and ViaImport
}

// isBulk tells that records come in batches, old ones too, and are not passed on by gossip.
func (s Source) isBulk() bool { return s.Via == ViaFetch || s.Via == ViaImport }

// Local is the source of what this node's own users submit.
var Local = Source{Via: ViaLocal}

// Ingested is a record that came in and what became of it.
type Ingested struct {
	Record *protocol.Record
	Stored
}

// Errors of Ingest, apart from *protocol.InvalidError, protocol.ErrTooFarAhead and the store's.
var (
	// ErrBusy says that too many records wait to be checked.
	ErrBusy = errors.New("too many records wait to be checked, try again later")
	// ErrNoValue says that a record came without its value, which is nobody's fault: the sender may
	// have dropped it.
	ErrNoValue = errors.New("the record came without its value")
)

// admission is the one way in. Records come in batches: each batch is screened for what need not be
// verified, verified, and committed to the store. A single record is a batch of one.
//
// A fetched batch waits between verifying and committing in the commit queue, where the answers of
// several peers are put in order.
type admission struct {
	network *protocol.Network
	store   Store
	clock   func() time.Time
	metrics *metrics
	sync    *Sync // which tells the protocols what became of records

	checker *checker
	waiting chan struct{} // a token for each gossiped record that waits for a core or is on it
	unpaid  *unpaid
	queue   *commitQueue
	recent  *lru.Cache[protocol.ID, *arrival]
	refused *lru.Cache[protocol.ID, error]
}

// arrival is what is remembered of a record that came in lately.
type arrival struct {
	state Outcome
	// unforwarded is set for a record that came in and was not passed on by gossip. It came by
	// fetch, or was not known to be paid. Then one copy by gossip is passed on.
	unforwarded atomic.Bool
}

// incoming is a record on its way in.
type incoming struct {
	record *protocol.Record
	from   Source
	depth  int  // of what it reveals as missing, when fetched
	asked  bool // it was asked for: the store does not have it
	valid  bool // it need not be verified

	stored Stored // what became of it; without an outcome, err says why
	err    error
	// forged is set where err is about the value alone, and says nothing of the record with this
	// ID.
	forged bool
	// early is set where the clock does not let it in, and the store does not hold it.
	early bool

	queued
}

func newAdmission(s *Sync, c Config) *admission {
	return &admission{
		network: c.Network, store: c.Store, clock: c.Clock, metrics: s.metrics, sync: s,
		checker: newChecker(c.Network, c.Verify), waiting: make(chan struct{}, maxWaiting), unpaid: newUnpaid(c.Network),
		queue:  newCommitQueue(),
		recent: newCache[protocol.ID, *arrival](maxRecent), refused: newCache[protocol.ID, error](maxRefused),
	}
}

// admit takes in one record.
func (a *admission) admit(ctx context.Context, r *protocol.Record, from Source) (Ingested, error) {
	in := &incoming{record: r, from: from}
	batch := []*incoming{in}
	if open := a.screen(ctx, batch); len(open) > 0 {
		leave, ok := a.unpaid.enter(r, from)
		if !ok {
			a.metrics.busy.Add(1)
			in.err = ErrBusy
		} else {
			defer leave()
			a.commit(ctx, a.verify(ctx, open))
		}
	}
	a.settle(batch)
	return Ingested{Record: r, Stored: in.stored}, in.err
}

// now is the time as records have it.
func (a *admission) now() uint64 { return uint64(max(0, a.clock().UnixMilli())) }

// screen settles what need not be verified, which costs more than all else, and returns the rest.
// The header decides all that is not checked before, so what was once found of an ID holds for the
// frame at hand.
func (a *admission) screen(ctx context.Context, batch []*incoming) (open []*incoming) {
	for _, in := range batch {
		if !in.record.HasValue() {
			in.err = ErrNoValue
		} else if err := in.record.CheckCarried(); err != nil {
			// A false value under a true header has the ID of a known record: it must not pass as
			// known.
			in.err, in.forged = err, true
		} else if !a.isSettled(in) {
			open = append(open, in)
		}
	}
	return a.lookUp(ctx, open)
}

// isSettled recognizes a record that came lately.
func (a *admission) isSettled(in *incoming) bool {
	id := in.record.ID()
	if err, ok := a.refused.Get(id); ok {
		in.stored = Stored{Outcome: Refused, Err: err}
	} else if known, ok := a.recent.Get(id); ok && known.state == Attached && in.from.Via != ViaLocal {
		// Pending and held records may be dropped by the store when its queues are full; attached
		// ones stay.
		in.stored = Stored{Outcome: Known, State: Attached}
	} else {
		return false
	}
	return true
}

// lookUp returns the records that the store does not have, and those of this node's own users.
// These want to know how a record is known. What was asked for the store does not have.
func (a *admission) lookUp(ctx context.Context, batch []*incoming) (open []*incoming) {
	var ids []protocol.ID
	for _, in := range batch {
		if !in.asked {
			ids = append(ids, in.record.ID())
		}
	}
	if len(ids) == 0 {
		return batch
	}
	list, err := a.store.Unknown(ctx, ids)
	unknown := setOf(list)
	for _, in := range batch {
		switch id := in.record.ID(); {
		case err != nil && in.from.isBulk(), in.asked, unknown(id):
			// a store that fails says so again
			open = append(open, in)
		case err != nil:
			in.err = fmt.Errorf("look for record %s: %w", id, err)
		case in.from.Via == ViaLocal:
			in.valid = true
			open = append(open, in)
		default:
			in.stored = Stored{Outcome: Known}
		}
	}
	return open
}

// setOf returns a function that reports whether an ID is in a list.
func setOf(list []protocol.ID) func(protocol.ID) bool {
	if len(list) <= 1 {
		return func(id protocol.ID) bool { return len(list) == 1 && list[0] == id }
	}
	in := make(map[protocol.ID]bool, len(list))
	for _, id := range list {
		in[id] = true
	}
	return func(id protocol.ID) bool { return in[id] }
}

// verify returns the valid records of a batch.
func (a *admission) verify(ctx context.Context, batch []*incoming) (valid []*incoming) {
	open := batch
	if slices.ContainsFunc(batch, isValid) {
		open = slices.DeleteFunc(slices.Clone(batch), isValid)
	}
	for i, err := range a.check(ctx, open) {
		in := open[i]
		var invalid *protocol.InvalidError
		if in.err = err; errors.As(err, &invalid) && in.from.isBulk() {
			// Its value is the one that the header refers to, so all that is wrong is decided by
			// the ID.
			a.refuse(in.record, err)
		}
	}
	for _, in := range batch {
		if in.err == nil {
			valid = append(valid, in)
		}
	}
	return valid
}

func isValid(in *incoming) bool { return in.valid }

// check checks records. Gossip does not wait in a long queue for a core; everybody else waits, this
// node's own users least.
func (a *admission) check(ctx context.Context, batch []*incoming) []error {
	if len(batch) == 0 {
		return nil
	}
	switch from := batch[0].from; {
	case len(batch) > 1 || from.isBulk():
		return a.checker.checkAll(batch)
	case from.Via == ViaGossip:
		select {
		case a.waiting <- struct{}{}:
			defer func() { <-a.waiting }()
		default:
			a.metrics.busy.Add(1)
			return []error{ErrBusy}
		}
	}
	return []error{a.checker.check(ctx, batch[0].record, batch[0].from.Via == ViaLocal)}
}

// commit stores records that are valid.
func (a *admission) commit(ctx context.Context, batch []*incoming) {
	records, holds := make([]*protocol.Record, 0, len(batch)), make([]uint64, 0, len(batch))
	timely := make([]*incoming, 0, len(batch))
	for _, in := range batch {
		hold, err := a.network.HoldUntil(&in.record.Header, a.now())
		if err != nil {
			in.err, in.early = err, true
			continue
		}
		records, holds, timely = append(records, in.record), append(holds, hold), append(timely, in)
	}
	if len(timely) == 0 {
		return
	}
	stored, err := a.put(ctx, timely[0].from, records, holds)
	for i, in := range timely {
		if i < len(stored) {
			in.stored = stored[i]
		}
		if in.stored.Outcome == 0 {
			in.err = fmt.Errorf("store record %s: %w", in.record.ID(), err)
		}
		in.early = in.stored.Outcome == Refused && holds[i] > 0
	}
}

// put gives records to the store by the way that is meant for their source.
func (a *admission) put(ctx context.Context, from Source, records []*protocol.Record, holds []uint64) ([]Stored, error) {
	put := a.store.Put
	switch from.Via {
	case ViaFetch, ViaImport:
		return a.store.PutAll(ctx, records, holds)
	case ViaLocal:
		put = a.store.Submit
	}
	stored, err := put(ctx, records[0], holds[0])
	return []Stored{stored}, err
}

// refuse remembers that a record can never be valid. It is not missing, whoever lists it.
func (a *admission) refuse(r *protocol.Record, err error) {
	a.refused.Add(r.ID(), err)
	a.sync.reconciler.Dismiss(r)
}

// mayBeValid leaves out what can never be valid.
func (a *admission) mayBeValid(ids []protocol.ID) []protocol.ID {
	var out []protocol.ID
	for _, id := range ids {
		if !a.refused.Contains(id) {
			out = append(out, id)
		}
	}
	return out
}

// isAttached reports whether a record became attached lately.
func (a *admission) isAttached(id protocol.ID) bool {
	known, ok := a.recent.Peek(id)
	return ok && known.state == Attached
}
