package main

import (
	"encoding/hex"
	"fmt"

	"github.com/lf-store/lf/internal/text"
	"github.com/lf-store/lf/protocol"
)

// description is the content of a record whose value is not sealed. One of its fields is set.
type description struct {
	// Problem tells why the content could not be read, though the record is valid.
	Problem string `json:"problem,omitempty"`

	Network      *protocol.Params  `json:"network,omitempty"`
	Objections   []jsonObjection   `json:"objections,omitempty"`
	Certificates []jsonCertificate `json:"certificates,omitempty"`
	// of the network, that a chain or list leads to
	Authority string        `json:"authority,omitempty"`
	Revoked   []jsonRevoked `json:"revoked,omitempty"`

	kind protocol.Type
}

// jsonObjection is an oracle's objection, or the withdrawal of one.
type jsonObjection struct {
	Composite protocol.CompositeID `json:"composite"`
	Owner     protocol.Owner       `json:"owner"`
	Objects   bool                 `json:"objects"`
}

// jsonCertificate is one certificate of a chain.
type jsonCertificate struct {
	Subject   string         `json:"subject"`
	Owner     protocol.Owner `json:"owner"`
	Issuer    string         `json:"issuer"`
	Serial    string         `json:"serial"`
	NotBefore uint64         `json:"notBefore"`
	NotAfter  uint64         `json:"notAfter"`
}

// jsonRevoked is an entry of a revocation list.
type jsonRevoked struct {
	Serial string `json:"serial"`
	Since  uint64 `json:"since,omitempty"`
}

// describe reads the value of a record, nil if there is none or its type seals values.
func describe(n *protocol.Network, r *protocol.Record) *description {
	if r.ValueBytes() == nil {
		return nil
	}
	d, err := &description{kind: r.Type}, error(nil)
	switch r.Type {
	case protocol.TypeGenesis:
		p := n.Params()
		d.Network = &p
	case protocol.TypeCommentary:
		err = d.readObjections(r.ValueBytes())
	case protocol.TypeCertificate:
		err = d.readChain(n, r.ValueBytes())
	case protocol.TypeRevocation:
		err = d.readRevoked(n, r.ValueBytes())
	default:
		return nil
	}
	if err != nil {
		d.Problem = err.Error()
	}
	return d
}

func (d *description) readObjections(value []byte) error {
	objections, err := protocol.ParseCommentary(value)
	for _, o := range objections {
		d.Objections = append(d.Objections, jsonObjection{o.Composite, o.Owner, o.Objects})
	}
	return err
}

func (d *description) readChain(n *protocol.Network, value []byte) error {
	chain, err := protocol.ParseChain(value)
	if err != nil {
		return err
	}
	for _, c := range chain.Certificates() {
		d.Certificates = append(d.Certificates, jsonCertificate{
			c.Subject(), c.Key(), c.Issuer(), hex.EncodeToString(c.Serial()), c.NotBefore(), c.NotAfter(),
		})
	}
	if a := chain.Authority(n.Authorities()); a != nil {
		d.Authority = a.Name()
	}
	return nil
}

func (d *description) readRevoked(n *protocol.Network, value []byte) error {
	list, err := protocol.ParseRevocations(value)
	if err != nil {
		return err
	}
	for _, e := range list.Entries() {
		d.Revoked = append(d.Revoked, jsonRevoked{hex.EncodeToString([]byte(e.Serial)), e.Since})
	}
	for i, a := range n.Authorities() {
		if list.CertifiedBy(n.Authorities()[i : i+1]) {
			d.Authority = a.Name()
			break
		}
	}
	return nil
}

// fields are the lines that show the description to people.
func (d *description) fields() []field {
	switch {
	case d == nil:
		return nil
	case d.Problem != "":
		return []field{{"contents", "cannot be read: " + d.Problem}}
	case d.Network != nil:
		return []field{{"contents", fmt.Sprintf("the parameters of network %q (see lf network show)", d.Network.Name)}}
	}
	var fields []field
	for _, o := range d.Objections {
		fields = append(fields, o.field())
	}
	for i, c := range d.Certificates {
		fields = append(fields, c.fields(i)...)
	}
	for _, r := range d.Revoked {
		fields = append(fields, r.field())
	}
	if d.kind != protocol.TypeCommentary {
		fields = append(fields, field{"authority", d.authorityText()})
	}
	return fields
}

func (o *jsonObjection) field() field {
	verb := "withdraws"
	if o.Objects {
		verb = "objects to"
	}
	return field{verb, fmt.Sprintf("%s under %s", o.Owner, o.Composite)}
}

// fields show a certificate. The first of a chain is the owner's, the others are of the CAs above.
func (c *jsonCertificate) fields(place int) []field {
	what := "certifies"
	if place > 0 {
		what = "and CA"
	}
	return []field{
		{what, fmt.Sprintf("%s, named %q", c.Owner, c.Subject)},
		{"serial", fmt.Sprintf("%s, issued by %q", c.Serial, c.Issuer)},
		{"validity", validityText(c.NotBefore, c.NotAfter)},
	}
}

func (r *jsonRevoked) field() field {
	from := "from its beginning"
	if r.Since > 0 {
		from = "since " + text.LocalTime(r.Since)
	}
	return field{"revokes", fmt.Sprintf("serial %s, %s", r.Serial, from)}
}

func (d *description) authorityText() string {
	if d.Authority == "" {
		return "none that this network knows: it counts for readers who name the CA (lf get --ca)"
	}
	return fmt.Sprintf("%s, which this network knows", d.Authority)
}
