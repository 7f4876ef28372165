package main

import (
	"strings"
	"testing"
	"time"

	"github.com/lf-store/lf"
	"github.com/lf-store/lf/internal/text"
)

func TestShown(t *testing.T) {
	t.Parallel()
	for value, want := range map[string]string{
		"plain text, ünïcode 名": "plain text, ünïcode 名",
		"":                      `""`,
		" space":                `" space"`,
		"(deleted)":             `"(deleted)"`,
		`"quoted"`:              `"\"quoted\""`,
		"two\nlines":            `"two\nlines"`,
		"\x1b[31mred":           `"\x1b[31mred"`,
		"\u202eright to left":   `"\u202eright to left"`,
		"zero\u200bwidth":       `"zero\u200bwidth"`,
		"\xff\x00":              "(hex) ff00",
	} {
		if got := shown([]byte(value)); got != want {
			t.Errorf("%q is shown as %s, want %s", value, got, want)
		}
	}
}

// FuzzPrintable looks for anything that gets through to the terminal, and for two values that look
// alike.
func FuzzPrintable(f *testing.F) {
	f.Add("plain", "\x1b[2J")
	f.Add("a\\x1b", "a\x1b")
	f.Fuzz(func(t *testing.T, a, b string) {
		for _, s := range []string{text.Printable(a), shown([]byte(a)), text.Line(a)} {
			for _, r := range s {
				if r < ' ' || (r >= 0x7f && r < 0xa0) {
					t.Fatalf("%q comes out as %q", a, s)
				}
			}
		}
		if a != b && shown([]byte(a)) == shown([]byte(b)) {
			t.Fatalf("%q and %q look alike: %s", a, b, shown([]byte(a)))
		}
	})
}

func TestTable(t *testing.T) {
	t.Parallel()
	rows := [][]string{{"A", "B", "LAST"}, {"名名", "x", strings.Repeat("long ", 20)}}
	cutLast(rows, 40)
	want := "A     B  LAST\n名名  x  long long long long long long …\n"
	if got := table(rows); got != want {
		t.Fatalf("got\n%swant\n%s", got, want)
	}
}

func TestParseTime(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)
	for s, want := range map[string]time.Time{
		"2026-11-23T15:04:05Z":      time.Date(2026, 11, 23, 15, 4, 5, 0, time.UTC),
		"2026-11-23T15:04:05+01:00": time.Date(2026, 11, 23, 14, 4, 5, 0, time.UTC),
		"2026-11-23":                time.Date(2026, 11, 23, 0, 0, 0, 0, time.Local),
		"2026-11-23 15:04":          time.Date(2026, 11, 23, 15, 4, 0, 0, time.Local),
		"90m":                       now.Add(-90 * time.Minute),
		"1795435445000":             time.UnixMilli(1795435445000),
	} {
		if got, err := parseTime("as-of", s, now); err != nil || got != uint64(want.UnixMilli()) {
			t.Errorf("%q is %d, %v; want %d", s, got, err, want.UnixMilli())
		}
	}
	for _, s := range []string{"", "yesterday", "1970-01-01", "0", "-5m", "2026-13-01", "1700000000", "99999999999999999"} {
		if got, err := parseTime("as-of", s, now); err == nil {
			t.Errorf("%q is taken for %d", s, got)
		}
	}
}

func TestWorkLine(t *testing.T) {
	t.Parallel()
	got := workLine(lf.Work{Effort: 400, Attempts: 100, Solutions: 200, Elapsed: 5 * time.Second})
	for _, want := range []string{"5s so far", "10s on average", "1 in 20 over 30s"} {
		if !strings.Contains(got, want) {
			t.Errorf("%q does not say %q", got, want)
		}
	}
	if got := workLine(lf.Work{Effort: 400}); !strings.Contains(got, "0s") {
		t.Errorf("at the beginning: %q", got)
	}
}

func TestFileNameOf(t *testing.T) {
	t.Parallel()
	for name, want := range map[string]string{
		"test": "test.lfnet", "my team": "my-team.lfnet", "../../etc/x": "etc-x.lfnet", ".hidden": "hidden.lfnet", "Größe": "Größe.lfnet",
	} {
		if got := fileNameOf(name, ".lfnet"); got != want {
			t.Errorf("%q becomes %q, want %q", name, got, want)
		}
	}
}
