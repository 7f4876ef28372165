package store

import (
	"bytes"

	"github.com/lf-store/lf/protocol"
)

// Authorities that a reader names are not known when a record attaches. So the queries that ask
// find out whether they signed a chain. Anybody can publish chains that claim an owner's key and an
// authority's name, each paid for. A query verifies the owner's own first, and spends verifyCost of
// its budget on each. It stops at the first that is good. Its findings are remembered. So where
// there are more chains than one query can verify, the next query goes on from there.

// trustedChain is a chain that is good for an authority which a reader names.
type trustedChain struct {
	chainRow
	authority *protocol.Authority
}

// chainCacheKey is a chain, by the record that carries it, and the authority that it was verified
// against.
type chainCacheKey struct {
	idx       int64
	authority [32]byte
}

// trustedChains visits the chains of an owner that are good for the query's authorities until one
// is enough.
func (x *search) trustedChains(owner protocol.Owner, visit func(*trustedChain) (enough bool, err error)) error {
	for _, a := range x.query.Authorities {
		rows, err := x.claimedChains(owner, a)
		if err != nil {
			return err
		}
		for i := range rows {
			b, err := x.verify(&rows[i], a)
			if err != nil {
				return err
			}
			if b == nil {
				continue
			}
			if enough, err := visit(b); enough || err != nil {
				return err
			}
		}
	}
	return nil
}

// claimedChains returns the chains that claim to be an authority's for an owner, those that the
// owner published first.
func (x *search) claimedChains(owner protocol.Owner, a *protocol.Authority) (list []chainRow, err error) {
	name := a.SubjectHash()
	err = x.each(func(r *rows) error {
		list = append(list, chainRow{owner: owner, chain: bytes.Clone(r.blob(0)), since: r.int(1), until: r.int(2), idx: r.int(3)})
		return x.spend(1)
	}, `SELECT chain, since, until, idx FROM certificates WHERE owner = ? AND authority = 0 AND issuer = ? ORDER BY own DESC, chain`,
		owner[:], prefix(name[:]))
	return list, err
}

// verify finds out whether an authority signed a chain. Nil: it did not.
func (x *search) verify(row *chainRow, a *protocol.Authority) (*trustedChain, error) {
	return x.tryAuthority(row.idx, a, func(r *protocol.Record) *trustedChain {
		c, err := protocol.ParseChain(r.ValueBytes())
		if err != nil || c.Authority([]*protocol.Authority{a}) == nil {
			return nil
		}
		b := &trustedChain{*row, a}
		b.since, b.until = validity(c, a)
		b.issues = issuesOf(c, a)
		return b
	})
}

// tryAuthority returns what is remembered of an authority and a record that it may have signed, or
// has try find it out.
func (x *search) tryAuthority(idx int64, a *protocol.Authority, try func(*protocol.Record) *trustedChain) (*trustedChain, error) {
	key := chainCacheKey{idx, a.Fingerprint()}
	if b, known := x.chainCache.Get(key); known {
		return b, x.spend(1)
	}
	if err := x.spend(verifyCost); err != nil {
		return nil, err
	}
	r, err := x.frame(idx)
	if err != nil {
		return nil, err
	}
	b := try(r)
	x.chainCache.Add(key, b)
	return b, nil
}

// certify returns the authority that certifies an owner at the time of one of the owner's records.
// It is one of the network's, or else one that the query names. Nil if there is none.
func (x *search) certify(owner protocol.Owner, idx, timestamp int64) (by *protocol.Authority, err error) {
	err = x.eachCertificate(owner, idx, timestamp, func(_ *chainRow, a *protocol.Authority, revokedBy int64) (bool, error) {
		if revokedBy == 0 {
			by = a
		}
		return by != nil, nil
	})
	return by, err
}

// certificateVisit is shown a certificate and the authority that it is good for. revokedBy is the
// index of a revocation that takes the certificate from the record asked about, 0 if there is none.
type certificateVisit func(c *chainRow, a *protocol.Authority, revokedBy int64) (enough bool, err error)

// eachCertificate visits the certificates of an owner that were valid at the time of one of the
// owner's records, until one is enough. Those of the network's authorities come before those of
// authorities that the query names.
func (x *search) eachCertificate(owner protocol.Owner, idx, timestamp int64, visit certificateVisit) error {
	enough, err := x.certs.eachCertificate(owner, idx, timestamp, func(c *chainRow, revokedBy int64) (bool, error) {
		return visit(c, x.network.Authorities()[c.authority-1], revokedBy)
	})
	if err != nil || enough {
		return err
	}
	return x.trustedChains(owner, func(b *trustedChain) (bool, error) {
		if !b.validAt(timestamp) {
			return false, nil
		}
		revokedBy, err := x.revokedFor(b, idx, timestamp)
		if err != nil {
			return false, err
		}
		return visit(&b.chainRow, b.authority, revokedBy)
	})
}

// revokedFor returns the index of a revocation that takes a chain from a record, 0 if there is
// none. Its authority's lists may be filed by name alone.
func (x *search) revokedFor(b *trustedChain, idx, timestamp int64) (revokedBy int64, err error) {
	revokedBy, err = x.certs.revokedFor(&b.chainRow, idx, timestamp)
	if revokedBy > 0 || err != nil {
		return revokedBy, err
	}
	list, err := x.namedRevocations(b)
	if err != nil || len(list) == 0 {
		return 0, err
	}
	if !list[0].says().Reaches(uint64(timestamp), nil) { // it is nobody's own
		return 0, nil
	}
	return list[0].idx, nil
}

// namedRevocations returns what an authority's lists that are filed by its name say of the chain it
// signed: the earliest date.
func (x *search) namedRevocations(b *trustedChain) (list []revocationRow, err error) {
	top := b.issues[len(b.issues)-1]
	top.issuer = issuerID(b.authority.SubjectHash(), nobodysKey)
	err = x.each(func(r *rows) error {
		signed, err := x.listSigned(r.int(1), b.authority)
		if err != nil || !signed {
			return err
		}
		list = append(list, revocationRow{top, 0, r.int(0), r.int(1)})
		return errStop
	}, "SELECT since, idx FROM revocations WHERE issuer = ? AND serial = ? ORDER BY own DESC, since, idx", top.issuer[:], []byte(top.serial))
	return list, ignoreStop(err)
}

// listSigned finds out whether an authority signed a list.
func (x *search) listSigned(idx int64, a *protocol.Authority) (bool, error) {
	b, err := x.tryAuthority(idx, a, func(r *protocol.Record) *trustedChain {
		if l, err := protocol.ParseRevocations(r.ValueBytes()); err != nil || !l.SignedBy(a.Key()) {
			return nil
		}
		return &trustedChain{authority: a}
	})
	return b != nil, err
}
