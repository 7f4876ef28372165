package lf

import (
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"time"

	"github.com/lf-store/lf/node/api"
	"github.com/lf-store/lf/protocol"
)

// PublishCertificate publishes a chain of [CA.Certify] as a record, signed with the CA's key. From
// then on the owner's records link it by themselves, wherever the owner writes.
func (c *Client) PublishCertificate(ctx context.Context, ca *CA, chain []byte, options ...WriteOption) (*Written, error) {
	parsed, err := protocol.ParseChain(chain)
	if err != nil {
		return nil, err
	}
	if c.network.Params().AuthRequired && parsed.Authority(c.network.Authorities()) == nil {
		return nil, fmt.Errorf("network %q: %w", c.network.Params().Name, ErrUnknownCA)
	}
	return c.publishAs(ctx, ca, statement{kind: protocol.TypeCertificate, value: chain}, options)
}

// Certify makes an owner's certificate from a request (PKCS#10 in PEM) and publishes it. See
// [CA.Certify].
func (c *Client) Certify(ctx context.Context, ca *CA, request []byte, until time.Time, options ...WriteOption) (*Written, error) {
	chain, err := ca.Certify(request, until, c.network)
	if err != nil {
		return nil, err
	}
	return c.PublishCertificate(ctx, ca, chain, options...)
}

// Revoke publishes that certificates with these serial numbers (big-endian), which the CA issued,
// are not to be believed. That cannot be taken back. With a zero since all that rests on them
// falls. Otherwise what was written before that time, and is in the revocation's past, stands.
func (c *Client) Revoke(ctx context.Context, ca *CA, serials []string, since time.Time, options ...WriteOption) (*Written, error) {
	now := time.Now()
	if since.After(now) {
		return nil, wrongInput("%s is still to come: a certificate is revoked at once, and since only lets stand what is older", since.Local().Format(time.DateTime))
	}
	list := make([]protocol.Revoked, len(serials))
	for i, serial := range serials {
		list[i].Serial = serial
		if !since.IsZero() {
			list[i].Since = msOf(since)
		}
	}
	value, err := ca.signer.Under(c.network.Authorities()).Revoke(list, now)
	if err != nil {
		return nil, err
	}
	// What its past holds stands, if it is older than since: the more it links, the less falls that
	// need not.
	return c.publishAs(ctx, ca, statement{kind: protocol.TypeRevocation, value: value, links: protocol.MaxLinks}, options)
}

// publishAs makes a record in the CA's name.
func (c *Client) publishAs(ctx context.Context, ca *CA, say statement, options []WriteOption) (*Written, error) {
	w := writingOf(append(options[:len(options):len(options)], AsKey(ca.secret)))
	if w.err != nil {
		return nil, w.err
	}
	a, err := c.author(ctx, w)
	if err != nil {
		return nil, err
	}
	a.name = ca.Name()
	d, err := a.draft(ctx, say)
	if err != nil {
		return nil, err
	}
	return a.publish(ctx, d)
}

// Certificate is one of an owner's certificates. The node tells whether it is usable or revoked;
// the chain was read out of its record and checked.
type Certificate struct {
	api.CertificateInfo
	Chain *protocol.Chain
}

// Certificates returns an owner's certificates of the network's CAs. A node could hide one, or a
// revocation.
func (c *Client) Certificates(ctx context.Context, owner protocol.Owner) ([]Certificate, error) {
	if err := c.check(); err != nil {
		return nil, err
	}
	var list []Certificate
	listed := map[protocol.ID]bool{}
	for q := (api.OwnerQuery{Owner: owner, Page: api.Page{Limit: api.MaxLimit}}); ; {
		var page *api.OwnerInfo
		err := c.retry(ctx, 0, func(node api.Service) (err error) {
			page, err = node.Owner(ctx, q)
			return err
		})
		if err != nil {
			return nil, err
		}
		if page.Next != "" && len(page.Certificates) == 0 {
			return nil, &ForgedError{Node: c.Address(), What: errors.New("a page without certificates, and a next one")}
		}
		for _, from := range page.Certificates {
			certificate, err := c.certificate(ctx, from, owner)
			if err == nil && listed[from.Record] {
				err = &ForgedError{Node: c.Address(), What: fmt.Errorf("certificate %s: it came before", from.Record)}
			}
			if err != nil {
				return nil, err
			}
			listed[from.Record] = true
			list = append(list, certificate)
		}
		if page.Next == "" {
			return list, nil
		}
		q.After = page.Next
	}
}

// certificate reads a certificate out of its record.
func (c *Client) certificate(ctx context.Context, from api.CertificateInfo, owner protocol.Owner) (Certificate, error) {
	_, r, err := c.Record(ctx, from.Record)
	if err != nil {
		return Certificate{}, err
	}
	chain, err := c.checkCertificate(&from, r, owner)
	if err != nil {
		return Certificate{}, &ForgedError{Node: c.Address(), What: fmt.Errorf("certificate %s: %w", from.Record, err)}
	}
	return Certificate{from, chain}, nil
}

func (c *Client) checkCertificate(from *api.CertificateInfo, r *protocol.Record, owner protocol.Owner) (*protocol.Chain, error) {
	if r.Type != protocol.TypeCertificate {
		return nil, fmt.Errorf("it is a %s", r.Type)
	}
	chain, err := protocol.ParseChain(r.ValueBytes())
	switch {
	case err != nil:
		return nil, err
	case chain.Owner() != owner:
		return nil, fmt.Errorf("it is that of owner %s", chain.Owner())
	case chain.Authority(c.network.Authorities()) == nil:
		return nil, errors.New("no CA of the network issued it")
	case hex.EncodeToString(chain.Serial()) != from.Serial:
		return nil, fmt.Errorf("its serial number is %x", chain.Serial())
	}
	return chain, nil
}

// SerialsOf returns the serial numbers of the certificates that a CA issued to an owner and that
// still count, for [Client.Revoke]. Without any it is [ErrNotFound].
func (c *Client) SerialsOf(ctx context.Context, ca *CA, owner protocol.Owner) (serials []string, err error) {
	certificates, err := c.Certificates(ctx, owner)
	if err != nil {
		return nil, err
	}
	revoked := false
	for _, certificate := range certificates {
		switch {
		case !ca.issued(certificate.Chain, c.network):
		case certificate.Revoked != nil && certificate.Revoked.Since == 0:
			revoked = true
		default:
			serials = append(serials, string(certificate.Chain.Serial()))
		}
	}
	switch {
	case len(serials) > 0:
		return serials, nil
	case revoked:
		return nil, notFound("every certificate that %q issued to %s is revoked already", ca.Name(), owner)
	}
	return nil, notFound("%q issued no certificate to %s that the node knows. What a CA unknown to the network issued is revoked by its CID or serial number",
		ca.Name(), owner)
}

// SerialIn returns the serial number of the owner's certificate in a record, which the CA must have
// issued.
func (c *Client) SerialIn(ctx context.Context, ca *CA, record protocol.ID) (string, error) {
	_, r, err := c.Record(ctx, record)
	if err != nil {
		return "", err
	}
	if r.Type != protocol.TypeCertificate {
		return "", fmt.Errorf("record %s is a %s, no certificate", record, r.Type)
	}
	chain, err := protocol.ParseChain(r.ValueBytes())
	if err != nil {
		return "", fmt.Errorf("record %s: %w", record, err)
	}
	if !ca.issued(chain, c.network) {
		return "", fmt.Errorf("the certificate in %s was issued by %q, not by %q: only who issued it can revoke it", record, chain.Certificates()[0].Issuer(), ca.Name())
	}
	return string(chain.Serial()), nil
}
