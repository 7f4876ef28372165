package apitest

import (
	"context"

	"github.com/lf-store/lf/node/api"
	"github.com/lf-store/lf/protocol"
)

// Prepare implements api.Service.
func (f *Fake) Prepare(ctx context.Context, req api.PrepareRequest) (*api.Prepared, error) {
	if err := req.Check(); err != nil {
		return nil, err
	}
	owner, err := req.Signer()
	if err != nil {
		return nil, err
	}
	r, err := f.compose(ctx, req.Set(), owner)
	if err != nil {
		return nil, err
	}
	return &api.Prepared{
		Header: r.HeaderBytes(), Value: r.ValueBytes(), Sign: f.network.SignedMessage(r), Owner: owner,
		Timestamp: r.Timestamp, Until: r.Timestamp + f.network.Params().ClockDrift,
	}, nil
}

// SubmitSigned implements api.Service. A fake's network asks for no work.
func (f *Fake) SubmitSigned(ctx context.Context, s api.SignedRecord) (*api.Submitted, error) {
	if err := s.Check(); err != nil {
		return nil, err
	}
	r, err := protocol.DecodeRecord(s.Header, s.Value)
	if err != nil {
		return nil, err
	}
	if r, err = f.network.WithSignature(r, s.Signature); err != nil {
		return nil, err
	}
	if r.Timestamp+f.network.Params().ClockDrift < now() {
		return nil, api.Conflict("the record is too old: prepare it again and sign that")
	}
	return f.Submit(ctx, r.EncodeFrame())
}

// Work implements api.Service.
func (f *Fake) Work(_ context.Context, r api.WorkRequest) (*api.WorkResult, error) {
	if err := r.Check(f.network); err != nil {
		return nil, err
	}
	return nil, api.Invalid("a fake does no work")
}
