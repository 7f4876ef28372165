package proxy

import (
	"context"
	"encoding/hex"
	"fmt"
	"math"
	"slices"
	"time"

	"github.com/lf-store/lf/node/api"
	"github.com/lf-store/lf/protocol"
)

// Owner implements api.Service. Certificates and revocations are read from their records.
func (s *Service) Owner(ctx context.Context, q api.OwnerQuery) (*api.OwnerInfo, error) {
	if err := q.Check(); err != nil {
		return nil, err
	}
	if _, err := q.Position(); err != nil {
		return nil, err
	}
	d, err := decide(ctx, s, matter[*api.OwnerInfo]{
		ask:        func(ctx context.Context, n *node) (*api.OwnerInfo, error) { return n.client.Owner(ctx, q) },
		check:      func(info *api.OwnerInfo) error { return checkPage(info, &q) },
		difference: differentCertificates,
	})
	if err != nil {
		return nil, err
	}
	l := &certificateList{owner: q.Owner, opinions: slices.Concat(d.opinions, d.rest)}
	nodes := make([]*node, len(l.opinions))
	for i, o := range l.opinions {
		nodes[i] = o.node
	}
	l.evidence = s.evidence(nodes, len(d.told), nil)
	if err := l.read(ctx); err != nil {
		return nil, err
	}
	if err := l.unsound(); err != nil {
		return nil, err
	}
	out := &api.OwnerInfo{Owner: q.Owner, Certificates: l.shown(), Next: d.opinions[0].says.Next, Comparison: d.Comparison}
	if !d.agreed {
		out.Next = l.end(&q)
		out.Certificates = l.shown()
	}
	if len(l.findings) > 0 || !d.agreed || differentCertificates(d.opinions[0].says, out) != "" {
		out.Comparison = judged(s, l.opinions, d.told, l.evidence, func(o opinion[*api.OwnerInfo]) string { return differentCertificates(o.says, out) })
	}
	return out, nil
}

// checkPage makes sure that no more is listed than was asked for, and nothing twice.
func checkPage(info *api.OwnerInfo, q *api.OwnerQuery) error {
	if len(info.Certificates) > q.Count() || info.Next != "" && len(info.Certificates) == 0 {
		return fmt.Errorf("a page of %d certificates, where at most %d were asked for", len(info.Certificates), q.Count())
	}
	seen := make(map[protocol.ID]bool, len(info.Certificates))
	for i := range info.Certificates {
		if seen[info.Certificates[i].Record] {
			return fmt.Errorf("it lists the certificate in record %s twice", info.Certificates[i].Record)
		}
		seen[info.Certificates[i].Record] = true
	}
	return nil
}

// certificateList unites the lists of an owner's certificates that nodes give.
type certificateList struct {
	*evidence
	owner    protocol.Owner
	opinions []opinion[*api.OwnerInfo]
	list     []listedCertificate // in order
}

// listedCertificate is a certificate that counts, read from its record.
type listedCertificate struct {
	*statedChain
	api.CertificateInfo
	at api.CertificatePosition
}

// read reads the certificates that nodes list, and what revokes them.
func (l *certificateList) read(ctx context.Context) error {
	for _, o := range l.opinions {
		for i := range o.says.Certificates {
			from := &o.says.Certificates[i]
			if slices.ContainsFunc(l.list, func(c listedCertificate) bool { return c.Record == from.Record }) {
				continue
			}
			if err := l.add(ctx, from); err != nil {
				return err
			}
		}
	}
	slices.SortFunc(l.list, func(a, b listedCertificate) int { return comparePositions(a.at, b.at) })
	return nil
}

// listing are the nodes that list a certificate, with what they say of it.
func (l *certificateList) listing(id protocol.ID) (named []*node, says []*api.CertificateInfo) {
	for _, o := range l.opinions {
		if i := slices.IndexFunc(o.says.Certificates, func(c api.CertificateInfo) bool { return c.Record == id }); i >= 0 && !l.dropped[o.node] {
			named, says = append(named, o.node), append(says, &o.says.Certificates[i])
		}
	}
	return named, says
}

// add adds a certificate unless its record says something else, or does not count.
func (l *certificateList) add(ctx context.Context, from *api.CertificateInfo) error {
	named, says := l.listing(from.Record)
	c, err := l.chain(ctx, from.Record, named)
	if err != nil || c == nil {
		return err
	}
	c.authority = c.Authority(l.authorities)
	switch {
	case c.Owner() != l.owner:
		l.dropAll(named, forged("record %s is not the certificate that it is said to be", c.id))
		return nil
	case c.authority == nil:
		l.dropAll(named, forged("no authority of the network signed the certificate in record %s", c.id))
		return nil
	}
	serial := hex.EncodeToString(c.Serial())
	for i, s := range says {
		if s.Serial != serial {
			l.drop(named[i], forged("record %s is not the certificate that it is said to be", c.id))
		}
	}
	if len(named) < len(l.nodes) && !l.counts(ctx, c.id, named) {
		return nil
	}
	listed := listedCertificate{statedChain: c, at: positionOf(c), CertificateInfo: describeCertificate(c)}
	if listed.Revoked, err = l.revoked(ctx, c, named, says); err != nil {
		return err
	}
	listed.Usable = listed.Revoked == nil && c.ValidAt(uint64(time.Now().UnixMilli()), c.authority)
	l.list = append(l.list, listed)
	return nil
}

