package lfsync

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"sync/atomic"

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
)

var viaNames = [...]string{"local", "gossip", "fetch", "push"}

func (v Via) String() string { return viaNames[v] }

// Source is where a record came from.
type Source struct {
	Via  Via
	Peer peer.ID // empty for ViaLocal
}

// Local is the source of what this node's own users submit.
var Local = Source{Via: ViaLocal}

// Ingested is a record that came in and what became of it.
type Ingested struct {
	Record *protocol.Record
	Stored
}

// Errors of Ingest besides *protocol.InvalidError, protocol.ErrTooFarAhead and the store's.
var (
	// ErrBusy says that too many records wait to be checked.
	ErrBusy = errors.New("too many records wait to be checked, try again later")
	// ErrNoValue says that a record came without its value, which is nobody's fault: the sender may
	// have dropped it.
	ErrNoValue = errors.New("the record came without its value")
)

// arrival is what is remembered of a record that came in lately.
type arrival struct {
	state Outcome
	// unforwarded is set while the record came in and was not passed on by gossip, because it came by
	// fetch or was not known to be paid: then one copy by gossip is.
	unforwarded atomic.Bool
}

// Ingest is the one door: it decodes a frame, checks the record and stores it. When it returns
// without error, what became of the record is durable. An error is a *protocol.InvalidError if the
// frame is wrong for ever and the sender's fault (but see protocol.IsUnknownVersion); it wraps
// protocol.ErrTooFarAhead, ErrBusy or ErrNoValue; or the store failed. What the store refuses is no
// error.
func (s *Sync) Ingest(ctx context.Context, frame []byte, from Source) (Ingested, error) {
	r, err := protocol.DecodeFrame(frame)
	if err != nil {
		s.metrics.ingested(from.Via, Ingested{}, err)
		return Ingested{}, err
	}
	return s.ingest(ctx, r, from)
}

// Submit takes a record in and has it passed on by gossip, and pushed to peers that gossip does not
// reach.
func (s *Sync) Submit(ctx context.Context, frame []byte) (Ingested, error) {
	in, err := s.Ingest(ctx, frame, Local)
	if err != nil || in.Outcome == Refused {
		return in, err
	}
	s.forward(ctx, in.Record.ID(), bytes.Clone(frame), "")
	return in, nil
}

func (s *Sync) ingest(ctx context.Context, r *protocol.Record, from Source) (Ingested, error) {
	in := Ingested{Record: r}
	stored, err := s.admit(ctx, r, from)
	in.Stored = stored
	s.metrics.ingested(from.Via, in, err)
	if err == nil {
		s.settle(in, from)
	}
	return in, err
}

// admit does what is cheap before what is costly.
func (s *Sync) admit(ctx context.Context, r *protocol.Record, from Source) (Stored, error) {
	if !r.HasValue() {
		return Stored{}, ErrNoValue
	}
	// A false value under a true header has the ID of a known record: it must not pass as known.
	if err := r.CheckCarried(); err != nil {
		return Stored{}, err
	}
	if known, err := s.known(ctx, r, from); err != nil || known.Outcome != 0 {
		return known, err
	}
	leave, ok := s.unpaid.enter(r, from)
	if !ok {
		s.metrics.busy.Add(1)
		return Stored{}, ErrBusy
	}
	defer leave()
	if err := s.check(ctx, r, from); err != nil {
		var invalid *protocol.InvalidError
		if errors.As(err, &invalid) && from.Via == ViaFetch {
			s.refuse(r, err)
		}
		return Stored{}, err
	}
	return s.put(ctx, r, from)
}

// refuse remembers that a record can never be valid. It is not missing, whoever lists it.
func (s *Sync) refuse(r *protocol.Record, err error) {
	s.refused.Add(r.ID(), err)
	s.comparer.dismiss(r)
}

