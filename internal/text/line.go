package text

import (
	"fmt"
	"strconv"
	"strings"
	"unicode/utf8"
)

// Printable escapes what could steer a terminal: control characters, characters that change the
// direction of text, and those without width. All foreign text passes it on its way to a terminal.
func Printable(s string) string {
	var b strings.Builder
	for i := 0; i < len(s); {
		r, size := utf8.DecodeRuneInString(s[i:])
		switch {
		case r == utf8.RuneError && size == 1:
			fmt.Fprintf(&b, `\x%02x`, s[i])
		case strconv.IsPrint(r):
			b.WriteRune(r)
		default:
			quoted := strconv.QuoteRuneToASCII(r)
			b.WriteString(quoted[1 : len(quoted)-1])
		}
		i += size
	}
	return b.String()
}

// Line is a text in one line that is [Printable].
func Line(s string) string {
	isNewline := func(r rune) bool { return r == '\n' || r == '\r' }
	return Printable(strings.Join(strings.FieldsFunc(s, isNewline), "; "))
}
