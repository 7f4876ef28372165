package clone

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/libp2p/go-libp2p/core/network"
)

// errTooMany ends a stream that is one too many.
var errTooMany = errors.New("too many questions for this node's nonce")

// serve answers a question. A stream that fails is reset, any other is closed.
func (d *Detector) serve(s network.Stream) {
	stranger := s.Conn().RemotePeer()
	asker, err := d.answer(s)
	var violation *Violation
	switch {
	case errors.Is(err, errTooMany):
		_ = s.ResetWithError(network.StreamRateLimited)
	case errors.As(err, &violation):
		_ = s.ResetWithError(network.StreamProtocolViolation)
		d.violation(stranger, err)
	case err != nil:
		_ = s.Reset()
		d.log.Debug("could not answer a question for the nonce", "peer", stranger, "error", err)
	default:
		_ = s.Close()
		if asker != d.nonce {
			d.askedBy(s.Conn().RemoteMultiaddr().String())
		}
	}
}

// answer reads the question and writes the answer.
func (d *Detector) answer(s network.Stream) (asker nonce, err error) {
	if s.Conn().Stat().Limited {
		return asker, errors.New("a question through a relay")
	}
	if !d.answers.Allow() {
		return asker, errTooMany
	}
	release, err := enter(d.ctx, s, answerTime)
	if err != nil {
		return asker, err
	}
	defer release()
	if asker, err = readQuestion(s, d.network, d.public(), s.Conn().RemotePeer()); err != nil {
		return asker, err
	}
	if _, err := s.Write(d.nonce[:]); err != nil {
		return asker, fmt.Errorf("send the answer: %w", err)
	}
	return asker, nil
}

// enter puts a stream under the service's limits, and ties it to a context and a time.
func enter(ctx context.Context, s network.Stream, patience time.Duration) (release func(), err error) {
	if err := s.Scope().SetService(Service.Scope()); err != nil {
		return nil, fmt.Errorf("join service %s: %w", Service.Scope(), err)
	}
	if err := s.Scope().ReserveMemory(answerMemory, network.ReservationPriorityMedium); err != nil {
		return nil, fmt.Errorf("reserve memory: %w", err)
	}
	unwatch := context.AfterFunc(ctx, func() { _ = s.Reset() })
	release = func() {
		unwatch()
		s.Scope().ReleaseMemory(answerMemory)
	}
	if err := s.SetDeadline(time.Now().Add(patience)); err != nil {
		release()
		return nil, fmt.Errorf("set deadline: %w", err)
	}
	return release, nil
}
