// Package protocol is the format of LF: what a record is, byte for byte, who may make one, and when
// it is valid. It is pure: no I/O, no goroutines, no clock. The time and the verifier of work are
// arguments. SPEC.md in this directory is normative; testdata has vectors for any implementation.
//
// The glossary of package lf explains the nouns. These are the types that stand for them:
//
//   - A [Record] is a [Header] with its canonical bytes and, unless it was pruned, its value. Its
//     [ID] is the SHA-256 of the header, written as a CID.
//   - An [Owner] is the Ed25519 key that signs a record; its text form is a libp2p peer ID.
//   - A [Selector] is a blinded name plus an ordinal, with a claim: a signature with the
//     name's key pair. [NameKey] is what a name derives to, [Mask] seals the value.
//   - A [CompositeID] names the set of all selectors of a record: the key of the key/value store.
//   - [Work] is the proof of work that pays for a record.
//   - A [Network] is one genesis, and so one data set, with the [Params] that the genesis fixes.
//   - A [Chain] is the value of a certificate record: the certificate of an owner, up to one that
//     an [Authority] signed. A [RevocationList] revokes certificates, and [Revocation] says from
//     which records. A [Signer] is a CA, which makes both.
//   - A [Word] is what an oracle says, in a commentary record, of one owner's claim.
//   - A [Pulse] says that the owner of a record is alive now. It is no record, and is forgotten.
//   - A [Policy] ranks the claims of several owners by criteria. Each [Criterion] is a row in one
//     table; a [Standing] is what the criteria compare.
//   - A [Draft] is a record in the making: [Network.Compose], [Network.Sign] and [Network.Pay] make
//     a record of it.
//
// [Network.Check] and validate.go hold the rules of validity in one list. limits.go has all limits.
package protocol
