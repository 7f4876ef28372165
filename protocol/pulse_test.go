package protocol_test

import (
	"testing"
	"time"

	"github.com/fxamacker/cbor/v2"
	"pgregory.net/rapid"

	"github.com/lf-store/lf/protocol"
)

// generalPulse is a pulse in plain types, for the general codec.
type generalPulse struct {
	_         struct{} `cbor:",toarray"`
	Record    cbor.RawTag
	Second    uint64
	Signature []byte
}

// decodeGeneralPulse reads a pulse without any of the package's own code.
func decodeGeneralPulse(data []byte) (g generalPulse, ok bool) {
	if cbor.Unmarshal(data, &g) != nil || len(g.Signature) != 64 || linkDigest(g.Record, 0x71) == nil {
		return g, false
	}
	again, err := general.Marshal(g)
	return g, err == nil && string(again) == string(data) && g.Second > 0 && g.Second <= (1<<53-1)/1000
}

// TestPulse: what is encoded is decoded again, agrees with a general codec, and verifies under the
// owner's key alone, for that network alone.
func TestPulse(t *testing.T) {
	t.Parallel()
	n, other := testNetwork(t, nil), testNetwork(t, nil)
	rapid.Check(t, func(t *rapid.T) {
		key, stranger := fixedKey("owner"), fixedKey("stranger")
		id := protocol.ID(rapid.SliceOfN(rapid.Byte(), 32, 32).Draw(t, "record"))
		second := rapid.Uint64Range(1, protocol.MaxPulseSecond).Draw(t, "second")
		p := n.NewPulse(id, second, key)
		raw := p.Encode()
		if len(raw) > protocol.MaxPulse {
			t.Fatalf("%d bytes", len(raw))
		}
		if again, err := protocol.DecodePulse(raw); err != nil || again != p {
			t.Fatalf("%+v, %v", again, err)
		}
		if g, ok := decodeGeneralPulse(raw); !ok || string(linkDigest(g.Record, 0x71)) != string(id[:]) || g.Second != second || string(g.Signature) != string(p.Signature[:]) {
			t.Fatalf("a general codec reads %+v", g)
		}
		if err := n.CheckPulse(&p, protocol.OwnerOf(key)); err != nil {
			t.Fatal(err)
		}
		if n.CheckPulse(&p, protocol.OwnerOf(stranger)) == nil || other.CheckPulse(&p, protocol.OwnerOf(key)) == nil {
			t.Fatal("it verifies for another owner, or on another network")
		}
		later := p
		later.Second = later.Second%protocol.MaxPulseSecond + 1
		moved := p
		moved.Record[0] ^= 1
		if n.CheckPulse(&later, protocol.OwnerOf(key)) == nil || n.CheckPulse(&moved, protocol.OwnerOf(key)) == nil {
			t.Fatal("it verifies for another second or record")
		}
	})
}

// TestPulseTerm: how long a record may have pulses follows from what it paid.
func TestPulseTerm(t *testing.T) {
	t.Parallel()
	networks := vectorNetworks(t)
	seen := map[string]bool{}
	for _, v := range readVectors[[]acceptVector](t, "accept.json") {
		r, err := protocol.DecodeFrame(v.Frame)
		if err != nil {
			t.Fatal(err)
		}
		last, paid, ok := networks[v.Network].PulseTerm(r)
		switch {
		case v.Type != 0 || v.Value == nil:
			seen["none"] = true
			if ok {
				t.Errorf("%s: may have pulses", v.Name)
			}
		case v.RequiredEffort == 0 || v.ReducedEffort == 0 && v.Effort < v.RequiredEffort:
			seen["free"] = true
			if !ok || paid || last != protocol.MaxPulseSecond {
				t.Errorf("%s: until %d, paid: %v", v.Name, last, paid)
			}
		default:
			seen["paid"] = true
			if want := (v.Timestamp + uint64(v.Effort)*2*60*60*1000) / 1000; !ok || !paid || last != want {
				t.Errorf("%s: until %d, want %d", v.Name, last, want)
			}
		}
	}
	if len(seen) != 3 {
		t.Errorf("only %v", seen)
	}
}

// TestLeastAlive: two beats and the drift.
func TestLeastAlive(t *testing.T) {
	t.Parallel()
	n := testNetwork(t, func(p *protocol.Params) { p.ClockDrift = 90_000 })
	if got := n.LeastAlive(); got != 210*time.Second {
		t.Error(got)
	}
}

// FuzzDecodePulse: a pulse that is read encodes to the same bytes, and a general codec reads just
// those.
func FuzzDecodePulse(f *testing.F) {
	v := readVectors[pulseVectors](f, "pulses.json")
	for _, p := range v.Pulses {
		f.Add([]byte(p.Pulse))
	}
	for _, p := range v.Rejects {
		f.Add([]byte(p.Pulse))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		p, err := protocol.DecodePulse(data)
		g, general := decodeGeneralPulse(data)
		if (err == nil) != general {
			t.Fatalf("%v, a general codec reads %+v: %v", err, g, general)
		}
		if err == nil && string(p.Encode()) != string(data) {
			t.Fatalf("encodes to %x", p.Encode())
		}
	})
}
