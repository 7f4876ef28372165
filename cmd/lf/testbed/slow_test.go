package testbed

import (
	"strings"
	"testing"
	"time"
)

// TestHeavyText: a file as large as may be read is told to be wrong in good time, however it is made.
func TestHeavyText(t *testing.T) {
	for name, one := range map[string]string{
		"brackets": "[", "braces": "{", "entries": "a: ", "items": "- ", "lines": "- a\n", "keys": "a:\n", "quotes": `"`, "bars": "|\n", "tabs": "\t",
		"anchors": "&a ", "commas": ",", "colons": ":", "tags": "! ", "question": "? ", "numbers": "1\n", "steps": "steps: [\n",
	} {
		start := time.Now()
		_, err := Parse("x.yaml", []byte(strings.Repeat(one, maxScenario/len(one))))
		t.Logf("%s: %s", name, time.Since(start))
		if err == nil {
			t.Errorf("%s: a scenario", name)
		}
	}
}
