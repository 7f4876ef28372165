// Package protocol is the format of LF: what a record is, byte for byte, who may make one, and when
// it is valid. It is pure: no I/O, no goroutines, no clock; the time and the verifier of work are
// arguments. SPEC.md beside this file is normative; testdata holds the vectors that other
// implementations can use.
//
// The nouns:
//
//   - A [Record] is the signed unit: a header in DAG-CBOR and, beside it, the sealed value. Its
//     [ID] is the SHA-256 of the header, written as a CID.
//   - An [Owner] is the Ed25519 key that signs a record; its text form is a libp2p peer ID.
//   - A [Selector] is a blinded name plus an ordinal, with a claim: a signature that only somebody
//     who knows the name can make. [NameKey] is what a name derives to.
//   - A [CompositeID] names the set of all selectors of a record: the key of the key/value store.
//   - [Work] is the proof of work that pays for a record; its price is a parameter of the network.
//   - A [Network] is one genesis and so one data set, with the [Params] fixed in it for ever.
//   - A [Chain] is the content of a certificate record: the certificate of an owner, up to one that
//     an [Authority] signed; a [RevocationList] takes certificates back. A [Signer] makes both.
//   - A [Word] is what an oracle says, in a commentary record, of somebody's claim.
//   - A [Policy] is how a reader ranks the claims of several owners, each by its [Standing].
//   - A frame is how a record travels: its header and its value together.
//
// Reading order: record.go (the types), encode.go and codec.go (the bytes), selector.go, seal.go,
// work.go, compose.go (how a record is made), params.go, genesis.go, network.go, validate.go (the
// one list of rules), signatures.go, limits.go; then certificate.go, chain.go, revocation.go,
// certified.go (what certificates decide), der.go (their bytes), signer.go (how they are made);
// commentary.go, policy.go.
package protocol
