package service

import (
	"context"
	"encoding/hex"
	"fmt"

	"github.com/lf-store/lf/node/api"
	"github.com/lf-store/lf/protocol"
	"github.com/lf-store/lf/store"
)

// Owner implements api.Service.
func (s *Service) Owner(ctx context.Context, q api.OwnerQuery) (*api.OwnerInfo, error) {
	if err := q.Check(); err != nil {
		return nil, err
	}
	after, err := q.Position()
	if err != nil {
		return nil, err
	}
	list, more, err := s.config.Store.CertificatesAfter(ctx, q.Owner, (*store.CertificatePosition)(after), q.Count())
	if err != nil {
		return nil, Failure(err)
	}
	now := s.now()
	info := &api.OwnerInfo{Owner: q.Owner, Certificates: make([]api.CertificateInfo, len(list))}
	for i, c := range list {
		out := api.CertificateInfo{
			Record: c.Record, Authority: c.Authority, Subject: c.Subject, Serial: hex.EncodeToString(c.Serial),
			NotBefore: c.NotBefore, NotAfter: c.NotAfter,
			Usable: c.Revoked == nil && c.Since <= now && now <= c.Until,
		}
		if c.Revoked != nil {
			out.Revoked = &api.Revocation{Record: c.Revoked.Record, Since: c.Revoked.Since}
		}
		info.Certificates[i] = out
	}
	if more {
		info.Next = q.Cursor(api.CertificatePosition(list[len(list)-1].Position))
	}
	return info, nil
}

// uncertified says why an owner cannot write on a network that asks for a certificate, and what to
// do.
func (s *Service) uncertified(ctx context.Context, owner protocol.Owner) error {
	info, err := s.Owner(ctx, api.OwnerQuery{Owner: owner})
	if err != nil {
		return err
	}
	return api.Conflict("this network takes records of certified owners only, and %s: have one of its authorities certify the owner (lf owner csr, then lf owner authorize)",
		whyUncertified(info, s.now()))
}

// whyUncertified speaks of the certificate that holds out the most hope.
func whyUncertified(info *api.OwnerInfo, now uint64) string {
	why, best := fmt.Sprintf("owner %s has no certificate of its authorities here", info.Owner), 0
	for _, c := range info.Certificates {
		reason, hope := "", 0
		switch {
		case c.Usable:
			reason, hope = fmt.Sprintf("the certificate of owner %s cannot be used yet", info.Owner), 4
		case c.Revoked != nil:
			reason, hope = fmt.Sprintf("the certificate of owner %s was revoked", info.Owner), 1
		case now < c.NotBefore:
			reason, hope = fmt.Sprintf("the certificate of owner %s is valid only from %s on", info.Owner, day(c.NotBefore)), 3
		case now <= c.NotAfter:
			reason, hope = fmt.Sprintf("a CA above the certificate of owner %s is not valid now", info.Owner), 2
		default:
			reason, hope = fmt.Sprintf("the certificate of owner %s ended at %s", info.Owner, day(c.NotAfter)), 2
		}
		if hope > best {
			why, best = reason, hope
		}
	}
	return why
}
