package protocol

import "math"

// workBase is added to a record's bytes when its price is computed, for what a node stores and
// indexes beyond them.
const workBase = 128

// WorkVerifier checks a proof of work over a challenge; package pow has one.
type WorkVerifier func(challenge []byte, w Work) error

// WorkSolver finds a proof of work over a challenge; package pow has one.
type WorkSolver func(challenge []byte, effort uint32) (Work, error)

// RequiredEffort returns the full price: the effort that the network asks of a record without a
// certificate. It is the record's size times the network's work per KiB, rounded up, at most
// 2^32−1. Genesis records are free.
func (n *Network) RequiredEffort(r *Record) uint32 { return n.price(r, n.params.WorkPerKiB) }

// CertifiedEffort returns the effort that the network asks of a record that rests on a certificate.
// It is never more than the full price. It is the full price on a network without authorities, and
// for records that carry certificates or revocations.
func (n *Network) CertifiedEffort(r *Record) uint32 {
	if len(n.authorities) == 0 || r.Type == TypeCertificate || r.Type == TypeRevocation {
		return n.RequiredEffort(r)
	}
	return n.price(r, min(n.params.WorkPerKiB, n.params.WorkPerKiBCertified))
}

// Paid reports whether the record carries the full price, so that its work alone pays for it,
// whatever it rests on.
func (n *Network) Paid(r *Record) bool { return r.Effort() >= n.RequiredEffort(r) }

func (n *Network) price(r *Record, perKiB uint32) uint32 {
	if r.Type == TypeGenesis {
		return 0
	}
	size := uint64(r.selectorsEnd) + workBase
	if r.Value != nil {
		size += uint64(r.Value.Size)
	}
	effort := (size*uint64(perKiB) + 1023) / 1024
	return uint32(min(effort, math.MaxUint32)) // bounded in this line
}

// Challenge returns what the record's work is over: everything up to and including the signature.
// A solver or verifier appends nonce and effort to it.
func (n *Network) Challenge(r *Record) []byte {
	h := r.workHash()
	return n.scope(r.Type).domain(domainWork, h[:])
}

// scope is the network whose ID goes into a record's hashes: none for a genesis record, which comes
// before it.
func (n *Network) scope(t Type) *Network {
	if t == TypeGenesis {
		return nil
	}
	return n
}
