package pulse

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	lru "github.com/hashicorp/golang-lru/v2"
	"github.com/libp2p/go-libp2p/core/network"
	"github.com/libp2p/go-libp2p/core/peer"
	"golang.org/x/time/rate"

	"github.com/lf-store/lf/protocol"
	"github.com/lf-store/lf/sync/internal/penalty"
	"github.com/lf-store/lf/sync/internal/stream"
)

// answerLimits bound how often peers' questions are answered. The lock of the keeper guards them.
type answerLimits struct {
	peers *lru.Cache[peer.ID, *rate.Limiter]
}

func newAnswerLimits() *answerLimits {
	return &answerLimits{newCache[peer.ID, *rate.Limiter](maxBudgets)}
}

func (a *answerLimits) allow(p peer.ID) bool {
	l, ok := a.peers.Get(p)
	if !ok {
		l = rate.NewLimiter(answerRate, answerBurst)
		a.peers.Add(p, l)
	}
	return l.Allow()
}

// Serve takes in what a peer pushes, or answers its question.
func (k *Keeper) Serve(ctx context.Context, s *stream.Served) error {
	if err := s.SetReadDeadline(s.ItemDeadline(ctx)); err != nil {
		return fmt.Errorf("set deadline: %w", err)
	}
	in := bufio.NewReaderSize(s, streamMemory/2)
	kind, err := in.ReadByte()
	switch {
	case err != nil:
		return fmt.Errorf("read a request: %w", err)
	case kind == kindPush:
		return k.takePush(ctx, s, in)
	case kind == kindQuestion:
		return k.answer(ctx, s, in)
	}
	return penalty.Violates("a request of kind %d", kind)
}

// takePush takes in pulses up to the end of the stream.
func (k *Keeper) takePush(ctx context.Context, s *stream.Served, in *bufio.Reader) error {
	from := source{peer: s.Peer(), relayed: k.c.Relayed(s.Peer())}
	for n := 0; ; n++ {
		p, err := readItem(in)
		switch {
		case errors.Is(err, io.EOF) && n > 0:
			return nil
		case errors.Is(err, io.EOF), err == nil && n == MaxPush:
			return penalty.Violates("a push of no pulse, or of more than %d", MaxPush)
		case err != nil:
			return err
		}
		if err := s.Pay(ctx, pulseUnits); err != nil {
			return err
		}
		if _, err := k.pushed(ctx, &p, from); err != nil {
			return err
		}
	}
}

// answer answers a question.
func (k *Keeper) answer(ctx context.Context, s *stream.Served, in *bufio.Reader) error {
	q, err := readQuestion(in)
	if err != nil {
		return err
	}
	end, err := s.Begin()
	if err != nil {
		return err
	}
	defer end()
	if err := s.Pay(ctx, 1+k.Count()/compareUnits); err != nil {
		return err
	}
	pulses, err := k.choose(s.Peer(), q)
	if err != nil {
		return err
	}
	if err := s.Scope().ReserveMemory(answerMemory, network.ReservationPriorityMedium); err != nil {
		return fmt.Errorf("reserve memory: %w", err)
	}
	defer s.Scope().ReleaseMemory(answerMemory)
	if err := s.Pay(ctx, len(pulses)*protocol.MaxPulse/stream.UnitBytes); err != nil {
		return err
	}
	var out []byte
	for i := range pulses {
		out = appendItem(out, &pulses[i])
	}
	if _, err := s.Write(out); err != nil {
		return fmt.Errorf("send pulses: %w", err)
	}
	return nil
}

// choose returns the pulses to answer with. A peer behind a relay gets as many as it may have.
func (k *Keeper) choose(p peer.ID, q question) (pulses []protocol.Pulse, err error) {
	now := time.Now()
	k.mu.Lock()
	defer k.mu.Unlock()
	if !k.answers.allow(p) {
		return nil, stream.ErrOverloaded
	}
	relayed := k.outboxes[p]
	for pulse := range k.plan.differing(q) {
		if len(pulses) == MaxAnswer || relayed != nil && !relayed.budget.AllowN(now, 1) {
			break
		}
		pulses = append(pulses, pulse)
	}
	return pulses, nil
}
