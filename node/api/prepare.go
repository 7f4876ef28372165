package api

import (
	"crypto/ed25519"
	"crypto/sha256"
	"fmt"

	"github.com/lf-store/lf/protocol"
)

// A client that keeps its own key has two ways to write without doing the work itself. It has the
// node compose a record, and signs that: [Service.Prepare], then [Service.SubmitSigned]. Or it
// composes and signs, and the node learns nothing but a hash: [Service.Work], then
// [Service.Submit].

// PrepareRequest asks for a record that the client will sign. It says what [SetRequest] says, and
// whose key will sign.
type PrepareRequest struct {
	Selectors  []SelectorRange `json:"selectors" minItems:"1" maxItems:"15" doc:"by name, with one ordinal each; the first one is the primary"`
	Text       *string         `json:"text,omitempty" doc:"the value, if it is text"`
	Value      []byte          `json:"value,omitempty" doc:"the value, base64, if it is not"`
	Type       string          `json:"type,omitempty" enum:"set,delete,release" default:"set" doc:"set a value; delete: answer that it is deleted; release: give the claim up"`
	MaskingKey string          `json:"maskingKey,omitempty" maxLength:"1024" doc:"seal the value with this, so that knowing the primary name is not enough to read it"`
	// Owner is who will sign. PublicKey is the same for those who cannot write a peer ID.
	Owner     *protocol.Owner `json:"owner,omitempty" doc:"who will sign, a peer ID; this or publicKey"`
	PublicKey []byte          `json:"publicKey,omitempty" doc:"the Ed25519 public key of who will sign, 32 bytes, base64; this or owner"`
}

// Set is the same request without the owner.
func (r *PrepareRequest) Set() SetRequest {
	return SetRequest{Selectors: r.Selectors, Text: r.Text, Value: r.Value, Type: r.Type, MaskingKey: r.MaskingKey}
}

// Signer returns the owner who will sign.
func (r *PrepareRequest) Signer() (protocol.Owner, error) {
	var owner protocol.Owner
	switch {
	case (r.Owner == nil) == (r.PublicKey == nil):
		return owner, Invalid("who will sign: give owner or publicKey")
	case r.Owner != nil:
		owner = *r.Owner
	case len(r.PublicKey) != ed25519.PublicKeySize:
		return owner, Invalid("the public key has %d bytes, that of an Ed25519 key has %d", len(r.PublicKey), ed25519.PublicKeySize)
	default:
		owner = protocol.Owner(r.PublicKey)
	}
	if owner.SmallOrder() {
		return owner, Invalid("that is nobody's key: everybody can sign with it")
	}
	return owner, nil
}

// Check says what is wrong with a request, nil if nothing is; see [Query.Check].
func (r *PrepareRequest) Check() error {
	if _, err := r.Signer(); err != nil {
		return err
	}
	set := r.Set()
	return set.Check()
}

// Prepared is a record without signature and work. Whoever signs it checks first what it says, for
// the signature covers all of it: [protocol.Network.CheckComposed].
type Prepared struct {
	Header    []byte         `json:"header" doc:"the header, base64: with zeros in place of the signature, and without work"`
	Value     []byte         `json:"value,omitempty" doc:"the sealed value, base64; absent where there is none"`
	Sign      []byte         `json:"sign" doc:"what to sign with Ed25519, base64"`
	Owner     protocol.Owner `json:"owner" doc:"whose signature it wants"`
	Timestamp uint64         `json:"timestamp" doc:"ms since the Unix epoch"`
	Until     uint64         `json:"until" doc:"after this time the node refuses the signed record as too old, ms since the Unix epoch"`
	Effort    uint32         `json:"effort" doc:"the work that the node will do for it"`
	Waiting   int            `json:"waiting" doc:"how many writes wait for work at the node now"`
}

// Record decodes the record. Its signature is missing, and it has not been checked.
func (p *Prepared) Record() (*protocol.Record, error) {
	r, err := protocol.DecodeRecord(p.Header, p.Value)
	if err != nil {
		return nil, fmt.Errorf("the node prepared what is no record: %w", err)
	}
	return r, nil
}

