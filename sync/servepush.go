package lfsync

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	pubsub "github.com/libp2p/go-libp2p-pubsub"
	"github.com/libp2p/go-libp2p/core/network"
	"github.com/libp2p/go-libp2p/core/peer"

	"github.com/lf-store/lf/protocol"
)

// servePush takes in what a peer pushes. Any peer may, whatever connects it: what it pushes is
// treated like gossip.
func (s *Sync) servePush(ctx context.Context, v *visit) error {
	if err := v.SetReadDeadline(s.itemDeadline(ctx)); err != nil {
		return fmt.Errorf("set deadline: %w", err)
	}
	ids, err := readAnnouncement(v)
	if err != nil {
		return err
	}
	s.pusher.heard(v.Conn().RemotePeer(), ids)
	wanted, err := s.choose(ctx, v, ids)
	if err != nil {
		return err
	}
	defer s.asked.end(wanted)
	s.metrics.announced(len(ids), len(wanted))
	if err := s.sayKnown(ctx, v, ids); err != nil {
		return err
	}
	if err := s.answerPush(ctx, v, ids, wanted); err != nil {
		return err
	}
	return s.takeWanted(ctx, v, wanted)
}

// choose decides which of the announced records to ask for, and notes that they are asked for. What
// another push was asked for is waited for, and asked for here if it does not come: who announces
// and does not deliver delays a record by askedTime at most, and so do many of them.
func (s *Sync) choose(ctx context.Context, v *visit, ids []protocol.ID) ([]*claim, error) {
	latest := time.Now().Add(s.asked.time)
	for look := 1; ; look++ {
		lacking, err := s.lacking(ctx, v, ids)
		if err != nil {
			return nil, err
		}
		mine, others := s.asked.ask(lacking, look < maxLooks && time.Now().Before(latest))
		if len(others) == 0 {
			return mine, nil
		}
		if err := await(ctx, others, latest); err != nil {
			return nil, err
		}
	}
}

// lacking returns those of the announced records that are of use: neither here nor refused lately.
func (s *Sync) lacking(ctx context.Context, v *visit, ids []protocol.ID) ([]protocol.ID, error) {
	end, err := v.begin()
	if err != nil {
		return nil, err
	}
	defer end()
	if err := v.pay(ctx, len(ids)); err != nil {
		return nil, err
	}
	var open []protocol.ID
	for _, id := range s.worthwhile(ids) {
		if a, ok := s.recent.Peek(id); (!ok || a.state != Attached) && !s.asked.spurns(id) {
			open = append(open, id)
		}
	}
	if len(open) == 0 {
		return nil, nil
	}
	ctx, done := context.WithTimeout(ctx, storeTime)
	defer done()
	if open, err = s.store.Unknown(ctx, open); err != nil {
		return nil, fmt.Errorf("look for announced records: %w", err)
	}
	return open, nil
}

// sayKnown passes on what is announced, is here, and was not passed on from here because it came by
// fetch or was not known to be paid: the announcement stands for the copy that gossip would have
// brought (see verdict), and costs as much.
func (s *Sync) sayKnown(ctx context.Context, v *visit, ids []protocol.ID) error {
	for _, id := range ids {
		if a, ok := s.recent.Peek(id); !ok || !a.unsaid.Load() {
			continue
		}
		if err := v.pay(ctx, pushUnits); err != nil {
			return err
		}
		r, ok, err := s.store.Record(ctx, id)
		switch {
		case errors.Is(err, ErrDamaged):
		case err != nil:
			return fmt.Errorf("read record %s: %w", id, err)
		case ok && r.HasValue() && s.firstSaying(r):
			s.spread(ctx, id, r.EncodeFrame(), v.Conn().RemotePeer())
		}
	}
	return nil
}

// answerPush tells which of the announced records are wanted.
func (s *Sync) answerPush(ctx context.Context, v *visit, ids []protocol.ID, wanted []*claim) error {
	bits, next := make([]bool, len(ids)), wanted // in the same order
	for i, id := range ids {
		if len(next) > 0 && next[0].id == id {
			bits[i], next = true, next[1:]
		}
	}
	_ = v.SetWriteDeadline(s.itemDeadline(ctx))
	if _, err := v.Write(appendWanted(nil, bits)); err != nil {
		return fmt.Errorf("answer an announcement: %w", err)
	}
	return nil
}

// takeWanted takes in the records that were asked for, and nothing else.
func (s *Sync) takeWanted(ctx context.Context, v *visit, wanted []*claim) error {
	size := 1
	if len(wanted) > 0 {
		size = maxItem
	}
	if err := v.Scope().ReserveMemory(size, network.ReservationPriorityMedium); err != nil {
		return fmt.Errorf("reserve memory: %w", err)
	}
	defer v.Scope().ReleaseMemory(size)
	in := bufio.NewReaderSize(v, size)
	for n := 0; ; n++ {
		_ = v.SetReadDeadline(s.itemDeadline(ctx))
		switch _, err := in.Peek(1); {
		case errors.Is(err, io.EOF) && n == len(wanted):
			return nil
		case errors.Is(err, io.EOF):
			return guilty("%d of %d records that it announced", n, len(wanted))
		case err != nil:
			return fmt.Errorf("read a push: %w", err)
		case n == len(wanted):
			return guilty("more records than the %d that were wanted", n)
		}
		if err := s.takePushed(ctx, v, in, wanted[n]); err != nil {
			return err
		}
	}
}

// takePushed takes in the next record. It holds one of the places that all peers share only once
// the record has come.
func (s *Sync) takePushed(ctx context.Context, v *visit, in *bufio.Reader, c *claim) error {
	defer s.asked.end([]*claim{c})
	it, err := readFrame(in, false)
	if err != nil || it.unknown {
		return err
	}
	if it.record.ID() != c.id {
		return guilty("record %s in the place of %s", it.record.ID(), c.id)
	}
	end, err := v.begin()
	if err != nil {
		return err
	}
	defer end()
	if err := v.pay(ctx, pushUnits); err != nil {
		return err
	}
	return s.pushed(ctx, it.record, v.Conn().RemotePeer())
}

// pushed takes in a record and passes it on if gossip would.
func (s *Sync) pushed(ctx context.Context, r *protocol.Record, from peer.ID) error {
	ctx, done := context.WithTimeout(ctx, storeTime)
	defer done()
	in, err := s.ingest(ctx, r, Source{Via: ViaPush, Peer: from})
	switch s.verdict(in, err) {
	case pubsub.ValidationReject:
		return guilty("%v", err)
	case pubsub.ValidationAccept:
		s.spread(ctx, r.ID(), r.EncodeFrame(), from)
	case pubsub.ValidationIgnore:
		if in.Outcome == Refused || errors.Is(err, protocol.ErrTooFarAhead) {
			s.asked.spurn(r.ID())
		}
	}
	return nil
}
