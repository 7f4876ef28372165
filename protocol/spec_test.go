package protocol_test

import (
	"encoding/hex"
	"os"
	"strings"
	"testing"

	"github.com/lf-store/lf/protocol"
)

// TestSpecExample holds the example in SPEC.md to the vector that it annotates.
func TestSpecExample(t *testing.T) {
	text, err := os.ReadFile("SPEC.md")
	if err != nil {
		t.Fatal(err)
	}
	_, example, _ := strings.Cut(string(text), "```record\n")
	example, _, _ = strings.Cut(example, "```")
	digits := ""
	for line := range strings.Lines(example) {
		digits += strings.Fields(line)[0]
	}
	frame, err := hex.DecodeString(digits)
	if err != nil {
		t.Fatal(err)
	}
	for _, v := range readVectors[[]acceptVector](t, "accept.json") {
		if v.Name == "work of the required effort" {
			if string(frame) != string(v.Frame) {
				t.Error("the example is not the vector")
			}
			if n := vectorNetworks(t)[v.Network].ID().String(); !strings.Contains(string(text), n) || !strings.Contains(string(text), v.ID.String()) {
				t.Error("the example's IDs are not the vector's")
			}
		}
	}
}

// TestDefaultPrice holds the default price to its derivation in SPEC.md: about 500 units for a typical record.
func TestDefaultPrice(t *testing.T) {
	n := testNetwork(t, func(p *protocol.Params) { p.WorkPerKiB = protocol.DefaultParams().WorkPerKiB })
	key := testKey(t)
	r := compose(t, n, key, draft(t, n, protocol.OwnerOf(key), string(noise(32))))
	if got := n.RequiredEffort(r); got != 465 {
		t.Errorf("a typical record takes an effort of %d, SPEC.md says 465", got)
	}
}
