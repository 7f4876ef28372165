package proxy

import (
	"context"
	"encoding/hex"
	"fmt"
	"slices"

	"github.com/lf-store/lf/node/api"
	"github.com/lf-store/lf/protocol"
)

// Owner implements api.Service. Each certificate is read from its record.
func (s *Service) Owner(ctx context.Context, q api.OwnerQuery) (*api.OwnerInfo, error) {
	opinions, agreed, c, err := decide(ctx, s, matter[*api.OwnerInfo]{
		ask: func(ctx context.Context, n *node) (*api.OwnerInfo, error) {
			info, err := n.client.Owner(ctx, q)
			if err == nil {
				err = s.checkCertificates(ctx, n, info, q.Owner)
			}
			return info, err
		},
		check:      func(*api.OwnerInfo) error { return nil },
		difference: differentCertificates,
	})
	if err != nil {
		return nil, err
	}
	out := *opinions[0].says
	if !agreed {
		out.Certificates = uniteCertificates(opinions)
	}
	out.Comparison = c
	return &out, nil
}

// checkCertificates reads the certificates that a node lists from their records.
func (s *Service) checkCertificates(ctx context.Context, n *node, info *api.OwnerInfo, owner protocol.Owner) error {
	info.Owner = owner
	for i := range info.Certificates {
		c := &info.Certificates[i]
		chain, err := s.chain(ctx, n, c.Record)
		switch {
		case err != nil:
			return err
		case chain.Owner() != owner || hex.EncodeToString(chain.Serial()) != c.Serial:
			return forged("record %s is not the certificate that it is said to be", c.Record)
		case chain.Authority(s.config.Network.Authorities()) == nil:
			return forged("no authority of the network signed the certificate in record %s", c.Record)
		}
	}
	return nil
}

// chain returns the certificates in a record, which is asked for unless it is remembered.
func (s *Service) chain(ctx context.Context, n *node, id protocol.ID) (*protocol.Chain, error) {
	r := s.records.known(id)
	if r == nil {
		info, err := n.client.Record(ctx, id)
		if err != nil {
			return nil, err
		}
		if r, err = s.records.check(id, info.Frame); err != nil {
			return nil, err
		}
	}
	if r.Type != protocol.TypeCertificate {
		return nil, forged("record %s is a %s, and no certificate", id, r.Type)
	}
	chain, err := protocol.ParseChain(r.ValueBytes())
	if err != nil {
		return nil, forged("record %s: %w", id, err)
	}
	return chain, nil
}

func differentCertificates(a, b *api.OwnerInfo) string {
	for i := range max(len(a.Certificates), len(b.Certificates)) {
		switch {
		case i >= len(a.Certificates):
			return fmt.Sprintf("it does not list the certificate in record %s", b.Certificates[i].Record)
		case i >= len(b.Certificates) || a.Certificates[i].Record != b.Certificates[i].Record:
			return fmt.Sprintf("it lists the certificate in record %s", a.Certificates[i].Record)
		}
		x, y := &a.Certificates[i], &b.Certificates[i]
		if x.Usable != y.Usable || (x.Revoked == nil) != (y.Revoked == nil) || x.Revoked != nil && *x.Revoked != *y.Revoked {
			return fmt.Sprintf("it says otherwise whether the certificate in record %s may be used", x.Record)
		}
	}
	if a.Next != b.Next {
		return "its list ends elsewhere"
	}
	return ""
}

// uniteCertificates lists what most nodes list. Of two that differ the worse counts: a certificate
// that one calls revoked is not usable.
func uniteCertificates(opinions []opinion[*api.OwnerInfo]) []api.CertificateInfo {
	united := []api.CertificateInfo{}
	for _, c := range opinions[0].says.Certificates {
		votes, usable := 0, 0
		for _, o := range opinions {
			i := slices.IndexFunc(o.says.Certificates, func(x api.CertificateInfo) bool { return x.Record == c.Record })
			if i < 0 {
				continue
			}
			votes++
			if o.says.Certificates[i].Usable {
				usable++
			} else if c.Usable {
				c.Revoked = o.says.Certificates[i].Revoked
			}
		}
		if c.Usable = usable >= majority(len(opinions)); votes >= majority(len(opinions)) {
			united = append(united, c)
		}
	}
	return united
}
