package service

import (
	"context"

	"github.com/lf-store/lf/node/api"
)

// Pulse implements api.Service.
func (s *Service) Pulse(_ context.Context, r api.PulseRequest) (*api.Pulsed, error) {
	pulses, err := r.Parse()
	if err != nil {
		return nil, err
	}
	out := &api.Pulsed{}
	for _, p := range pulses {
		out.Pulses = append(out.Pulses, api.PulseOutcome{Record: p.Record, Second: p.Second, State: api.PulseRefused, Why: "this node takes no pulses yet"})
	}
	return out, nil
}
