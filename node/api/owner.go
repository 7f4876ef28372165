package api

import (
	"context"
	"encoding/binary"

	"github.com/lf-store/lf/protocol"
)

// OwnerQuery asks for the certificates of an owner.
type OwnerQuery struct {
	Owner protocol.Owner
	Page
}

// OwnerInfo tells what is known of an owner.
type OwnerInfo struct {
	Owner        protocol.Owner    `json:"owner"`
	Certificates []CertificateInfo `json:"certificates" doc:"of the network's authorities, those that are valid for longest first"`
	Next         string            `json:"next,omitempty" doc:"the after of the next page of certificates; absent: this is the last one"`
	// Comparison is there where a proxy answers.
	Comparison *Comparison `json:"comparison,omitempty" doc:"of a proxy: which nodes agreed"`
}

// CertificateInfo is one certificate of an owner's, as a record on the network carries it.
type CertificateInfo struct {
	Record    protocol.ID `json:"record" doc:"the certificate's record, which the owner's records link"`
	Authority string      `json:"authority" doc:"the network's authority that it leads to"`
	Subject   string      `json:"subject"`
	Serial    string      `json:"serial" doc:"the serial number, in hexadecimal"`
	NotBefore uint64      `json:"notBefore" doc:"ms since the Unix epoch"`
	NotAfter  uint64      `json:"notAfter" doc:"ms since the Unix epoch"`
	Usable    bool        `json:"usable" doc:"valid by the node's clock, and not revoked"`
	Revoked   *Revocation `json:"revoked,omitempty"`
}

// Revocation tells how a certificate was revoked.
type Revocation struct {
	Record protocol.ID `json:"record" doc:"the revocation's record"`
	Since  uint64      `json:"since,omitempty" doc:"what was written before, and known when it was revoked, still stands; ms since the Unix epoch; absent: nothing does"`
}

// CertificatePosition is a place in the list of an owner's certificates. They are ordered by when
// they, or those above them, end.
type CertificatePosition struct {
	Until uint64
	Chain [16]byte // identifies the certificate and those above it
}

// Cursor is where the page after p begins, as a text. Any node understands it.
func (q *OwnerQuery) Cursor(p CertificatePosition) string {
	return encodeCursor(q.tag(), append(binary.AppendUvarint(nil, p.Until), p.Chain[:]...))
}

// Position reads After, which must be a cursor of this owner's list; nil where there is none.
func (q *OwnerQuery) Position() (*CertificatePosition, error) {
	if q.After == "" {
		return nil, nil
	}
	b, err := decodeCursor(q.After, q.tag())
	if err != nil {
		return nil, err
	}
	p := &CertificatePosition{}
	n := 0
	if p.Until, n = binary.Uvarint(b); n <= 0 || p.Until > protocol.MaxTimestamp || copy(p.Chain[:], b[n:]) != len(b)-n || q.Cursor(*p) != q.After {
		return nil, ErrCursor
	}
	return p, nil
}

func (q *OwnerQuery) tag() []byte { return listTag("certificates", q.Owner[:]) }

// Owner implements [Service].
func (c *Client) Owner(ctx context.Context, q OwnerQuery) (*OwnerInfo, error) {
	if err := q.Check(); err != nil {
		return nil, err
	}
	var info OwnerInfo
	return ok(&info, c.get(ctx, "/v1/owners/"+q.Owner.String()+"?"+q.values().Encode(), &info))
}
