package push

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"time"

	"github.com/libp2p/go-libp2p/core/network"

	"github.com/lf-store/lf/protocol"
	"github.com/lf-store/lf/sync/internal/penalty"
	"github.com/lf-store/lf/sync/internal/stream"
)

// Serve takes in what a peer pushes. Any peer may, whatever connects it: what it pushes is treated
// like gossip.
func (u *Pusher) Serve(ctx context.Context, s *stream.Served) error {
	if err := s.SetReadDeadline(s.ItemDeadline(ctx)); err != nil {
		return fmt.Errorf("set deadline: %w", err)
	}
	ids, err := ReadAnnouncement(s)
	if err != nil {
		return err
	}
	u.MarkKnown(s.Peer(), ids)
	wanted, err := u.choose(ctx, s, ids)
	if err != nil {
		return err
	}
	defer u.requests.end(wanted)
	u.heard.WithLabelValues("wanted").Add(float64(len(wanted)))
	u.heard.WithLabelValues("unwanted").Add(float64(len(ids) - len(wanted)))
	if err := u.forwardKnown(ctx, s, ids); err != nil {
		return err
	}
	if err := answer(ctx, s, ids, wanted); err != nil {
		return err
	}
	return u.takeWanted(ctx, s, wanted)
}

// choose decides which of the announced records to ask for, and notes that they are asked for. What
// another push was asked for is waited for, and asked for here if it does not come. A peer that
// announces and does not deliver delays a record by requestTime at most, and so do many of them.
func (u *Pusher) choose(ctx context.Context, s *stream.Served, ids []protocol.ID) ([]*request, error) {
	latest := time.Now().Add(u.Times.Request)
	for look := 1; ; look++ {
		unknown, err := u.unknown(ctx, s, ids)
		if err != nil {
			return nil, err
		}
		now := time.Now()
		mine, others := u.requests.begin(unknown, now.Add(u.Times.Request), look < maxLooks && now.Before(latest))
		if len(others) == 0 {
			return mine, nil
		}
		if err := await(ctx, others, latest); err != nil {
			return nil, err
		}
	}
}

// unknown returns those of the announced records that are of use: neither here nor refused lately.
func (u *Pusher) unknown(ctx context.Context, s *stream.Served, ids []protocol.ID) ([]protocol.ID, error) {
	end, err := s.Begin()
	if err != nil {
		return nil, err
	}
	defer end()
	if err := s.Pay(ctx, len(ids)); err != nil {
		return nil, err
	}
	useful := slices.DeleteFunc(slices.Clone(ids), u.requests.isRejected)
	if len(useful) == 0 {
		return nil, nil
	}
	ctx, done := context.WithTimeout(ctx, storeTime)
	defer done()
	unknown, err := u.c.Node.Unknown(ctx, useful)
	if err != nil {
		return nil, fmt.Errorf("look for announced records: %w", err)
	}
	return unknown, nil
}

// forwardKnown forwards what is announced, is here, and was not forwarded from here because it came
// by fetch or was not known to be paid. The announcement stands for the copy that gossip would have
// brought, and costs as much.
func (u *Pusher) forwardKnown(ctx context.Context, s *stream.Served, ids []protocol.ID) error {
	for _, id := range ids {
		if !u.c.Node.IsUnforwarded(id) {
			continue
		}
		if err := s.Pay(ctx, recordUnits); err != nil {
			return err
		}
		if err := u.c.Node.ForwardKnown(ctx, id, s.Peer()); err != nil {
			return err
		}
	}
	return nil
}

// answer tells which of the announced records are wanted.
func answer(ctx context.Context, s *stream.Served, ids []protocol.ID, wanted []*request) error {
	bits, next := make([]bool, len(ids)), wanted // in the same order
	for i, id := range ids {
		if len(next) > 0 && next[0].id == id {
			bits[i], next = true, next[1:]
		}
	}
	_ = s.SetWriteDeadline(s.ItemDeadline(ctx))
	if _, err := s.Write(AppendWanted(nil, bits)); err != nil {
		return fmt.Errorf("answer an announcement: %w", err)
	}
	return nil
}

// takeWanted takes in the records that were asked for, and nothing else.
func (u *Pusher) takeWanted(ctx context.Context, s *stream.Served, wanted []*request) error {
	size := 1
	if len(wanted) > 0 {
		size = stream.MaxFrameItem
	}
	if err := s.Scope().ReserveMemory(size, network.ReservationPriorityMedium); err != nil {
		return fmt.Errorf("reserve memory: %w", err)
	}
	defer s.Scope().ReleaseMemory(size)
	in := bufio.NewReaderSize(s, size)
	for n := 0; ; n++ {
		_ = s.SetReadDeadline(s.ItemDeadline(ctx))
		switch _, err := in.Peek(1); {
		case errors.Is(err, io.EOF) && n == len(wanted):
			return nil
		case errors.Is(err, io.EOF):
			return penalty.Violates("%d of %d records that it announced", n, len(wanted))
		case err != nil:
			return fmt.Errorf("read a push: %w", err)
		case n == len(wanted):
			return penalty.Violates("more records than the %d that were wanted", n)
		}
		if err := u.takePushed(ctx, s, in, wanted[n]); err != nil {
			return err
		}
	}
}

// takePushed takes in the next record. It holds one of the places that all peers share only once
// the record has come.
func (u *Pusher) takePushed(ctx context.Context, s *stream.Served, in *bufio.Reader, wanted *request) error {
	defer u.requests.end([]*request{wanted})
	r, err := stream.ReadFrame(in)
	switch {
	case protocol.IsUnknownVersion(err):
		return nil // of no use to this software
	case err != nil:
		return err
	case !r.HasValue():
		return penalty.Violates("record %s: its status belies its frame", r.ID())
	case r.ID() != wanted.id:
		return penalty.Violates("record %s in the place of %s", r.ID(), wanted.id)
	}
	end, err := s.Begin()
	if err != nil {
		return err
	}
	defer end()
	if err := s.Pay(ctx, recordUnits); err != nil {
		return err
	}
	ctx, done := context.WithTimeout(ctx, storeTime)
	defer done()
	again, err := u.c.Node.Admit(ctx, r, s.Peer())
	if err == nil && !again {
		u.requests.reject(r.ID())
	}
	return err
}
