package proxy

import (
	"context"

	"github.com/lf-store/lf/node/api"
)

// Links implements api.Service.
func (s *Service) Links(ctx context.Context, q api.LinksQuery) (*api.Links, error) {
	links, _, err := one(ctx, s.nodes, func(ctx context.Context, n api.Service) (*api.Links, error) { return n.Links(ctx, q) })
	return links, err
}

// Submit implements api.Service.
func (s *Service) Submit(ctx context.Context, frame []byte) (*api.Submitted, error) {
	done, _, err := one(ctx, s.nodes, func(ctx context.Context, n api.Service) (*api.Submitted, error) { return n.Submit(ctx, frame) })
	return done, err
}

// errNoWriting answers what this proxy does not do for a client.
func errNoWriting() error {
	return api.Conflict("this proxy neither composes nor works: submit a finished record (POST /v1/records)")
}

// Set implements api.Service.
func (s *Service) Set(context.Context, api.SetRequest) (*api.Submitted, error) {
	return nil, errNoWriting()
}

// Prepare implements api.Service.
func (s *Service) Prepare(context.Context, api.PrepareRequest) (*api.Prepared, error) {
	return nil, errNoWriting()
}

// SubmitSigned implements api.Service.
func (s *Service) SubmitSigned(context.Context, api.SignedRecord) (*api.Submitted, error) {
	return nil, errNoWriting()
}

// Work implements api.Service.
func (s *Service) Work(context.Context, api.WorkRequest) (*api.WorkResult, error) {
	return nil, errNoWriting()
}
