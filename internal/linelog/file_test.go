package linelog_test

import (
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/lf-store/lf/internal/linelog"
)

const maxLine = 64

// open returns a file and its lines.
func open(t *testing.T, path string) (*linelog.File, []string) {
	t.Helper()
	var lines []string
	f, err := linelog.Open(path, maxLine, func(line []byte) { lines = append(lines, strings.TrimSpace(string(line))) })
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := f.Close(); err != nil && !errors.Is(err, os.ErrClosed) {
			t.Error(err)
		}
	})
	return f, lines
}

func add(t *testing.T, f *linelog.File, values ...any) {
	t.Helper()
	for _, v := range values {
		if err := f.Append(v, true); err != nil {
			t.Fatal(err)
		}
	}
}

func TestAppend(t *testing.T) {
	path := filepath.Join(t.TempDir(), "log")
	f, lines := open(t, path)
	if len(lines) != 0 {
		t.Fatal(lines)
	}
	add(t, f, "a", "b")
	if _, lines = open(t, path); !slices.Equal(lines, []string{`"a"`, `"b"`}) || f.Lines() != 2 {
		t.Fatal(lines, f.Lines())
	}
	if info, err := os.Stat(path); err != nil || info.Mode().Perm() != 0o600 {
		t.Fatal(info, err)
	}
}

// TestCutOff: a line without an end, or one that is too long, spoils no other.
func TestCutOff(t *testing.T) {
	path := filepath.Join(t.TempDir(), "log")
	for _, torn := range []string{`"c`, strings.Repeat("x", maxLine), strings.Repeat("x", 3*maxLine)} {
		if err := os.WriteFile(path, []byte("\"a\"\n"+strings.Repeat("y", 5*maxLine)+"\n\"b\"\n"+torn), 0o600); err != nil {
			t.Fatal(err)
		}
		f, lines := open(t, path)
		if !slices.Equal(lines, []string{`"a"`, `"b"`}) {
			t.Fatal(lines)
		}
		add(t, f, "d")
		if _, lines = open(t, path); lines[len(lines)-1] != `"d"` {
			t.Fatal(lines)
		}
	}
}

func TestReplace(t *testing.T) {
	path := filepath.Join(t.TempDir(), "log")
	f, _ := open(t, path)
	add(t, f, "a", "b")
	failed := errors.New("failed")
	if err := f.Replace(func(func(any) error) error { return failed }); !errors.Is(err, failed) {
		t.Fatal(err)
	}
	add(t, f, "c")
	err := f.Replace(func(add func(any) error) error { return errors.Join(add("x"), add("y")) })
	if err != nil {
		t.Fatal(err)
	}
	add(t, f, "z")
	if _, lines := open(t, path); !slices.Equal(lines, []string{`"x"`, `"y"`, `"z"`}) || f.Lines() != 3 {
		t.Fatal(lines)
	}
}
