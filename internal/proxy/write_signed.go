package proxy

import (
	"context"
	"slices"

	"github.com/lf-store/lf/internal/apiwriter"
	"github.com/lf-store/lf/node/api"
	"github.com/lf-store/lf/protocol"
)

// SubmitSigned implements api.Service. What is cheap to check comes before the work. The same
// signed record is worked for once: a second request for it waits for the first.
func (s *Service) SubmitSigned(ctx context.Context, parts api.SignedRecord) (*api.Submitted, error) {
	n := s.config.Network
	signed, err := apiwriter.Signed(n, parts)
	if err != nil {
		return nil, s.writeFailure(err)
	}
	end, err := s.writes.paid.begin(ctx, signed.SignedHash())
	if err != nil {
		return nil, err
	}
	defer end()
	if frame := s.writes.paid.frame(signed.SignedHash()); frame != nil {
		return s.Submit(ctx, frame)
	}
	if twin, err := s.newest(ctx, signed); err != nil || twin != nil {
		return twin, s.writeFailure(err)
	}
	paid, err := s.payFor(ctx, signed, parts.Turn)
	if err != nil {
		return nil, s.writeFailure(err)
	}
	frame := paid.EncodeFrame()
	s.writes.paid.add(signed.SignedHash(), frame) // it is not worked for again, whatever follows
	return s.submitPaid(ctx, frame)
}

// newest compares a record with the owner's newest one under the same key. If that is the same
// signed record, nothing is to be done for it. If that is newer, the record would change nothing.
func (s *Service) newest(ctx context.Context, r *protocol.Record) (*api.Submitted, error) {
	if len(r.Selectors) == 0 {
		return nil, nil
	}
	newest, err := s.newestVersion(ctx, r.Owner, r.Selectors)
	switch {
	case err != nil || newest == nil:
		return nil, err
	case newest.SignedHash() == r.SignedHash():
		return s.Submit(ctx, newest.EncodeFrame())
	case newest.Timestamp >= r.Timestamp:
		return nil, apiwriter.Superseded(newest.ID())
	}
	return nil, nil
}

// payFor works for a signed record when its turn has come.
func (s *Service) payFor(ctx context.Context, r *protocol.Record, turnID string) (*protocol.Record, error) {
	n := s.config.Network
	certified, err := s.isCertified(ctx, r)
	if err != nil {
		return nil, err
	}
	pay, effort := n.Pay, n.RequiredEffort(r)
	switch {
	case certified:
		pay, effort = n.PayCertified, n.CertifiedEffort(r)
	case n.Params().AuthRequired:
		return nil, api.Conflict("this network takes records of certified owners only, and the record links no certificate of its owner's that is valid: " +
			"have one of the network's authorities certify the owner")
	}
	if worked, _ := n.WorkedIn(n.Challenge(r)); !s.writes.proofs.Has(worked, effort) {
		if err := apiwriter.CheckAge(n, r, clock()); err != nil {
			return nil, err
		}
	}
	return pay(r, effort, func(challenge []byte, effort uint32) (protocol.Work, error) {
		return s.proveFor(ctx, r, challenge, effort, turnID)
	})
}

// proveFor works for a signed record unless it was worked for before. A record that is too old, or
// would be when its turn comes, is not worked for.
func (s *Service) proveFor(ctx context.Context, r *protocol.Record, challenge []byte, effort uint32, turnID string) (protocol.Work, error) {
	n := s.config.Network
	worked, _ := n.WorkedIn(challenge)
	ctx, stop := s.untilLate(ctx, r)
	defer stop()
	return s.writes.worker.Prove(ctx, apiwriter.ClientOf(ctx), worked, effort, turnID, func() error {
		return apiwriter.CheckAge(n, r, clock()) // it has waited
	})
}

// untilLate returns a context that ends as soon as a record, which is composed already, would be
// late when its work begins.
func (s *Service) untilLate(ctx context.Context, r *protocol.Record) (watched context.Context, stop func()) {
	ctx, cancel := context.WithCancelCause(ctx)
	until := r.Timestamp + s.config.Network.Params().ClockDrift
	report := api.WorkProgressOf(ctx)
	watched = api.WithWorkProgress(ctx, func(p api.WorkProgress) {
		if p.Attempts == 0 && clock()+p.WaitMS > until {
			cancel(api.Unavailable("about %d s of work come first, and the record would be too old then: "+
				"wait for a turn (POST /v1/work without a hash), and prepare the record after that", p.WaitMS/1000))
		}
		if report != nil {
			report(p)
		}
	})
	return watched, func() { cancel(nil) }
}

// isCertified reports whether a record links a certificate of its owner's that holds at its time.
func (s *Service) isCertified(ctx context.Context, r *protocol.Record) (bool, error) {
	if len(s.config.Network.Authorities()) == 0 {
		return false, nil
	}
	info, err := s.Owner(ctx, api.OwnerQuery{Owner: r.Owner})
	if err != nil {
		return false, err
	}
	for _, c := range info.Certificates {
		if c.Usable && r.Timestamp >= c.NotBefore && r.Timestamp <= c.NotAfter && slices.Contains(r.Links, c.Record) {
			return true, nil
		}
	}
	return false, nil
}

// Work implements api.Service.
func (s *Service) Work(ctx context.Context, r api.WorkRequest) (*api.WorkResult, error) {
	result, err := s.writes.worker.Work(ctx, apiwriter.ClientOf(ctx), r)
	return result, s.writeFailure(err)
}
