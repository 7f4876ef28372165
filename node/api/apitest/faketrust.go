package apitest

import (
	"cmp"
	"context"
	"encoding/hex"
	"slices"

	"github.com/lf-store/lf/node/api"
	"github.com/lf-store/lf/protocol"
)

// certificates are the certificates and revocations that are attached at a fake node, looked
// through for each question.
type certificates struct {
	fake        *Fake
	authorities []*protocol.Authority
	list        []*entry
	revocations []*entry
}

// certificates returns what is attached. It counts for the network's authorities and for extra.
func (f *Fake) certificates(extra []*protocol.Authority) *certificates {
	c := &certificates{fake: f, authorities: slices.Concat(f.network.Authorities(), extra)}
	for _, e := range f.records {
		switch {
		case e.state != api.StateAttached:
		case e.Type == protocol.TypeCertificate:
			c.list = append(c.list, e)
		case e.Type == protocol.TypeRevocation:
			c.revocations = append(c.revocations, e)
		}
	}
	oldest := func(a, b *entry) int { return cmp.Compare(a.index, b.index) }
	slices.SortFunc(c.list, oldest)
	slices.SortFunc(c.revocations, oldest)
	return c
}

// revocation returns what takes a chain from a record, nil if nothing does.
func (c *certificates) revocation(chain *protocol.Chain, a *protocol.Authority, of *entry) *entry {
	issues := chain.Issues(a)
	for _, e := range c.revocations {
		list, err := protocol.ParseRevocations(e.ValueBytes())
		if err != nil {
			continue
		}
		key, counts := list.Signer(e.Owner, c.authorities)
		if !counts {
			continue
		}
		for _, r := range list.Effective() {
			says := protocol.Revocation{Since: r.Since, Own: key == e.Owner}
			if slices.Contains(issues, protocol.Issue{Issuer: list.Issuer(), Serial: r.Serial, Key: key}) &&
				says.Reaches(of.Timestamp, func() bool { return c.fake.isAncestor(of, e) }) {
				return e
			}
		}
	}
	return nil
}

// isAncestor reports whether a record is in the past of another.
func (f *Fake) isAncestor(of, descendant *entry) bool {
	for _, link := range descendant.Links {
		if link == of.ID() || f.records[link] != nil && f.isAncestor(of, f.records[link]) {
			return true
		}
	}
	return false
}

// certify fills in by which certificate an owner is certified, and which were revoked.
func (c *certificates) certify(claim *claim) {
	answer := claim.versions[0]
	for _, e := range c.list {
		chain, err := protocol.ParseChain(e.ValueBytes())
		if err != nil || chain.Owner() != answer.Owner {
			continue
		}
		a := chain.AuthorityAt(answer.Timestamp, c.authorities)
		if a == nil {
			continue
		}
		by := c.revocation(chain, a, answer)
		if by == nil {
			claim.authority, claim.by, claim.revoked = a.Name(), e.ID(), nil
			claim.standing.Certified = true
			return
		}
		claim.revoked = append(claim.revoked, api.RevokedCertificate{Certificate: e.ID(), Revocation: by.ID()})
	}
}

// isHidden reports whether a version rests on certificates that were revoked, all of them.
func (c *certificates) isHidden(e *entry) bool {
	if !c.fake.network.NeedsCertificate(e.Record) {
		return false
	}
	hidden := false
	for _, link := range e.Links {
		parent := c.fake.records[link]
		if parent == nil || parent.Type != protocol.TypeCertificate {
			continue
		}
		chain, err := protocol.ParseChain(parent.ValueBytes())
		if err != nil {
			continue
		}
		if a := c.fake.network.Supports(chain, &e.Header); a != nil {
			if c.revocation(chain, a, e) == nil {
				return false
			}
			hidden = true
		}
	}
	return hidden
}

// Owner implements api.Service. It knows no pages.
func (f *Fake) Owner(ctx context.Context, q api.OwnerQuery) (*api.OwnerInfo, error) {
	if err := q.Check(); err != nil {
		return nil, err
	}
	if _, err := q.Position(); err != nil {
		return nil, err
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	info := &api.OwnerInfo{Owner: q.Owner, Certificates: []api.CertificateInfo{}}
	c := f.certificates(nil)
	for _, e := range c.list {
		chain, err := protocol.ParseChain(e.ValueBytes())
		if err != nil || chain.Owner() != q.Owner {
			continue
		}
		if a := chain.Authority(c.authorities); a != nil {
			info.Certificates = append(info.Certificates, c.info(e, chain, a))
		}
	}
	return info, ctx.Err()
}

func (c *certificates) info(e *entry, chain *protocol.Chain, a *protocol.Authority) api.CertificateInfo {
	leaf := chain.Certificates()[0]
	info := api.CertificateInfo{
		Record: e.ID(), Authority: a.Name(), Subject: chain.Subject(), Serial: hex.EncodeToString(chain.Serial()),
		NotBefore: leaf.NotBefore(), NotAfter: leaf.NotAfter(), Usable: chain.ValidAt(now(), a),
	}
	issues := chain.Issues(a)
	for _, r := range c.revocations {
		list, err := protocol.ParseRevocations(r.ValueBytes())
		if err != nil {
			continue
		}
		key, counts := list.Signer(r.Owner, c.authorities)
		for _, entry := range list.Effective() {
			if counts && slices.Contains(issues, protocol.Issue{Issuer: list.Issuer(), Serial: entry.Serial, Key: key}) && (info.Revoked == nil || entry.Since < info.Revoked.Since) {
				info.Usable, info.Revoked = false, &api.Revocation{Record: r.ID(), Since: entry.Since}
			}
		}
	}
	return info
}
