package store

import (
	"encoding/hex"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"testing"

	"github.com/lf-store/lf/protocol"
)

// TestVectors puts the protocol's histories into a store, parents first and then in reverse: which records attach, which rule
// the others break, what is hidden, and who is certified.
func TestVectors(t *testing.T) {
	read := func(name string, into any) {
		raw, err := os.ReadFile(filepath.Join("..", "protocol", "testdata", name))
		if err == nil {
			err = json.Unmarshal(raw, into)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	var networks map[string]json.RawMessage
	read("networks.json", &networks)
	var histories []struct {
		Name, Network string
		Records       []struct {
			Name, Frame                 string
			Rule                        protocol.Rule
			Attached, Hidden, Certified bool
		}
	}
	read("histories.json", &histories)
	for _, h := range histories {
		n, _, err := protocol.ParseNetworkFile(networks[h.Network])
		if err != nil {
			t.Fatal(err)
		}
		w := worldOf(n)
		var records []*protocol.Record
		for _, v := range h.Records {
			frame, err := hex.DecodeString(v.Frame)
			if err != nil {
				t.Fatal(err)
			}
			r, err := protocol.DecodeFrame(frame)
			if err != nil {
				t.Fatal(err)
			}
			records = append(records, r)
		}
		forward, backward := openTest(t, w, Options{volatile: true}), openTest(t, w, Options{volatile: true})
		for i := range records {
			if _, err := backward.Put(t.Context(), records[len(records)-1-i], 0); err != nil {
				t.Fatal(err)
			}
			result, err := forward.Put(t.Context(), records[i], 0)
			if err != nil {
				t.Fatal(err)
			}
			var invalid *protocol.InvalidError
			var rule protocol.Rule
			if errors.As(result.Err, &invalid) {
				rule = invalid.Rule
			}
			if v := h.Records[i]; rule != v.Rule || (result.State == Attached) != v.Attached {
				t.Errorf("%s: %s: %v, rule %q", h.Name, v.Name, result.State, rule)
			}
		}
		for i, r := range records {
			for name, s := range map[string]*Store{"forward": forward, "backward": backward} {
				v := h.Records[i]
				_, info, err := s.Get(t.Context(), r.ID())
				if v.Attached != (info.State == Attached) || v.Hidden != info.Hidden || err != nil && !errors.Is(err, ErrNotFound) {
					t.Errorf("%s, %s: %s: %+v, %v", h.Name, name, v.Name, info, err)
				}
				if r.Type != protocol.TypeDatum || !v.Attached {
					continue
				}
				q := Query{Explain: true, Owners: []protocol.Owner{r.Owner}, Since: r.Timestamp, Until: r.Timestamp}
				for _, sel := range r.Selectors {
					q.Where = append(q.Where, Range{sel.Key, sel.Ordinal, sel.Ordinal})
				}
				certified := false
				for _, k := range mustQuery(t, s, q).Keys {
					certified = k.Claims[0].Standing.Certified
				}
				if certified != v.Certified {
					t.Errorf("%s, %s: %s: certified %v", h.Name, name, v.Name, certified)
				}
			}
		}
	}
}