// SignedRecord is a record that its owner has signed, and that nobody has worked for yet.
type SignedRecord struct {
	Header    []byte `json:"header" doc:"the header as it was prepared, base64; a signature or work in it is ignored"`
	Value     []byte `json:"value,omitempty" doc:"the sealed value as it was prepared, base64"`
	Signature []byte `json:"signature" doc:"the owner's Ed25519 signature of what was to be signed, 64 bytes, base64"`
	// Turn is one that [Service.Work] gave; "": the request waits for its turn.
	Turn string `json:"turn,omitempty" doc:"a turn that /v1/work gave: then the record does not wait"`
}

// Check says what is wrong with a record's sizes, nil if nothing is.
func (s *SignedRecord) Check() error {
	switch {
	case len(s.Header) > protocol.MaxHeader:
		return TooLarge("the header has %d bytes, at most %d are allowed", len(s.Header), protocol.MaxHeader)
	case len(s.Value) > protocol.MaxValue:
		return TooLarge("the value has %d bytes, at most %d are allowed", len(s.Value), protocol.MaxValue)
	case len(s.Signature) != ed25519.SignatureSize:
		return Invalid("the signature has %d bytes, an Ed25519 signature has %d", len(s.Signature), ed25519.SignatureSize)
	}
	return nil
}

// WorkRequest asks for a proof of work. Worked is all that the node learns of the record. The node
// makes the challenge of it, with its network's ID, so the work is of use on that network only.
//
// Many requests may wait for work, and a record that waits ages. So a client can wait first: a
// request without Worked answers when its turn has come. The client composes its record then, and
// asks again with the turn.
type WorkRequest struct {
	Worked []byte `json:"worked,omitempty" doc:"hash of the signed record (SPEC, section 4.2), 32 bytes, base64; absent: wait for a turn, and compose the record after that"`
	Effort uint32 `json:"effort" minimum:"1" doc:"the effort that the network asks of the record"`
	Turn   string `json:"turn,omitempty" maxLength:"64" doc:"the turn that a request without worked was answered with"`
}

// Check says what is wrong with a request, nil if nothing is. The effort's upper bound is the
// network's: see [protocol.Network.MaxEffort].
func (r *WorkRequest) Check(n *protocol.Network) error {
	switch most := n.MaxEffort(); {
	case r.Effort == 0:
		return Invalid("the effort must be at least 1")
	case len(r.Worked) == 0 && r.Turn != "":
		return Invalid("there is a turn and no hash \"worked\" to use it for")
	case len(r.Worked) != 0 && len(r.Worked) != sha256.Size:
		return Invalid("the hash \"worked\" has %d bytes, want %d", len(r.Worked), sha256.Size)
	case most == 0:
		return Invalid("this network asks for no work")
	case r.Effort > most:
		return Invalid("the effort must be 1 to %d, which is what this network asks of its largest record", most)
	}
	return nil
}

// WorkResult is a proof of work, as a record's header carries it, or a turn.
type WorkResult struct {
	Nonce    []byte `json:"nonce,omitempty" doc:"8 bytes, base64"`
	Solution []byte `json:"solution,omitempty" doc:"16 bytes, base64"`
	Effort   uint32 `json:"effort" doc:"as it was asked for"`
	Turn     string `json:"turn,omitempty" doc:"in place of a proof, where the request had no hash: give it to the request with the hash, or with the signed record"`
	TurnMS   uint64 `json:"turnMs,omitempty" doc:"for how long the turn is kept, ms"`
}

// NewWorkResult shows a proof.
func NewWorkResult(w protocol.Work) *WorkResult {
	return &WorkResult{Nonce: w.Nonce[:], Solution: w.Solution[:], Effort: w.Effort}
}

// Work returns the proof. It has not been verified.
func (r *WorkResult) Work() (w protocol.Work, err error) {
	if len(r.Nonce) != len(w.Nonce) || len(r.Solution) != len(w.Solution) {
		return w, fmt.Errorf("the node answered with a proof of %d and %d bytes", len(r.Nonce), len(r.Solution))
	}
	copy(w.Nonce[:], r.Nonce)
	copy(w.Solution[:], r.Solution)
	w.Effort = r.Effort
	return w, nil
}
