package store

import (
	"bytes"
	"slices"

	"github.com/lf-store/lf/protocol"
	"github.com/lf-store/lf/store/internal/dag"
)

// certChecker decides by certificates and revocations, on one state of the database.
type certChecker struct {
	*conn
	network *protocol.Network
	// spend counts rows looked at; it may say that they are too many.
	spend func(rows int) error
	// revokedOwners and decisive keep what was found of owners and of chains, where the checker is
	// asked often; nil: they do not.
	revokedOwners map[protocol.Owner]bool
	decisive      map[string][]revocationRow
}

// free is a spend without a limit, for what looks at few rows.
func free(int) error { return nil }

func (t *tx) certChecker() *certChecker {
	return &certChecker{conn: t.conn, network: t.store.network, spend: free}
}

// linkedChains returns the chains, good for the network, that a record's links carry for its owner:
// what it may rest on.
func (cc *certChecker) linkedChains(owner protocol.Owner, timestamp int64, parents []int64) (list []chainRow, err error) {
	for _, p := range parents {
		var chain []byte
		carries, err := cc.one(func(r *rows) { chain = bytes.Clone(r.blob(0)) }, "SELECT chain FROM carriers WHERE idx = ? AND owner = ?", p, owner[:])
		if err != nil {
			return nil, err
		}
		if !carries {
			continue
		}
		found, err := cc.chains(owner, " AND chain = ? AND since <= ? AND until >= ?", chain, timestamp, timestamp)
		if err != nil {
			return nil, err
		}
		list = append(list, found...)
	}
	return list, nil
}

// checkCertificate applies the rule that a record which needs a certificate rests on one. It links
// the record of a chain that certifies its owner. The chain is good for one of the network's
// authorities and valid at the record's timestamp. The record's past holds no revocation of it.
// Like checkLinked it returns why the record is invalid, a [*protocol.InvalidError]; any other
// error is the database's.
func (t *tx) checkCertificate(e *entry, parents []place) error {
	if !t.store.network.NeedsCertificate(e.Record) {
		return nil
	}
	links := make([]int64, len(parents))
	for i, p := range parents {
		links[i] = p.idx
	}
	rests, err := t.restsOnChain(e, links)
	if err != nil {
		return err
	}
	return t.store.network.CheckCertified(e.Record, rests)
}

func (t *tx) restsOnChain(e *entry, parents []int64) (bool, error) {
	cc := t.certChecker()
	chains, err := cc.linkedChains(e.Owner, int64(e.Timestamp), parents)
	if err != nil {
		return false, err
	}
	for i := range chains {
		revoked, err := cc.revokedBefore(&chains[i], func(revocation int64) bool { return cc.isLinkedBy(revocation, parents) })
		if err != nil || !revoked {
			return err == nil, err
		}
	}
	return false, nil
}

// isLinkedBy reports whether a record is one of a record's links or in the past of one.
func (cc *certChecker) isLinkedBy(idx int64, parents []int64) bool {
	for _, p := range parents {
		if p == idx || cc.isAncestor(idx, p) {
			return true
		}
	}
	return false
}

// isHidden reports whether no query considers a record: it needs a certificate, and what it rests
// on has been revoked.
func (cc *certChecker) isHidden(r *protocol.Record, idx int64) (bool, error) {
	if !cc.network.NeedsCertificate(r) {
		return false, nil
	}
	if fallen, err := cc.allRevoked(r.Owner); fallen || err != nil {
		return fallen, err
	}
	parents := indicesOf(cc.dag.Parents(dag.Index(idx)))
	chains, err := cc.linkedChains(r.Owner, int64(r.Timestamp), parents)
	if err != nil {
		return false, err
	}
	for i := range chains {
		c := &chains[i]
		if len(chains) > 1 { // it was valid, so it rests on one of them
			if revoked, err := cc.revokedBefore(c, func(revocation int64) bool { return cc.isAncestor(revocation, idx) }); err != nil {
				return false, err
			} else if revoked {
				continue
			}
		}
		if revokedBy, err := cc.revokedFor(c, idx, int64(r.Timestamp)); err != nil || revokedBy == 0 {
			return false, err
		}
	}
	return true, nil
}

// allRevoked reports whether all chains of an owner were revoked without a date, so that whatever
// rests on one of them is hidden.
func (cc *certChecker) allRevoked(owner protocol.Owner) (bool, error) {
	if fallen, known := cc.revokedOwners[owner]; known {
		return fallen, nil
	}
	chains, err := cc.chains(owner, " LIMIT ?", int64(maxListed))
	if err != nil {
		return false, err
	}
	fallen := len(chains) > 0 && len(chains) < maxListed
	for i := 0; fallen && i < len(chains); i++ {
		list, err := cc.deciding(&chains[i])
		if err != nil {
			return false, err
		}
		fallen = slices.ContainsFunc(list, func(r revocationRow) bool { return r.says().ReachesAll() })
	}
	if cc.revokedOwners != nil {
		cc.revokedOwners[owner] = fallen
	}
	return fallen, nil
}

// certified returns the number of the network's authority that certifies an owner at the time of
// one of the owner's records, 0 if there is none. No revocation takes the authority's chain from
// that record.
func (cc *certChecker) certified(owner protocol.Owner, idx, timestamp int64) (by int64, err error) {
	_, err = cc.eachCertificate(owner, idx, timestamp, func(c *chainRow, revokedBy int64) (bool, error) {
		if revokedBy == 0 {
			by = c.authority
		}
		return by > 0, nil
	})
	return by, err
}

// eachCertificate visits the certificates that the network's authorities gave an owner and that
// were valid at the time of one of the owner's records, until one is enough. revokedBy is the index
// of a revocation that takes the certificate from the record, 0 if there is none.
func (cc *certChecker) eachCertificate(owner protocol.Owner, idx, timestamp int64, visit func(c *chainRow, revokedBy int64) (enough bool, err error)) (enough bool, err error) {
	if len(cc.network.Authorities()) == 0 {
		return false, nil
	}
	chains, err := cc.chains(owner, " AND since <= ? AND until >= ?", timestamp, timestamp)
	if err != nil {
		return false, err
	}
	for i := range chains {
		revokedBy, err := cc.revokedFor(&chains[i], idx, timestamp)
		if err != nil {
			return false, err
		}
		if enough, err := visit(&chains[i], revokedBy); enough || err != nil {
			return enough, err
		}
	}
	return false, cc.spend(1)
}

// usableCertificate returns the index of a certificate record by which an owner may pay less now, 0
// if there is none. Its chain is good for the network, and valid at the later of now and the links'
// timestamps. It is not revoked as far as is known here. Among several it is the one that is valid
// for longest.
func (c *conn) usableCertificate(n *protocol.Network, owner protocol.Owner, now int64, links []int64) (int64, error) {
	for _, l := range links {
		timestamp, err := c.timestampOf(l)
		if err != nil {
			return 0, err
		}
		now = max(now, timestamp)
	}
	cc := &certChecker{conn: c, network: n, spend: free}
	chains, err := cc.chains(owner, " AND since <= ? AND until >= ? ORDER BY until DESC, chain LIMIT ?", now, now, int64(maxListed))
	if err != nil {
		return 0, err
	}
	for i := range chains {
		revoked, err := cc.deciding(&chains[i])
		if err != nil {
			return 0, err
		}
		timestamp, err := c.timestampOf(chains[i].idx)
		if err != nil {
			return 0, err
		}
		if len(revoked) == 0 && timestamp <= now {
			return chains[i].idx, nil
		}
	}
	return 0, nil
}
