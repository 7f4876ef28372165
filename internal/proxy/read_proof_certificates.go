package proxy

import (
	"context"
	"fmt"
	"slices"

	"github.com/lf-store/lf/node/api"
	"github.com/lf-store/lf/protocol"
)

// statedChain is a certificate of an owner, read from its record.
type statedChain struct {
	id protocol.ID
	knownChain
	authority *protocol.Authority
	named     []*node // by these
	valid     []*node // that call it valid
}

// statedRevocation is a record that revokes certificates.
type statedRevocation struct {
	id    protocol.ID
	list  *revocations
	named []*node
}

// proveCertified finds out whether the owner of a claim is certified, from the records of
// certificates and revocations.
func (e *evidence) proveCertified(ctx context.Context, _ *question, a *viewAnswer, claim int, said []saying) error {
	r, info := a.claims[claim].Record, &a.infos[claim]
	chains, err := e.chains(ctx, r, said)
	if err != nil {
		return err
	}
	revoked, err := e.revocations(ctx, r, chains, said)
	if err != nil {
		return err
	}
	a.standings[claim].Certified, info.Authority, info.Certificate, info.Revoked = false, "", protocol.ID{}, nil
	for _, c := range chains {
		if len(c.named) < len(said) && !e.counts(ctx, c.id, c.named) {
			continue
		}
		if by := e.revokedBy(ctx, c, r, revoked, said); by != nil {
			info.Revoked = append(info.Revoked, api.RevokedCertificate{Certificate: c.id, Revocation: by.id})
			continue
		}
		a.standings[claim].Certified, info.Authority, info.Certificate, info.Revoked = true, c.authority.Name(), c.id, nil
		for _, s := range said {
			if !s.Certified {
				e.find(s.node, fmt.Errorf("it says that owner %s is not certified, which the certificate in record %s disproves", r.Owner, c.id))
			}
		}
		return nil
	}
	for _, s := range said {
		if s.Certified {
			e.find(s.node, fmt.Errorf("it says that owner %s is certified, and no certificate that it names does that", r.Owner))
		}
	}
	return nil
}

// chains reads the certificates that nodes name of a record's owner, as far as they were valid when
// the record was made. Those that a node calls valid come first.
func (e *evidence) chains(ctx context.Context, r *protocol.Record, said []saying) (list []*statedChain, err error) {
	for _, s := range said {
		if s.Certificate != (protocol.ID{}) {
			if list, err = e.addChain(ctx, list, r, s, namers(said, s.Certificate), s.Certificate); err != nil {
				return nil, err
			}
		}
	}
	for _, s := range said {
		for i := range s.Revoked {
			if list, err = e.addChain(ctx, list, r, s, namers(said, s.Revoked[i].Certificate), s.Revoked[i].Certificate); err != nil {
				return nil, err
			}
		}
	}
	return list, nil
}

func (e *evidence) addChain(ctx context.Context, list []*statedChain, r *protocol.Record, s saying, named []*node, id protocol.ID) ([]*statedChain, error) {
	i := slices.IndexFunc(list, func(c *statedChain) bool { return c.id == id })
	if i < 0 {
		c, err := e.chain(ctx, id, named)
		if err != nil || c == nil {
			return list, err
		}
		if c.authority = e.authorityAt(c, r.Timestamp); c.authority == nil || c.Owner() != r.Owner {
			if s.Record == r.ID() {
				e.drop(s.node, forged("the certificate in record %s does not certify the owner of record %s", id, r.ID()))
			}
			return list, nil
		}
		i, list = len(list), append(list, c)
	}
	if c := list[i]; !slices.Contains(c.named, s.node) {
		c.named = append(c.named, s.node)
		if s.Certificate == id {
			c.valid = append(c.valid, s.node)
		}
	}
	return list, nil
}

// authorityAt returns the authority by which a chain is valid at a time, nil if there is none.
func (e *evidence) authorityAt(c *statedChain, at uint64) *protocol.Authority {
	if !e.extra {
		return c.authorityAt(at)
	}
	return c.AuthorityAt(at, e.authorities)
}