// describeCertificate is what a certificate says itself.
func describeCertificate(c *statedChain) api.CertificateInfo {
	leaf := c.Certificates()[0]
	return api.CertificateInfo{
		Record: c.id, Authority: c.authority.Name(), Subject: c.Subject(), Serial: hex.EncodeToString(c.Serial()),
		NotBefore: leaf.NotBefore(), NotAfter: leaf.NotAfter(),
	}
}

// revoked returns the revocation of a certificate with the earliest date, of those that nodes name.
func (l *certificateList) revoked(ctx context.Context, c *statedChain, named []*node, says []*api.CertificateInfo) (worst *api.Revocation, err error) {
	for _, s := range says {
		if s.Revoked == nil || worst != nil && worst.Record == s.Revoked.Record {
			continue
		}
		id := s.Revoked.Record
		var by []*node
		for i := range says {
			if says[i].Revoked != nil && says[i].Revoked.Record == id {
				by = append(by, named[i])
			}
		}
		v, err := l.revocation(ctx, id, by)
		if err != nil {
			return nil, err
		}
		if v == nil {
			continue
		}
		does, revokes := v.of(c)
		switch {
		case !revokes:
			l.dropAll(by, forged("record %s does not revoke the certificate in record %s", id, c.id))
		case len(by) < len(named) && !l.counts(ctx, id, by):
		case worst == nil || does.Since < worst.Since:
			worst = &api.Revocation{Record: id, Since: does.Since}
		}
	}
	for i, s := range says {
		if worst != nil && s.Revoked == nil && !l.dropped[named[i]] {
			l.find(named[i], fmt.Errorf("it withholds record %s, which revokes the certificate in record %s", worst.Record, c.id))
		}
	}
	return worst, nil
}

func (l *certificateList) shown() []api.CertificateInfo {
	list := make([]api.CertificateInfo, len(l.list))
	for i := range l.list {
		list[i] = l.list[i].CertificateInfo
	}
	return list
}

// end cuts the list where the shortest page ends, and returns what the next one is asked for with.
func (l *certificateList) end(q *api.OwnerQuery) string {
	at := len(l.list)
	for _, o := range l.opinions {
		if o.says.Next == "" || l.dropped[o.node] {
			continue
		}
		last := o.says.Certificates[len(o.says.Certificates)-1].Record
		if i := slices.IndexFunc(l.list, func(c listedCertificate) bool { return c.Record == last }); i >= 0 && i < at {
			at = i + 1
		}
	}
	if at = min(at, q.Count()); at == 0 || at == len(l.list) && !slices.ContainsFunc(l.opinions, func(o opinion[*api.OwnerInfo]) bool { return o.says.Next != "" }) {
		return ""
	}
	l.list = l.list[:at]
	return q.Cursor(l.list[at-1].at)
}

// positionOf is a certificate's place in the list: those that are valid for longest come first.
func positionOf(c *statedChain) (at api.CertificatePosition) {
	at.Until = uint64(math.MaxInt64)
	for _, certificate := range c.Certificates() {
		at.Until = min(at.Until, certificate.NotAfter())
	}
	at.Until = min(at.Until, c.authority.NotAfter())
	copy(at.Chain[:], c.value[:])
	return at
}

func comparePositions(a, b api.CertificatePosition) int {
	if a.Until != b.Until {
		return int(min(max(int64(b.Until)-int64(a.Until), -1), 1)) // below 2^63
	}
	return slices.Compare(a.Chain[:], b.Chain[:])
}

// differentCertificates says in what one list of certificates differs from another. Whether one may
// be used depends on a node's clock also.
func differentCertificates(a, b *api.OwnerInfo) string {
	for i := range max(len(a.Certificates), len(b.Certificates)) {
		switch {
		case i >= len(a.Certificates):
			return fmt.Sprintf("it does not list the certificate in record %s", b.Certificates[i].Record)
		case i >= len(b.Certificates) || a.Certificates[i].Record != b.Certificates[i].Record:
			return fmt.Sprintf("it lists the certificate in record %s", a.Certificates[i].Record)
		}
		x, y := &a.Certificates[i], &b.Certificates[i]
		if (x.Revoked == nil) != (y.Revoked == nil) || x.Revoked != nil && *x.Revoked != *y.Revoked || x.Serial != y.Serial {
			return fmt.Sprintf("it says otherwise of the certificate in record %s", x.Record)
		}
	}
	if a.Next != b.Next {
		return "its list ends elsewhere"
	}
	return ""
}
