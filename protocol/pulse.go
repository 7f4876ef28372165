package protocol

import (
	"bytes"
	"crypto/ed25519"
	"encoding/binary"
	"errors"
	"fmt"
	"time"
)

// Pulse says that the owner of a record is alive at a second since the Unix epoch. It counts for
// the claim of that record. It is no record: nodes forget it after [PulseKeep].
type Pulse struct {
	Record    ID
	Second    uint64
	Signature [ed25519.SignatureSize]byte
}

// A pulse is an array of three: a link, an unsigned integer, and a byte string of 64.
var pulseHead = append([]byte{arrayOf3}, linkPrefix...)

// NewPulse makes the pulse of a record with its owner's key. Second is 1 to [MaxPulseSecond].
func (n *Network) NewPulse(record ID, second uint64, key ed25519.PrivateKey) Pulse {
	p := Pulse{Record: record, Second: second}
	p.Signature = [ed25519.SignatureSize]byte(ed25519.Sign(key, n.PulseMessage(record, second)))
	return p
}

// PulseMessage returns the bytes that the owner of a record signs in a pulse.
func (n *Network) PulseMessage(record ID, second uint64) []byte {
	return binary.BigEndian.AppendUint64(n.domain(domainPulse, record[:]), second)
}

// CheckPulse verifies a pulse's signature. The owner is that of its record.
func (n *Network) CheckPulse(p *Pulse, owner Owner) error {
	if !verifySignature(owner[:], n.PulseMessage(p.Record, p.Second), p.Signature[:]) {
		return fmt.Errorf("the pulse of record %s: the owner's signature does not verify", p.Record)
	}
	return nil
}

// PulseTerm returns the last second of which a record may have a pulse. It is paid where the record
// had to carry work; otherwise the last second is [MaxPulseSecond]. ok tells that the record may
// have pulses at all: it is a datum with a value.
func (n *Network) PulseTerm(r *Record) (last uint64, paid, ok bool) {
	if r.Type != TypeDatum || r.Value == nil {
		return 0, false, false
	}
	reduced := n.CertifiedEffort(r)
	if n.RequiredEffort(r) == 0 || reduced == 0 && !n.Paid(r) {
		return MaxPulseSecond, false, true
	}
	const perEffort = uint64(PulsePerEffort / time.Millisecond)
	sum := r.Timestamp + uint64(r.Effort())*perEffort // below 2^55
	return min(sum/1000, MaxPulseSecond), true, true
}

// LeastAlive is the shortest age of a pulse that tells the living from the dead: two beats and the
// drift of clocks.
func (n *Network) LeastAlive() time.Duration {
	return 2*PulseInterval + time.Duration(n.params.ClockDrift)*time.Millisecond
}

// Encode returns the pulse as it travels.
func (p *Pulse) Encode() []byte {
	b := append(make([]byte, 0, MaxPulse), pulseHead...)
	b = append(b, p.Record[:]...)
	b = appendHead(b, majorUnsigned, p.Second)
	return append(append(b, bytes64...), p.Signature[:]...)
}

// DecodePulse reads a pulse strictly: what it accepts encodes to the same bytes. It keeps nothing
// of data, and does not verify the signature.
func DecodePulse(data []byte) (p Pulse, err error) {
	if len(data) > MaxPulse {
		return p, fmt.Errorf("not a pulse: %d bytes, at most %d are allowed", len(data), MaxPulse)
	}
	rest, ok := bytes.CutPrefix(data, pulseHead)
	if !ok || len(rest) < len(p.Record) {
		return p, errors.New("not a pulse: not an array of 3 that begins with a link to a record")
	}
	rest = rest[copy(p.Record[:], rest):]
	if p.Second, rest, ok = cutHead(rest, majorUnsigned); !ok || p.Second == 0 || p.Second > MaxPulseSecond {
		return p, fmt.Errorf("not a pulse: its second is not 1 to %d in its shortest form", uint64(MaxPulseSecond))
	}
	rest, ok = bytes.CutPrefix(rest, bytes64)
	if !ok || len(rest) != len(p.Signature) {
		return p, errors.New("not a pulse: it does not end with a signature of 64 bytes")
	}
	copy(p.Signature[:], rest)
	return p, nil
}
