package text

import (
	"fmt"
	"strconv"
	"strings"
)

// Count is a number of things: "1 node", "2 nodes".
func Count[N int | uint32 | uint64](n N, one, many string) string {
	if n == 1 {
		many = one
	}
	return fmt.Sprintf("%d %s", n, many)
}

// Number is a number with its thousands apart: "1,234,567".
func Number(n uint64) string {
	s := strconv.FormatUint(n, 10)
	for i := len(s) - 3; i > 0; i -= 3 {
		s = s[:i] + "," + s[i:]
	}
	return s
}

// Size is a number of bytes: "999 B", "1.5 KiB", "2.0 GiB".
func Size(bytes uint64) string {
	switch b := float64(bytes); {
	case bytes < 1000:
		return fmt.Sprintf("%d B", bytes)
	case bytes < 1<<20:
		return fmt.Sprintf("%.1f KiB", b/(1<<10))
	case bytes < 1<<30:
		return fmt.Sprintf("%.1f MiB", b/(1<<20))
	default:
		return fmt.Sprintf("%.1f GiB", b/(1<<30))
	}
}

// List is "a, b and c".
func List(words []string) string { return Join(words, "and") }

// Join is [List] with another word before the last: "a, b or c".
func Join(words []string, with string) string {
	if n := len(words); n > 1 {
		return strings.Join(words[:n-1], ", ") + " " + with + " " + words[n-1]
	}
	return strings.Join(words, "")
}
