package proxy

import (
	"context"
	"errors"
	"time"

	"github.com/lf-store/lf/internal/caller"
	"github.com/lf-store/lf/internal/proxy/outbox"
	"github.com/lf-store/lf/protocol"
)

// againWithin bounds one try to hand in a record of the outbox.
const againWithin = 20 * time.Second

// verdict is what is to become of a record that was handed in.
type verdict int

const (
	delivered  verdict = iota // as many nodes as wanted have attached it
	refused                   // every node of the proxy's refuses it
	declined                  // those that could be asked refuse it
	triedAgain                // too few have it yet
)

// hold puts a record into the outbox. A disk that is full does not keep it from the nodes.
func (s *Service) hold(ctx context.Context, r *protocol.Record, frame []byte) {
	if err := s.writes.outbox.Hold(caller.Of(ctx).Name, r.ID(), frame); err != nil {
		s.log.Error("a record that is handed in would not outlive a restart of the proxy", "record", r.ID(), "error", err)
	}
}

// settle notes what came of a record, if it is in the outbox.
func (s *Service) settle(id protocol.ID, v verdict) {
	var again, was bool
	var err error
	switch v {
	case delivered, refused:
		was, err = s.writes.outbox.Done(id, v == refused)
	default:
		again, was, err = s.writes.outbox.Later(id)
	}
	switch {
	case err != nil:
		s.log.Error("what came of a record is not noted: it is handed in again after a restart", "record", id, "error", err)
	case v == refused && was:
		s.log.Warn("a record is given up: all nodes refuse it", "record", id)
	case v != delivered && was && !again:
		s.log.Warn("a record is given up: too few nodes have attached it for a day", "record", id)
	}
}

// deliver hands in the records of the outbox again and again, until its context ends.
func (s *Service) deliver(ctx context.Context) error {
	for ctx.Err() == nil {
		due, wait, changed := s.writes.outbox.Next()
		if due != nil {
			s.tryAgain(ctx, due)
			continue
		}
		var timer <-chan time.Time
		if wait >= 0 {
			timer = time.After(wait)
		}
		select {
		case <-timer:
		case <-changed:
		case <-ctx.Done():
		}
	}
	return ctx.Err()
}

func (s *Service) tryAgain(ctx context.Context, due *outbox.Record) {
	r, err := protocol.DecodeFrame(due.Frame)
	if err == nil {
		err = s.config.Network.Check(r, verifyWork)
	}
	if err != nil { // another network's, or the file is damaged
		s.settle(due.ID, refused)
		return
	}
	trying, cancel := context.WithTimeout(ctx, againWithin)
	defer cancel()
	_, v, err := s.handIn(trying, r, due.Frame)
	if err != nil && !errors.Is(err, context.Canceled) {
		s.log.Debug("a record stays in the outbox", "record", due.ID, "error", err)
	}
	if v == delivered {
		s.log.Info("a record of the outbox is delivered", "record", due.ID)
	}
	s.settle(due.ID, v)
}
