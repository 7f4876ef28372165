package protocol_test

import (
	"encoding/hex"
	"encoding/json"
	"errors"
	"flag"
	"os"
	"path/filepath"
	"reflect"
	"testing"

	"github.com/lf-store/lf/pow"
	"github.com/lf-store/lf/protocol"
)

// go test ./protocol -run Vectors -update writes testdata again. All but new proofs of work comes
// out the same.
var update = flag.Bool("update", false, "write the vectors in testdata again")

// hexBytes are hexadecimal in JSON.
type hexBytes []byte

func (h hexBytes) MarshalText() ([]byte, error) { return []byte(hex.EncodeToString(h)), nil }

func (h *hexBytes) UnmarshalText(text []byte) (err error) {
	*h, err = hex.DecodeString(string(text))
	return err
}

// acceptVector is a valid record and what is in it. testdata/README.md says what the fields mean.
type acceptVector struct {
	Name           string               `json:"name"`
	Network        string               `json:"network"`
	Frame          hexBytes             `json:"frame"`
	ID             protocol.ID          `json:"id"`
	Type           uint64               `json:"type"`
	Owner          protocol.Owner       `json:"owner"`
	Timestamp      uint64               `json:"timestamp"`
	Links          []protocol.ID        `json:"links"`
	Value          *protocol.ValueID    `json:"value"`
	ValueSize      uint32               `json:"valueSize"`
	Selectors      []vectorPoint        `json:"selectors"`
	Composite      protocol.CompositeID `json:"composite"`
	SignedHash     hexBytes             `json:"signedHash"`
	Challenge      hexBytes             `json:"challenge"`
	RequiredEffort uint32               `json:"requiredEffort"`
	ReducedEffort  uint32               `json:"reducedEffort"`
	Effort         uint32               `json:"effort"`
	NeedsCert      bool                 `json:"needsCertificate"`
	Mask           hexBytes             `json:"mask,omitempty"`
	Plain          *hexBytes            `json:"plain,omitempty"`
}

type vectorPoint struct {
	Key     protocol.SelectorKey `json:"key"`
	Ordinal uint64               `json:"ordinal,string"`
}

// rejectVector is a frame that is refused, and by which rule.
type rejectVector struct {
	Name    string        `json:"name"`
	Network string        `json:"network"`
	Frame   hexBytes      `json:"frame"`
	Rule    protocol.Rule `json:"rule"`
}

// vectorNetworks returns the networks of the vectors, opened from their files.
func vectorNetworks(t testing.TB) map[string]*protocol.Network {
	t.Helper()
	networks := map[string]*protocol.Network{}
	for name, file := range readVectors[map[string]json.RawMessage](t, "networks.json") {
		n, _, err := protocol.ParseNetworkFile(file)
		if err != nil {
			t.Fatalf("network %s: %v", name, err)
		}
		networks[name] = n
	}
	return networks
}

func readVectors[V any](t testing.TB, name string) V {
	t.Helper()
	raw, err := os.ReadFile(filepath.Join("testdata", name))
	if err != nil {
		t.Fatal(err)
	}
	var v V
	if err := json.Unmarshal(raw, &v); err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	return v
}

// current compares a file of vectors with what the generator makes, and writes it with -update.
func current[V any](t *testing.T, name string, made V) {
	t.Helper()
	if *update {
		raw, err := json.MarshalIndent(made, "", "  ")
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join("testdata", name), append(raw, '\n'), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	raw, err := json.Marshal(made)
	if err != nil {
		t.Fatal(err)
	}
	var want V
	if err := json.Unmarshal(raw, &want); err != nil {
		t.Fatal(err)
	}
	if got := readVectors[V](t, name); !reflect.DeepEqual(got, want) {
		t.Errorf("testdata/%s is not what the generator makes: go test ./protocol -run Vectors -update", name)
	}
}

func verifyWork(challenge []byte, w protocol.Work) error {
	return pow.Verify(challenge, w.Effort, pow.Proof{Nonce: w.Nonce, Solution: w.Solution})
}

func ruleOf(err error) protocol.Rule {
	var e *protocol.InvalidError
	if errors.As(err, &e) {
		return e.Rule
	}
	return ""
}

// check is what a node does with a frame as far as this package goes.
func check(n *protocol.Network, frame []byte) (*protocol.Record, error) {
	r, err := protocol.DecodeFrame(frame)
	if err != nil {
		return nil, err
	}
	return r, n.Check(r, verifyWork)
}
