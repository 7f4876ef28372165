package text_test

import (
	"testing"
	"time"

	"github.com/lf-store/lf/internal/text"
)

func TestWords(t *testing.T) {
	for got, want := range map[string]string{
		text.Count(0, "node", "nodes"): "0 nodes", text.Count(1, "node", "nodes"): "1 node", text.Count(uint64(2), "node", "nodes"): "2 nodes",
		text.Number(0): "0", text.Number(999): "999", text.Number(1000): "1,000", text.Number(1<<64 - 1): "18,446,744,073,709,551,615",
		text.Size(0): "0 B", text.Size(999): "999 B", text.Size(1000): "1.0 KiB", text.Size(1 << 20): "1.0 MiB",
		text.Size(1<<30 - 1): "1024.0 MiB", text.Size(12 << 30): "12.0 GiB", text.Size(1<<64 - 1): "17179869184.0 GiB",
		text.List(nil): "", text.List([]string{"a"}): "a", text.List([]string{"a", "b"}): "a and b", text.Join([]string{"a", "b", "c"}, "or"): "a, b or c",
		text.Duration(0): "0 ms", text.Duration(999 * time.Millisecond): "999 ms", text.Duration(99 * time.Second): "99 s",
		text.Duration(100 * time.Second): "2 min", text.Duration(100 * time.Minute): "2 h", text.Duration(71 * time.Hour): "71 h", text.Duration(72 * time.Hour): "3 days",
		text.Duration(1<<63 - 1): "106751 days", text.Ago(-time.Hour): "just now", text.Ago(time.Second): "1 s ago",
		text.Seconds(0.04): "0.0 s", text.Seconds(9.94): "9.9 s", text.Seconds(12.4): "12 s",
		text.Line("a\r\nb\x1b[31m\xff\u202e"): `a; b\x1b[31m\xff\u202e`, text.Line(""): "",
	} {
		if got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
}

func TestDistance(t *testing.T) {
	for pair, want := range map[[2]string]int{
		{"", ""}: 0, {"", "abc"}: 3, {"abc", ""}: 3, {"status", "statsu"}: 2, {"kitten", "sitting"}: 3, {"get", "gt"}: 1,
	} {
		if got := text.Distance(pair[0], pair[1]); got != want {
			t.Errorf("%q and %q: %d, want %d", pair[0], pair[1], got, want)
		}
	}
}
