package service

import (
	"context"
	"sync"

	"github.com/lf-store/lf/internal/apiwriter"
	"github.com/lf-store/lf/internal/embedder"
	"github.com/lf-store/lf/node/api"
	"github.com/lf-store/lf/protocol"
)

// Prepare implements api.Service.
func (s *Service) Prepare(ctx context.Context, req api.PrepareRequest) (*api.Prepared, error) {
	prepared, err := apiwriter.Prepare(ctx, s.writer, &req, s.WaitingWrites())
	return prepared, s.writeFailure(ctx, err)
}

// SubmitSigned implements api.Service. What is cheap to check comes before the work.
func (s *Service) SubmitSigned(ctx context.Context, signed api.SignedRecord) (*api.Submitted, error) {
	r, err := apiwriter.Signed(s.config.Network, signed)
	if err != nil {
		return nil, Failure(err)
	}
	if !s.paying.begin(r.SignedHash()) {
		return nil, api.Conflict("the node is working for this record already: another request wants the same")
	}
	defer s.paying.end(r.SignedHash())
	if twin, err := s.newest(ctx, r); err != nil || twin != nil {
		return twin, Failure(err)
	}
	if err := apiwriter.CheckAge(s.config.Network, r, s.now()); err != nil {
		return nil, err
	}
	certified, err := s.isCertified(ctx, r)
	if err != nil {
		return nil, Failure(err)
	}
	if !certified && s.config.Network.Params().AuthRequired {
		return nil, s.uncertified(ctx, r.Owner)
	}
	var turn embedder.Turn
	if effort := s.effort(r, certified); effort > 0 {
		if turn, err = s.worker.Turn(ctx, apiwriter.ClientOf(ctx), effort, signed.Turn); err != nil {
			return nil, Failure(err)
		}
		defer turn.Leave()
	}
	if err := apiwriter.CheckAge(s.config.Network, r, s.now()); err != nil { // it has waited
		return nil, err
	}
	if r, err = s.pay(ctx, turn, r, certified); err != nil {
		return nil, Failure(err)
	}
	return s.Submit(ctx, r.EncodeFrame())
}

// newest compares a record with the owner's newest one under the same key. If that is the same
// signed record, nothing is to be done for it. If that is newer, the record would change nothing.
func (s *Service) newest(ctx context.Context, r *protocol.Record) (*api.Submitted, error) {
	if len(r.Selectors) == 0 {
		return nil, nil
	}
	points := make([]protocol.SelectorPoint, len(r.Selectors))
	for i, sel := range r.Selectors {
		points[i] = protocol.SelectorPoint{Key: sel.Key, Ordinal: sel.Ordinal}
	}
	found, err := s.newestVersion(ctx, r.Owner, points)
	switch {
	case err != nil || found == nil || found.Record == nil:
		return nil, err
	case found.Record.SignedHash() == r.SignedHash():
		return s.Submit(ctx, found.Record.EncodeFrame())
	case found.Time() >= r.Timestamp:
		return nil, apiwriter.Superseded(found.Record.ID())
	}
	return nil, nil
}

// isCertified reports whether a record links a certificate of its owner's that holds at its time.
func (s *Service) isCertified(ctx context.Context, r *protocol.Record) (bool, error) {
	list, err := s.config.Store.Certificates(ctx, r.Owner, nil)
	if err != nil {
		return false, err
	}
	for _, c := range list {
		if c.Revoked != nil || r.Timestamp < c.Since || r.Timestamp > c.Until {
			continue
		}
		for _, link := range r.Links {
			if link == c.Record {
				return true, nil
			}
		}
	}
	return false, nil
}

// Work implements api.Service.
func (s *Service) Work(ctx context.Context, req api.WorkRequest) (*api.WorkResult, error) {
	result, err := s.worker.Work(ctx, apiwriter.ClientOf(ctx), req)
	return result, Failure(err)
}

// payments are the signed records for which the node works.
type payments struct {
	mu     sync.Mutex
	hashes map[[32]byte]bool
}

// begin reports whether nobody else works for the record. Then end must be called.
func (p *payments) begin(signed [32]byte) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.hashes[signed] {
		return false
	}
	if p.hashes == nil {
		p.hashes = map[[32]byte]bool{}
	}
	p.hashes[signed] = true
	return true
}

func (p *payments) end(signed [32]byte) {
	p.mu.Lock()
	defer p.mu.Unlock()
	delete(p.hashes, signed)
}
