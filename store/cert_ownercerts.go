package store

import (
	"cmp"
	"context"
	"errors"
	"slices"

	"github.com/lf-store/lf/protocol"
)

// CertificateInfo is an owner's certificate as a record carries it.
type CertificateInfo struct {
	Record              protocol.ID
	Authority, Subject  string
	Serial              []byte
	NotBefore, NotAfter uint64 // of the owner's own certificate
	Since, Until        uint64 // when the whole chain is valid, with its authority
	Revoked             *RevocationInfo
}

// RevocationInfo is what has taken a certificate, or one above it. Since is the date from which it
// is invalid, 0 where there is none.
type RevocationInfo struct {
	Record protocol.ID
	Since  uint64
}

// Certificates returns the certificates of an owner that are good for the network's authorities or
// for others. Those that are valid for longest come first, at most 100.
func (s *Store) Certificates(ctx context.Context, owner protocol.Owner, extra []*protocol.Authority) (list []CertificateInfo, err error) {
	err = s.read(ctx, func(c *conn) error {
		x := s.newSearch(ctx, Query{Authorities: extra})
		if err := x.begin(c); err != nil {
			return err
		}
		list, err = x.certificatesOf(owner)
		return err
	})
	return list, err
}

func (x *search) certificatesOf(owner protocol.Owner) ([]CertificateInfo, error) {
	chains, err := x.certs.chains(owner, " ORDER BY until DESC, chain, authority LIMIT ?", int64(maxListed))
	if err != nil {
		return nil, err
	}
	var list []CertificateInfo
	listed := map[string]bool{}
	add := func(b *trustedChain) error {
		if listed[string(b.chain)] || len(list) == maxListed {
			return nil
		}
		listed[string(b.chain)] = true
		info, err := x.certificateInfo(b)
		list = append(list, info)
		return err
	}
	for i := range chains {
		if err := add(&trustedChain{chains[i], x.network.Authorities()[chains[i].authority-1]}); err != nil {
			return nil, err
		}
	}
	err = x.trustedChains(owner, func(b *trustedChain) (bool, error) { return len(list) == maxListed, add(b) })
	return list, err
}

func (x *search) certificateInfo(b *trustedChain) (info CertificateInfo, err error) {
	r, err := x.frame(b.idx)
	if err != nil {
		return info, err
	}
	c, err := protocol.ParseChain(r.ValueBytes())
	if err != nil {
		return info, errors.Join(errLayout, err)
	}
	leaf := c.Certificates()[0]
	info = CertificateInfo{
		Record: r.ID(), Authority: b.authority.Name(), Subject: c.Subject(), Serial: c.Serial(),
		NotBefore: leaf.NotBefore(), NotAfter: leaf.NotAfter(), Since: uint64(b.since), Until: uint64(b.until),
	}
	revoked, err := x.certs.deciding(&b.chainRow)
	if err != nil {
		return info, err
	}
	named, err := x.namedRevocations(b)
	if revoked = append(revoked, named...); err != nil || len(revoked) == 0 {
		return info, err
	}
	worst := slices.MinFunc(revoked, func(a, b revocationRow) int { return cmp.Compare(a.since, b.since) })
	id, err := x.idOf(worst.idx)
	info.Revoked = &RevocationInfo{id, uint64(worst.since)}
	return info, err
}
