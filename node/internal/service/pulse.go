package service

import (
	"context"
	"fmt"
	"time"

	"github.com/lf-store/lf/node/api"
	"github.com/lf-store/lf/protocol"
	"github.com/lf-store/lf/store"
	lfsync "github.com/lf-store/lf/sync"
)

// Pulse implements api.Service.
func (s *Service) Pulse(ctx context.Context, r api.PulseRequest) (*api.Pulsed, error) {
	pulses, err := r.Parse()
	if err != nil {
		return nil, err
	}
	out := &api.Pulsed{Pulses: make([]api.PulseOutcome, len(pulses))}
	for i, p := range pulses {
		done, err := s.config.Sync.Pulse(ctx, p)
		if err != nil {
			return nil, Failure(err)
		}
		out.Pulses[i] = s.outcome(&p, done)
	}
	return out, nil
}

// outcome says in words what became of a pulse.
func (s *Service) outcome(p *protocol.Pulse, done lfsync.PulseOutcome) api.PulseOutcome {
	out := api.PulseOutcome{Record: p.Record, Second: p.Second, State: api.PulseRefused, Last: done.Last}
	switch done.Verdict {
	case lfsync.PulseAccepted:
		out.State = api.PulseAccepted
	case lfsync.PulseKnown, lfsync.PulseForwarded:
		out.State = api.PulseKnown
	case lfsync.PulseNoRecord:
		out.Why = fmt.Sprintf("record %s is not attached here", p.Record)
	case lfsync.PulseWithdrawn:
		out.Why = "only a value that was neither deleted nor released can be alive"
	case lfsync.PulseClock:
		out.Why = fmt.Sprintf("second %d is too far from the node's clock, which shows %d", p.Second, s.now()/1000)
	case lfsync.PulseForged:
		out.Why = "the signature of the record's owner does not verify"
	case lfsync.PulseTooSoon:
		out.Why = fmt.Sprintf("less than %d s after the pulse before", int(protocol.PulseInterval.Seconds()))
	case lfsync.PulseEnded:
		out.Why = fmt.Sprintf("the record's work paid for pulses until %s: write the record again", time.Unix(int64(done.Last), 0).UTC().Format(time.RFC3339))
	case lfsync.PulseNoRoom:
		out.Why = "the node keeps as many pulses as it can, of records that paid more: write the record again with more work"
	default:
		out.Why = "the node is too busy: try again"
	}
	return out
}

// alive tells of the newest pulse of the claim that answers, nil where there is none.
func (s *Service) alive(ctx context.Context, a *store.Answer) (*api.Alive, error) {
	if a.Damaged != nil {
		return nil, nil //nolint:nilerr // nobody knows what would answer
	}
	best := a.Claims[0].Record
	p, ok, err := s.config.Sync.NewestPulse(ctx, lfsync.Claim{Composite: a.Composite, Owner: best.Owner})
	if err != nil {
		return nil, err
	}
	if !ok || best.Tombstone() {
		return nil, nil
	}
	if p.Record != best.ID() { // a release may have withdrawn that version
		r, found, err := s.config.Store.PulsedRecord(ctx, p.Record)
		if err != nil || !found || !r.Stands {
			return nil, err
		}
	}
	return api.NewAlive(&p, s.now()), nil
}
