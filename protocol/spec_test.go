package protocol_test

import (
	"encoding/hex"
	"os"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/lf-store/lf/protocol"
)

// TestSpecExample holds the example in SPEC.md to the vector that it annotates.
func TestSpecExample(t *testing.T) {
	t.Parallel()
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

// TestDefaultPrice holds the default price to its derivation in SPEC.md: about 500 units for a
// typical record.
func TestDefaultPrice(t *testing.T) {
	t.Parallel()
	n := testNetwork(t, func(p *protocol.Params) { p.WorkPerKiB = protocol.DefaultParams().WorkPerKiB })
	key := testKey(t)
	r := compose(t, n, key, draft(t, n, protocol.OwnerOf(key), string(noise(32))))
	if got := n.RequiredEffort(r); got != 465 {
		t.Errorf("a typical record takes an effort of %d, SPEC.md says 465", got)
	}
}

// TestSpecSections: SPEC.md numbers its sections in order, each number once, and refers to no
// section that is not there.
func TestSpecSections(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile("SPEC.md")
	if err != nil {
		t.Fatal(err)
	}
	there := map[string]bool{}
	var last [2]int
	for _, m := range regexp.MustCompile(`(?m)^##+ (\d+)(?:\.(\d+))?\.? `).FindAllStringSubmatch(string(text), -1) {
		chapter, _ := strconv.Atoi(m[1])
		section, _ := strconv.Atoi(m[2])
		if now := [2]int{chapter, section}; now != [2]int{last[0] + 1, 0} && now != [2]int{last[0], last[1] + 1} {
			t.Errorf("section %v comes after %v", now, last)
		}
		last = [2]int{chapter, section}
		there[strings.TrimSuffix(m[1]+"."+m[2], ".")] = true
	}
	for _, m := range regexp.MustCompile(`[Ss]ections? (\d+(?:\.\d+)?)`).FindAllStringSubmatch(string(text), -1) {
		if !there[m[1]] {
			t.Errorf("there is no section %s", m[1])
		}
	}
	if len(there) < 40 {
		t.Errorf("%d sections", len(there))
	}
}
