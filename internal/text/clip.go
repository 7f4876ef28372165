package text

import "strings"

// clipped is how much of a text that may be long [Clip] leaves, in bytes.
const clipped = 160

// Clip leaves out the middle of a long text. What is wrong with a name of a kilobyte is said at the
// end.
func Clip(s string) string {
	if len(s) <= clipped {
		return s
	}
	return strings.ToValidUTF8(s[:clipped/2], "") + "…" + strings.ToValidUTF8(s[len(s)-clipped/2:], "")
}
