package store

import (
	"cmp"
	"context"
	"database/sql/driver"
	"errors"
	"fmt"
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
	Position            CertificatePosition
}

// RevocationInfo is what has taken a certificate, or one above it. Since is the date from which it
// is invalid, 0 where there is none.
type RevocationInfo struct {
	Record protocol.ID
	Since  uint64
}

// CertificatePosition is a place in the list of an owner's certificates.
type CertificatePosition struct {
	Until uint64          // when the chain ends
	Chain [chainSize]byte // identifies it
}

// Certificates returns the certificates of an owner that are good for the network's authorities or
// for others. Those that are valid for longest come first, at most 100.
func (s *Store) Certificates(ctx context.Context, owner protocol.Owner, extra []*protocol.Authority) (list []CertificateInfo, err error) {
	err = s.read(ctx, func(c *conn) error {
		x := s.newSearch(ctx, Query{Authorities: extra})
		if err := x.begin(c); err != nil {
			return err
		}
		l := &certificateList{search: x, limit: maxListed}
		if err := l.read(owner, nil); err != nil {
			return err
		}
		list = l.list
		return x.trustedChains(owner, func(b *trustedChain) (bool, error) {
			err := l.add(b)
			list = l.list
			return l.more, err
		})
	})
	return list, err
}

// CertificatesAfter returns a page of the certificates of an owner that are good for the network's
// authorities. The page begins after a place, nil for the first one, and has at most limit (1 to
// 1,000) of them. more says that there are further ones.
func (s *Store) CertificatesAfter(ctx context.Context, owner protocol.Owner, after *CertificatePosition, limit int) (list []CertificateInfo, more bool, err error) {
	if limit < 1 || limit > maxWritten {
		return nil, false, fmt.Errorf("%w: a page has 1 to %d certificates, not %d", ErrBadQuery, maxWritten, limit)
	}
	err = s.read(ctx, func(c *conn) error {
		x := s.newSearch(ctx, Query{})
		if err := x.begin(c); err != nil {
			return err
		}
		l := &certificateList{search: x, limit: limit}
		err := l.read(owner, after)
		list, more = l.list, l.more
		return err
	})
	return list, more, err
}

// certificateList is a list of certificates while it is read.
type certificateList struct {
	*search
	limit  int
	list   []CertificateInfo
	more   bool
	listed map[[chainSize]byte]bool // a chain may lead to several authorities
}

func (l *certificateList) read(owner protocol.Owner, after *CertificatePosition) error {
	condition, args := "", []driver.Value{}
	if after != nil {
		condition, args = " AND (until < ? OR until = ? AND chain > ?)", []driver.Value{int64(after.Until), int64(after.Until), after.Chain[:]}
	}
	most := (l.limit + 1) * len(l.network.Authorities()) // each may issue the same chain
	chains, err := l.certs.chains(owner, condition+" ORDER BY until DESC, chain, authority LIMIT ?", append(args, int64(most))...)
	if err != nil {
		return err
	}
	for i := range chains {
		repeated, err := l.comesBefore(&chains[i])
		if err == nil && !repeated {
			err = l.add(&trustedChain{chains[i], l.network.Authorities()[chains[i].authority-1]})
		}
		if err != nil || l.more {
			return err
		}
	}
	return nil
}

// comesBefore reports whether a chain comes earlier in the whole list, as one that is good for
// another authority.
func (l *certificateList) comesBefore(c *chainRow) (bool, error) {
	for a := int64(1); a <= int64(len(l.network.Authorities())); a++ {
		if a == c.authority {
			continue
		}
		before, err := l.one(nil, "SELECT 1 FROM certificates WHERE owner = ? AND authority = ? AND own = ? AND chain = ? AND (until > ? OR until = ? AND ? < ?)",
			c.owner[:], a, c.own, c.chain, c.until, c.until, a, c.authority)
		if before || err != nil {
			return before, err
		}
	}
	return false, nil
}

// add adds a certificate, once, unless the list is full.
func (l *certificateList) add(b *trustedChain) error {
	chain := [chainSize]byte(b.chain)
	switch {
	case l.listed[chain]:
		return nil
	case len(l.list) == l.limit:
		l.more = true
		return nil
	}
	if l.listed == nil {
		l.listed = map[[chainSize]byte]bool{}
	}
	l.listed[chain] = true
	info, err := l.certificateInfo(b)
	info.Position = CertificatePosition{Until: uint64(b.until), Chain: chain}
	l.list = append(l.list, info)
	return err
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
