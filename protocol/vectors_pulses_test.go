package protocol_test

import (
	"crypto/ed25519"
	"encoding/binary"
	"slices"
	"testing"

	"github.com/lf-store/lf/protocol"
)

// pulseVectors are testdata/pulses.json; its README says what the fields mean.
type pulseVectors struct {
	Pulses  []pulseVector       `json:"pulses"`
	Rejects []pulseRejectVector `json:"rejects"`
}

type pulseVector struct {
	Name    string         `json:"name"`
	Network string         `json:"network"`
	Frame   hexBytes       `json:"frame"`
	Record  protocol.ID    `json:"record"`
	Owner   protocol.Owner `json:"owner"`
	Second  uint64         `json:"second"`
	Message hexBytes       `json:"message"`
	Pulse   hexBytes       `json:"pulse"`
	Paid    bool           `json:"paid"`
	Last    uint64         `json:"last"`
}

type pulseRejectVector struct {
	Name    string         `json:"name"`
	Network string         `json:"network"`
	Owner   protocol.Owner `json:"owner"`
	Pulse   hexBytes       `json:"pulse"`
	Reason  string         `json:"reason"`
}

// pulseOf makes a pulse from SPEC.md's words and a general codec, without the code under test.
func pulseOf(t testing.TB, n *protocol.Network, id protocol.ID, second uint64, key ed25519.PrivateKey) (message, pulse []byte) {
	nid := n.ID()
	message = binary.BigEndian.AppendUint64(slices.Concat([]byte("lf/pulse/1"), nid[:], id[:]), second)
	return message, encodeAny(t, []any{cidTag(0x71, id), second, ed25519.Sign(key, message)})
}

func makePulseVectors(t *testing.T) (v pulseVectors) {
	m := newVectorMaker(t)
	m.makeAccepted()
	key := fixedKey("owner")
	owner := protocol.OwnerOf(key)
	find := func(name string) acceptVector {
		i := slices.IndexFunc(m.accept, func(v acceptVector) bool { return v.Name == name })
		if i < 0 {
			t.Fatalf("no vector %q", name)
		}
		return m.accept[i]
	}
	for _, of := range []struct {
		name, record string
		second       uint64
	}{
		{"of a record with work", "work of the required effort", 1_800_000_030},
		{"the last second that the record pays for", "work of the required effort", 1_800_057_600},
		{"on a network without work", "datum", 1_800_000_030},
		{"second 1", "datum", 1},
		{"second 23, in one byte", "datum", 23},
		{"second 24, in two bytes", "datum", 24},
		{"second 255", "datum", 255},
		{"second 256, in three bytes", "datum", 256},
		{"second 65536, in five bytes", "datum", 65_536},
		{"second 2^32, in nine bytes", "datum", 1 << 32},
		{"the largest second", "datum", protocol.MaxPulseSecond},
	} {
		r := find(of.record)
		p := pulseVector{Name: of.name, Network: r.Network, Frame: r.Frame, Record: r.ID, Owner: r.Owner, Second: of.second, Last: protocol.MaxPulseSecond}
		p.Message, p.Pulse = pulseOf(t, m.networks[r.Network], r.ID, of.second, key)
		if p.Paid = r.RequiredEffort > 0; p.Paid {
			p.Last = (r.Timestamp + uint64(r.Effort)*7_200_000) / 1000
		}
		v.Pulses = append(v.Pulses, p)
	}
	r := find("datum")
	n := m.networks[r.Network]
	const second = 1_800_000_030
	message, good := pulseOf(t, n, r.ID, second, key)
	signature := ed25519.Sign(key, message)
	link := cidTag(0x71, r.ID)
	reject := func(name, reason string, pulse []byte) {
		v.Rejects = append(v.Rejects, pulseRejectVector{name, r.Network, owner, pulse, reason})
	}
	_, foreign := pulseOf(t, n, r.ID, second, fixedKey("stranger"))
	reject("signed by another key", "signature", foreign)
	_, elsewhere := pulseOf(t, m.networks["other"], r.ID, second, key)
	reject("signed for another network", "signature", elsewhere)
	reject("another second than the signed one", "signature", encodeAny(t, []any{link, uint64(second + 60), signature}))
	reject("another record than the signed one", "signature", encodeAny(t, []any{cidTag(0x71, find("work of the required effort").ID), uint64(second), signature}))
	reject("the signature of the record", "signature", encodeAny(t, []any{link, uint64(second), signatureOf(t, r.Frame)}))
	reject("second 0", "encoding", encodeAny(t, []any{link, uint64(0), signature}))
	reject("a second above the largest", "encoding", encodeAny(t, []any{link, uint64(protocol.MaxPulseSecond + 1), signature}))
	reject("a negative second", "encoding", encodeAny(t, []any{link, -second, signature}))
	reject("a link to a value", "encoding", encodeAny(t, []any{cidTag(0x55, r.ID), uint64(second), signature}))
	reject("a record without tag 42", "encoding", encodeAny(t, []any{r.ID[:], uint64(second), signature}))
	reject("a signature of 63 bytes", "encoding", encodeAny(t, []any{link, uint64(second), signature[:63]}))
	reject("a signature of 65 bytes", "encoding", encodeAny(t, []any{link, uint64(second), append(slices.Clone(signature), 0)}))
	reject("two items", "encoding", encodeAny(t, []any{link, uint64(second)}))
	reject("four items", "encoding", encodeAny(t, []any{link, uint64(second), signature, uint64(0)}))
	reject("a byte after it", "encoding", append(slices.Clone(good), 0))
	reject("a byte too few", "encoding", good[:len(good)-1])
	reject("nothing", "encoding", nil)
	at := len(good) - 66 - 5
	longer := slices.Concat(good[:at], []byte{0x1b, 0, 0, 0, 0}, good[at+1:])
	reject("a second that is longer than need be", "encoding", longer)
	reject("an array without a length", "encoding", slices.Concat([]byte{0x9f}, good[1:], []byte{0xff}))
	return v
}

