package main

import (
	"encoding/hex"
	"fmt"

	"github.com/lf-store/lf/protocol"
)

// contents is what a record says besides its header, where that is not sealed. One of its fields is
// set.
type contents struct {
	// Problem tells why contents say nothing, though the record is valid.
	Problem string `json:"problem,omitempty"`

	Network      *protocol.Params `json:"network,omitempty"`
	Words        []jsonWord       `json:"words,omitempty"`
	Certificates []jsonIssued     `json:"certificates,omitempty"`
	// of the network, that a chain or list leads to
	Authority string        `json:"authority,omitempty"`
	Revoked   []jsonRevoked `json:"revoked,omitempty"`

	kind protocol.Type
}

// jsonWord is one word of an oracle's.
type jsonWord struct {
	Composite protocol.CompositeID `json:"composite"`
	Owner     protocol.Owner       `json:"owner"`
	Objects   bool                 `json:"objects"`
}

// jsonIssued is a certificate in a chain.
type jsonIssued struct {
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

// contentsOf reads the value of a record of the types that do not seal it; nil where there is
// nothing to read.
func contentsOf(n *protocol.Network, r *protocol.Record) *contents {
	if r.ValueBytes() == nil {
		return nil
	}
	what, err := &contents{kind: r.Type}, error(nil)
	switch r.Type {
	case protocol.TypeGenesis:
		p := n.Params()
		what.Network = &p
	case protocol.TypeCommentary:
		err = what.readWords(r.ValueBytes())
	case protocol.TypeCertificate:
		err = what.readChain(n, r.ValueBytes())
	case protocol.TypeRevocation:
		err = what.readRevoked(n, r.ValueBytes())
	default:
		return nil
	}
	if err != nil {
		what.Problem = err.Error()
	}
	return what
}

func (what *contents) readWords(value []byte) error {
	words, err := protocol.ParseCommentary(value)
	for _, w := range words {
		what.Words = append(what.Words, jsonWord{w.Composite, w.Owner, w.Objects})
	}
	return err
}

func (what *contents) readChain(n *protocol.Network, value []byte) error {
	chain, err := protocol.ParseChain(value)
	if err != nil {
		return err
	}
	for _, c := range chain.Certificates() {
		what.Certificates = append(what.Certificates, jsonIssued{
			c.Subject(), c.Key(), c.Issuer(), hex.EncodeToString(c.Serial()), c.NotBefore(), c.NotAfter(),
		})
	}
	if a := chain.Authority(n.Authorities()); a != nil {
		what.Authority = a.Name()
	}
	return nil
}

func (what *contents) readRevoked(n *protocol.Network, value []byte) error {
	list, err := protocol.ParseRevocations(value)
	if err != nil {
		return err
	}
	for _, e := range list.Entries() {
		what.Revoked = append(what.Revoked, jsonRevoked{hex.EncodeToString([]byte(e.Serial)), e.Since})
	}
	for i, a := range n.Authorities() {
		if list.CertifiedBy(n.Authorities()[i : i+1]) {
			what.Authority = a.Name()
			break
		}
	}
	return nil
}

// fields words the contents, a line for each thing they say.
func (what *contents) fields() []field {
	switch {
	case what == nil:
		return nil
	case what.Problem != "":
		return []field{{"contents", "say nothing: " + what.Problem}}
	case what.Network != nil:
		return []field{{"contents", fmt.Sprintf("the parameters of network %q (see lf network show)", what.Network.Name)}}
	}
	var fields []field
	for _, w := range what.Words {
		fields = append(fields, w.field())
	}
	for i, c := range what.Certificates {
		fields = append(fields, c.fields(i)...)
	}
	for _, r := range what.Revoked {
		fields = append(fields, r.field())
	}
	if what.kind != protocol.TypeCommentary {
		fields = append(fields, field{"authority", what.authorityText()})
	}
	return fields
}

func (w *jsonWord) field() field {
	verb := "withdraws"
	if w.Objects {
		verb = "objects to"
	}
	return field{verb, fmt.Sprintf("%s under %s", w.Owner, w.Composite)}
}

// fields word a certificate: the first in a chain is the owner's, the others are those of CAs above
// it.
func (c *jsonIssued) fields(place int) []field {
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
	text := fmt.Sprintf("serial %s, from its beginning", r.Serial)
	if r.Since > 0 {
		text = fmt.Sprintf("serial %s, since %s", r.Serial, localTime(r.Since))
	}
	return field{"revokes", text}
}

func (what *contents) authorityText() string {
	if what.Authority == "" {
		return "none that this network knows: it counts for readers who name the CA (lf get --ca)"
	}
	return fmt.Sprintf("%s, which this network knows", what.Authority)
}
