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

// TestSpecLimits holds the tables of limits and of parameters in SPEC.md to the constants.
func TestSpecLimits(t *testing.T) {
	text, err := os.ReadFile("SPEC.md")
	if err != nil {
		t.Fatal(err)
	}
	p := protocol.DefaultParams()
	number := func(n uint64) string {
		s := strconv.FormatUint(n, 10)
		for i := len(s) - 3; i > 0; i -= 3 {
			s = s[:i] + "," + s[i:]
		}
		return s
	}
	for _, row := range []string{
		"| header | " + number(protocol.MaxHeader) + " bytes (",
		"| value, sealed | `maxValue` ≤ " + number(protocol.MaxValue) + " bytes; types 3 and 4: " + number(protocol.MaxCertificateValue) + " |",
		"| value, plain | " + number(protocol.MaxPlaintext) + " bytes |",
		"| frame | " + number(protocol.MaxFrame) + " bytes |",
		"| links | `minLinks` to " + number(protocol.MaxLinks) + " |",
		"| mergeset | " + number(protocol.MaxMergeset) + " records |",
		"| authorities | " + number(protocol.MaxAuthorities) + ", of " + number(protocol.MaxAuthority) + " bytes each |",
		"| certificates in a chain | " + number(1+protocol.MaxIntermediates) + " |",
		"| selectors | " + number(protocol.MaxSelectors) + " |",
		"| name | " + number(protocol.MaxName) + " bytes |",
		"| hold | " + number(protocol.MaxHold/3_600_000) + " h past the drift |",
		"| network file | " + number(protocol.MaxNetworkFile) + " bytes |",
		"| `maxValue` | unsigned | 64 to " + number(protocol.MaxValue) + " | " + number(uint64(p.MaxValue)) + " |",
		"| `minLinks` | unsigned | " + number(protocol.MinLinksFloor) + " to " + number(protocol.MaxLinks) + " | " + number(uint64(p.MinLinks)) + " |",
		"| `clockDrift` | unsigned | 1,000 to 86,400,000 | " + number(p.ClockDrift) + " |",
		"| `workPerKiB` | unsigned | 0 to 2^24 | " + number(uint64(p.WorkPerKiB)) + " |",
		"| `workPerKiBCertified` | unsigned | 0 to 2^24 | " + number(uint64(p.WorkPerKiBCertified)) + " |",
		"| " + number(uint64(p.NameHardening.Passes)) + "; " + number(uint64(p.NameHardening.MemoryKiB)) + " | section 5 |",
	} {
		if !strings.Contains(string(text), row) {
			t.Errorf("SPEC.md lacks %q", row)
		}
	}
}
