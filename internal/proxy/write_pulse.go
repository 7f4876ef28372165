package proxy

import (
	"context"
	"errors"

	"github.com/lf-store/lf/node/api"
)

// Pulse implements api.Service. It hands the pulses to nodes in turn, until each was taken by one.
// A node that lacks the record refuses its pulse, and another one may have it.
func (s *Service) Pulse(ctx context.Context, r api.PulseRequest) (*api.Pulsed, error) {
	if _, err := r.Parse(); err != nil {
		return nil, err
	}
	list, err := s.nodes.writable(ctx)
	if err != nil {
		return nil, err
	}
	var done *api.Pulsed
	var failures []error
	for _, n := range list {
		said, err := n.client.Pulse(ctx, r)
		if err == nil && len(said.Pulses) != len(r.Pulses) {
			err = errors.New("it tells of another number of pulses")
		}
		if err != nil {
			failures = append(failures, err)
			if ctx.Err() != nil {
				break
			}
			continue
		}
		if done = betterOutcomes(done, said); !anyRefused(done) {
			break
		}
	}
	if done == nil {
		return nil, s.writeFailure(errors.Join(failures...))
	}
	return done, nil
}

// betterOutcomes takes of each pulse what the kinder node said.
func betterOutcomes(have, said *api.Pulsed) *api.Pulsed {
	if have == nil {
		return said
	}
	for i := range have.Pulses {
		if have.Pulses[i].State == api.PulseRefused && said.Pulses[i].State != api.PulseRefused {
			have.Pulses[i] = said.Pulses[i]
		}
	}
	return have
}

func anyRefused(p *api.Pulsed) bool {
	for _, o := range p.Pulses {
		if o.State == api.PulseRefused {
			return true
		}
	}
	return false
}
