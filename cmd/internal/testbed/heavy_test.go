package testbed

import (
	"strings"
	"testing"
	"time"
)

// TestHeavyText: a file as large as may be read is told to be wrong in good time, however it is
// made.
func TestHeavyText(t *testing.T) {
	for name, one := range map[string]string{
		"brackets": "[", "braces": "{", "entries": "a: ", "items": "- ", "lines": "- a\n", "keys": "a:\n", "quotes": `"`, "bars": "|\n", "tabs": "\t",
		"anchors": "&a ", "commas": ",", "colons": ":", "tags": "! ", "question": "? ", "numbers": "1\n", "steps": "steps: [\n",
	} {
		for _, n := range []int{maxScenario / len(one), maxLines - 1, maxNesting} {
			start := time.Now()
			_, err := Parse("x.yaml", []byte(strings.Repeat(one, min(n, maxScenario/len(one)))))
			// about 200 ms, on a computer that is not busy
			if took := time.Since(start); err == nil || took > 20*time.Second {
				t.Errorf("%s, %d times: %v after %s", name, n, err == nil, took)
			}
		}
	}
}