// known recognizes a record that is here already, or that was refused for good. The header decides
// all that is not checked before, so what was once found of an ID holds for the frame at hand.
func (s *Sync) known(ctx context.Context, r *protocol.Record, from Source) (Stored, error) {
	id := r.ID()
	// Pending and held records may be dropped by the store when its queues are full; attached ones
	// stay.
	if a, ok := s.recent.Get(id); ok && a.state == Attached && from.Via != ViaLocal {
		return Stored{Outcome: Known, State: Attached}, nil
	}
	if err, ok := s.refused.Get(id); ok {
		return Stored{Outcome: Refused, Err: err}, nil
	}
	unknown, err := s.store.Unknown(ctx, []protocol.ID{id})
	switch {
	case err != nil:
		return Stored{}, fmt.Errorf("look for record %s: %w", id, err)
	case len(unknown) > 0:
		return Stored{}, nil
	case from.Via == ViaLocal: // whoever submits wants to know how it is known
		return s.put(ctx, r, from)
	}
	return Stored{Outcome: Known}, nil
}

// check verifies a record. Gossip does not wait in a long queue for a core; everybody else waits,
// this node's own users least.
func (s *Sync) check(ctx context.Context, r *protocol.Record, from Source) error {
	if from.Via == ViaGossip {
		select {
		case s.waiting <- struct{}{}:
			defer func() { <-s.waiting }()
		default:
			s.metrics.busy.Add(1)
			return ErrBusy
		}
	}
	return s.checker.check(ctx, r, from.Via == ViaLocal)
}

func (s *Sync) put(ctx context.Context, r *protocol.Record, from Source) (Stored, error) {
	hold, err := s.network.HoldUntil(&r.Header, s.now())
	if err != nil {
		return Stored{}, err
	}
	put := s.store.Put
	if from.Via == ViaLocal {
		put = s.store.Submit
	}
	stored, err := put(ctx, r, hold)
	if err != nil {
		return stored, fmt.Errorf("store record %s: %w", r.ID(), err)
	}
	return stored, nil
}

// now is the time as records have it.
func (s *Sync) now() uint64 { return uint64(max(0, s.clock().UnixMilli())) }

// settle remembers what became of a record and tells the scheduler.
func (s *Sync) settle(in Ingested, from Source) {
	id := in.Record.ID()
	switch in.Outcome {
	case Attached, Pending, Held:
		a := &arrival{state: in.Outcome}
		hearsay := from.Via == ViaGossip || from.Via == ViaPush
		unpaid := hearsay && !s.paid(in.Record, in.Outcome)
		a.unforwarded.Store((from.Via == ViaFetch || unpaid) && in.Outcome != Held)
		s.recent.Add(id, a)
		if in.Outcome == Held {
			s.comparer.early([]*protocol.Record{in.Record})
		}
	case Refused:
		var invalid *protocol.InvalidError
		if errors.As(in.Err, &invalid) {
			s.refuse(in.Record, in.Err)
		}
		s.log.Debug("refused a record", "record", id, "error", in.Err)
	}
	if from.Via != ViaFetch { // the fetch driver tells it for a whole answer at once
		s.settled(in, from)
	}
}

// promote corrects what is remembered of records that became attached.
func (s *Sync) promote(attached []Item) {
	for _, item := range attached {
		id := item.ID
		if old, ok := s.recent.Peek(id); ok && old.state != Attached {
			a := &arrival{state: Attached}
			a.unforwarded.Store(old.unforwarded.Load())
			s.recent.Add(id, a)
		}
	}
}

// settled tells the scheduler of one record that came by itself.
func (s *Sync) settled(in Ingested, from Source) {
	grace := gossipGrace
	if from.Via == ViaLocal {
		grace = 0
	}
	s.step(func(m *scheduler) {
		if in.Outcome != Refused || s.refused.Contains(in.Record.ID()) {
			m.have([]protocol.ID{in.Record.ID()})
		}
		m.want(s.worthwhile(in.Missing), from.Peer, 0, grace)
	})
}

// worthwhile leaves out what can never be valid.
func (s *Sync) worthwhile(ids []protocol.ID) []protocol.ID {
	var out []protocol.ID
	for _, id := range ids {
		if !s.refused.Contains(id) {
			out = append(out, id)
		}
	}
	return out
}