// chain reads the certificate in a record that nodes name, nil where there is none.
func (e *evidence) chain(ctx context.Context, id protocol.ID, named []*node) (*statedChain, error) {
	if known, ok := e.service.certificates.chains.Get(id); ok {
		return &statedChain{id: id, knownChain: known}, nil
	}
	r, err := e.record(ctx, id, named)
	if err != nil || r == nil {
		return nil, err
	}
	known, err := e.service.certificates.chain(r)
	if err != nil {
		e.dropAll(named, err)
		return nil, nil
	}
	return &statedChain{id: id, knownChain: known}, nil
}

// revocations reads the revocations that nodes name.
func (e *evidence) revocations(ctx context.Context, r *protocol.Record, chains []*statedChain, said []saying) (list []*statedRevocation, err error) {
	for _, s := range said {
		for _, named := range s.Revoked {
			i := slices.IndexFunc(list, func(v *statedRevocation) bool { return v.id == named.Revocation })
			if i < 0 {
				v, err := e.revocation(ctx, named.Revocation, namers(said, named.Revocation))
				if err != nil {
					return nil, err
				}
				if v == nil {
					continue
				}
				i, list = len(list), append(list, v)
			}
			list[i].named = append(list[i].named, s.node)
			c := slices.IndexFunc(chains, func(c *statedChain) bool { return c.id == named.Certificate })
			if c >= 0 && s.Record == r.ID() && !list[i].mayReach(chains[c], r) {
				e.drop(s.node, forged("record %s does not revoke the certificate in record %s for record %s", named.Revocation, named.Certificate, r.ID()))
			}
		}
	}
	return list, nil
}

// revocation reads the revocations in a record that nodes name, nil where there are none.
func (e *evidence) revocation(ctx context.Context, id protocol.ID, named []*node) (*statedRevocation, error) {
	if known, ok := e.service.certificates.lists.Get(id); ok && !e.extra {
		return &statedRevocation{id: id, list: known}, nil
	}
	r, err := e.record(ctx, id, named)
	if err != nil || r == nil {
		return nil, err
	}
	list, err := e.service.certificates.revocations(r, e.authorities, e.extra)
	if err != nil {
		e.dropAll(named, err)
		return nil, nil
	}
	return &statedRevocation{id: id, list: list}, nil
}

// revokedBy returns what takes a certificate from a record, nil if nothing does.
func (e *evidence) revokedBy(ctx context.Context, c *statedChain, r *protocol.Record, list []*statedRevocation, said []saying) *statedRevocation {
	for _, v := range list {
		if !v.mayReach(c, r) || !v.reaches(c, r) && len(c.valid) > len(v.named) {
			continue // whether r is in the past of a revocation is what most nodes say
		}
		if len(v.named) < len(said) && !e.counts(ctx, v.id, v.named) {
			continue
		}
		for _, n := range c.valid {
			e.find(n, fmt.Errorf("it withholds record %s, which revokes the certificate in record %s", v.id, c.id))
		}
		return v
	}
	return nil
}

// of returns what a record does to a chain, and whether it revokes one of its certificates at all.
func (v *statedRevocation) of(c *statedChain) (does protocol.Revocation, revokes bool) {
	for _, i := range c.Issues(c.authority) {
		since, listed := v.list.since[i]
		if listed && (!revokes || since < does.Since) {
			does, revokes = protocol.Revocation{Since: since, Own: v.list.own}, true
		}
	}
	return does, revokes
}

// reaches reports whether a revocation takes a chain from a record, wherever the record is.
func (v *statedRevocation) reaches(c *statedChain, r *protocol.Record) bool {
	does, revokes := v.of(c)
	return revokes && does.Reaches(r.Timestamp, func() bool { return true })
}

// mayReach reports the same if the record is not in the revocation's past. Only a node knows that.
func (v *statedRevocation) mayReach(c *statedChain, r *protocol.Record) bool {
	does, revokes := v.of(c)
	return revokes && does.Reaches(r.Timestamp, func() bool { return false })
}
