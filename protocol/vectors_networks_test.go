package protocol_test

import (
	"context"
	"encoding/json"
	"fmt"
	"testing"

	"github.com/lf-store/lf/pow"
	"github.com/lf-store/lf/protocol"
)

// fixedNetworks makes the networks of the vectors.
func fixedNetworks(t testing.TB) map[string]*protocol.Network {
	t.Helper()
	networks := map[string]*protocol.Network{}
	add := func(name string, change func(*protocol.Params)) {
		p := protocol.DefaultParams()
		p.Name, p.WorkPerKiB, p.MaxValue = "vectors-"+name, 0, 1024
		p.NameHardening = protocol.Hardening{MemoryKiB: 8, Passes: 1}
		change(&p)
		n, err := protocol.NewNetwork(p, testTime, fixedStream(name))
		if err != nil {
			t.Fatal(err)
		}
		networks[name] = n
	}
	add("free", func(*protocol.Params) {})
	add("other", func(*protocol.Params) {})
	add("single", func(p *protocol.Params) { p.MinLinks, p.MaxValue = 1, protocol.MaxValue })
	add("sixteen", func(p *protocol.Params) { p.MinLinks, p.Contact, p.Comment = 16, "nobody@example.org", "ℵ₀ links" })
	add("paid", func(p *protocol.Params) {
		p.WorkPerKiB = 16
		p.NameHardening = protocol.DefaultParams().NameHardening
	})
	add("certified", func(p *protocol.Params) {
		p.WorkPerKiB, p.WorkPerKiBCertified, p.Authorities = 16, 4, [][]byte{rootCA.authority()}
	})
	add("closed", func(p *protocol.Params) {
		p.AuthRequired, p.Authorities = true, [][]byte{rootCA.authority(), sideCA.authority()}
	})
	return networks
}

func TestVectorsNetworks(t *testing.T) {
	t.Parallel()
	files := map[string]protocol.NetworkFile{}
	for name, n := range fixedNetworks(t) {
		files[name] = n.File([]string{"/dns4/" + name + ".example.org/tcp/4001"})
	}
	current(t, "networks.json", files)
	for name, n := range vectorNetworks(t) {
		for _, g := range n.Genesis() {
			if err := n.Check(g, noWork); err != nil {
				t.Errorf("%s: its own genesis: %v", name, err)
			}
		}
	}
}

// workVector is a proof of work.
type workVector struct {
	Challenge hexBytes `json:"challenge"`
	Effort    uint32   `json:"effort"`
	Nonce     hexBytes `json:"nonce"`
	Solution  hexBytes `json:"solution"`
}

// workBook solves as a [protocol.WorkSolver] does, and remembers its proofs in testdata.
type workBook struct {
	t     testing.TB
	known []workVector
	used  []workVector
}

func newWorkBook(t testing.TB) *workBook {
	t.Helper()
	return &workBook{t: t, known: readVectors[[]workVector](t, "work.json")}
}

func (b *workBook) solve(challenge []byte, effort uint32) (protocol.Work, error) {
	for _, k := range b.known {
		if string(k.Challenge) == string(challenge) && k.Effort == effort {
			b.used = append(b.used, k)
			return protocol.Work{Nonce: [8]byte(k.Nonce), Solution: [16]byte(k.Solution), Effort: effort}, nil
		}
	}
	if !*update {
		return protocol.Work{}, fmt.Errorf("no proof for challenge %x: run with -update", challenge)
	}
	p, err := pow.Solve(context.Background(), challenge, effort, 1, nil)
	if err != nil {
		return protocol.Work{}, err
	}
	b.used = append(b.used, workVector{challenge, effort, p.Nonce[:], p.Solution[:]})
	return protocol.Work{Nonce: p.Nonce, Solution: p.Solution, Effort: effort}, nil
}

func TestVectorsWork(t *testing.T) {
	t.Parallel()
	for i, v := range readVectors[[]workVector](t, "work.json") {
		w := protocol.Work{Nonce: [8]byte(v.Nonce), Solution: [16]byte(v.Solution), Effort: v.Effort}
		if err := verifyWork(v.Challenge, w); err != nil {
			t.Errorf("%d: %v", i, err)
		}
		w.Effort++ // the effort is part of the seed
		if err := verifyWork(v.Challenge, w); err == nil {
			t.Errorf("%d: verifies at another effort", i)
		}
	}
}

// nameVector is a name or a masking key and what it derives to.
type nameVector struct {
	Network    string                `json:"network"`
	Name       string                `json:"name,omitempty"`
	Seed       hexBytes              `json:"seed,omitempty"`
	Key        *protocol.SelectorKey `json:"key,omitempty"`
	MaskingKey string                `json:"maskingKey,omitempty"`
	Mask       hexBytes              `json:"mask"`
}

func TestVectorsNames(t *testing.T) {
	t.Parallel()
	var made []nameVector
	networks := fixedNetworks(t)
	for _, network := range []string{"free", "paid"} {
		n := networks[network]
		for _, name := range []string{"horse", "Horse", "a#b\\c", "ℵ", "\u00e9", "e\u0301", "\x00"} {
			d := deriveFixed(n, name, 0)
			key := protocol.SelectorKey(d.key[32:])
			made = append(made, nameVector{Network: network, Name: name, Seed: hexBytes(d.key.Seed()), Key: &key, Mask: d.mask[:]})
		}
		made = append(made, nameVector{Network: network, MaskingKey: "correct horse", Mask: maskFixed(n, "correct horse")})
	}
	current(t, "names.json", made)
	for _, v := range made {
		n := networks[v.Network]
		if v.MaskingKey != "" {
			if m := n.DeriveMask(v.MaskingKey); string(m[:]) != string(v.Mask) {
				t.Errorf("masking key %q: %x", v.MaskingKey, m)
			}
			continue
		}
		k, err := n.DeriveName(v.Name)
		m := k.Mask()
		if err != nil || k.Selector() != *v.Key || string(m[:]) != string(v.Mask) {
			t.Errorf("name %q: key %s, mask %x, %v", v.Name, k.Selector(), m, err)
		}
	}
}

// TestNetworkFileJSON holds the text of a network file still, for other languages to read.
func TestNetworkFileJSON(t *testing.T) {
	t.Parallel()
	n := fixedNetworks(t)["free"]
	raw, err := json.Marshal(n.File(nil))
	if err != nil {
		t.Fatal(err)
	}
	var keys map[string]any
	if err := json.Unmarshal(raw, &keys); err != nil {
		t.Fatal(err)
	}
	for _, key := range []string{"format", "id", "params", "seeds", "genesis"} {
		if keys[key] == nil {
			t.Errorf("no %q in %s", key, raw)
		}
	}
}