func signatureOf(t testing.TB, frame []byte) []byte {
	r, err := protocol.DecodeFrame(frame)
	if err != nil {
		t.Fatal(err)
	}
	return r.Signature[:]
}

func TestVectorsPulses(t *testing.T) {
	t.Parallel()
	made := makePulseVectors(t)
	current(t, "pulses.json", made)
	networks := vectorNetworks(t)
	for _, v := range made.Pulses {
		n := networks[v.Network]
		p, err := protocol.DecodePulse(v.Pulse)
		if err != nil || p.Record != v.Record || p.Second != v.Second || string(p.Encode()) != string(v.Pulse) {
			t.Errorf("%s: %+v, %v", v.Name, p, err)
			continue
		}
		if string(n.PulseMessage(v.Record, v.Second)) != string(v.Message) || n.CheckPulse(&p, v.Owner) != nil {
			t.Errorf("%s: signs %x, %v", v.Name, n.PulseMessage(v.Record, v.Second), n.CheckPulse(&p, v.Owner))
		}
		if n.NewPulse(v.Record, v.Second, fixedKey("owner")) != p {
			t.Errorf("%s: is made otherwise", v.Name)
		}
		r, err := protocol.DecodeFrame(v.Frame)
		if err != nil {
			t.Fatal(err)
		}
		if last, paid, ok := n.PulseTerm(r); !ok || last != v.Last || paid != v.Paid {
			t.Errorf("%s: until %d, paid %v, may: %v", v.Name, last, paid, ok)
		}
	}
	for _, v := range made.Rejects {
		p, err := protocol.DecodePulse(v.Pulse)
		if encoding := v.Reason == "encoding"; (err != nil) != encoding {
			t.Errorf("%s: %v", v.Name, err)
		} else if !encoding && networks[v.Network].CheckPulse(&p, v.Owner) == nil {
			t.Errorf("%s: it verifies", v.Name)
		}
	}
}
