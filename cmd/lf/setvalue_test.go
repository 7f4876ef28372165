package main

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/lf-store/lf/protocol"
)

// valueSet opens the one record that a fake node got, under names, and returns its value.
func (f *fakeNode) valueSet(t *testing.T, names ...string) string {
	t.Helper()
	if len(f.frames) != 1 {
		t.Fatalf("%d records were submitted", len(f.frames))
	}
	r, err := protocol.DecodeFrame(f.frames[0])
	if err != nil {
		t.Fatal(err)
	}
	if len(r.Selectors) != len(names) {
		t.Fatalf("%d selectors, want %v", len(r.Selectors), names)
	}
	primary, err := f.network.DeriveName(names[0])
	if err != nil {
		t.Fatal(err)
	}
	value, err := f.network.Open(primary.Mask(), r.SealingOf(), r.ValueBytes())
	if err != nil {
		t.Fatal(err)
	}
	return string(value)
}

// TestSetShowsWhat sets as scripts do: no question is asked, and standard error says what was set.
func TestSetShowsWhat(t *testing.T) {
	file := writeFile(t, "from a file\n")
	for name, c := range map[string]struct {
		stdin string
		args  []string
		names []string
		value string
		says  string
	}{
		"one name":       {"", []string{"horse", "Bad Horse"}, []string{"horse"}, "Bad Horse", `lf: set horse#0 to "Bad Horse" (9 bytes)`},
		"two names":      {"", []string{"bad", "horse#2", "He rides"}, []string{"bad", "horse"}, "He rides", `lf: set the composite key of 2 names, bad#0 horse#2, to "He rides" (8 bytes)`},
		"forgot quotes":  {"", []string{"horse#2", "He", "rides", "across"}, []string{"horse", "He", "rides"}, "across", `3 names, horse#2 He#0 rides#0, to "across"`},
		"unset variable": {"", []string{"cfg", "maxconn"}, []string{"cfg"}, "maxconn", `lf: set cfg#0 to "maxconn"`},
		"by flag":        {"", []string{"bad", "horse#2", "--value", "He rides"}, []string{"bad", "horse"}, "He rides", `to "He rides"`},
		"dash by flag":   {"", []string{"k", "--value", "-"}, []string{"k"}, "-", `to "-" (1 byte)`},
		"minus by flag":  {"", []string{"k", "--value=-5"}, []string{"k"}, "-5", `to "-5"`},
		"file":           {"", []string{"k", "--value-file", file}, []string{"k"}, "from a file\n", "to 12 bytes from " + file},
		"old flag":       {"", []string{"k", "--file", file}, []string{"k"}, "from a file\n", "to 12 bytes from " + file},
		"standard input": {"secret\n", []string{"k", "-"}, []string{"k"}, "secret\n", "to 7 bytes from standard input"},
		"input by flag":  {"secret\n", []string{"a", "b", "--value-file", "-"}, []string{"a", "b"}, "secret\n", "to 7 bytes from standard input"},
		"bytes":          {"", []string{"k", "\xff"}, []string{"k"}, "\xff", "to 1 byte that are no text"},
		"steers":         {"", []string{"k", "\x1b[2J"}, []string{"k"}, "\x1b[2J", `"\x1b[2J"`},
		"long":           {"", []string{"k", strings.Repeat("ab", 300)}, []string{"k"}, strings.Repeat("ab", 300), "…"},
		"empty":          {"", []string{"k", "", "--allow-empty"}, []string{"k"}, "", "lf: set k#0 to the empty value"},
		"empty input":    {"", []string{"k", "-", "--allow-empty"}, []string{"k"}, "", "to 0 bytes from standard input"},
	} {
		t.Run(name, func(t *testing.T) {
			f := newFakeNode(t, nil)
			o := lfRun(t, c.stdin, append([]string{"--home", f.home, "set"}, c.args...)...)
			if o.code != exitDone || !strings.Contains(o.stderr, c.says) {
				t.Fatalf("%+v", o)
			}
			if got := f.valueSet(t, c.names...); got != c.value {
				t.Errorf("set %q", got)
			}
			if strings.Contains(o.stderr, "secret") || strings.Contains(o.stderr, "\x1b") {
				t.Errorf("shows it: %s", o.stderr)
			}
		})
	}
	f := newFakeNode(t, nil)
	t.Setenv("LF_MASK", "mask")
	if o := lfRun(t, "", "--home", f.home, "set", "k", "secret"); !strings.Contains(o.stderr, "6 bytes, sealed with the masking key") || strings.Contains(o.stderr, "secret") {
		t.Errorf("behind a mask: %+v", o)
	}
	if o := lfRun(t, "", "--home", f.home, "--quiet", "set", "k", "x"); o.stderr != "" {
		t.Errorf("quiet: %+v", o)
	}
}

// TestSetRefuses publishes nothing that is empty by mistake, or said twice.
func TestSetRefuses(t *testing.T) {
	t.Parallel()
	nothing := writeFile(t, "")
	for name, c := range map[string]struct {
		args []string
		code int
		says string
	}{
		"empty argument": {[]string{"k", ""}, exitUsage, "was a variable unset?"},
		"empty flag":     {[]string{"k", "--value", ""}, exitUsage, "was a variable unset?"},
		"empty input":    {[]string{"k", "-"}, exitFailed, "standard input: it is empty"},
		"empty file":     {[]string{"k", "--value-file", nothing}, exitFailed, "it is empty: --allow-empty"},
		"two values":     {[]string{"k", "--value", "x", "--value-file", nothing}, exitUsage, "give one of them"},
		"two files":      {[]string{"k", "--file", nothing, "--value-file", nothing}, exitUsage, "give one of them"},
		"no name":        {[]string{"--value", "x"}, exitUsage, "at least one NAME"},
		"no value":       {[]string{"k"}, exitUsage, "a VALUE"},
		"no file":        {[]string{"k", "--value-file", filepath.Join(nothing, "x")}, exitFailed, "value:"},
		"too large":      {[]string{"k", strings.Repeat("x", protocol.MaxPlaintext+1)}, exitFailed, "65536"},
	} {
		t.Run(name, func(t *testing.T) {
			f := newFakeNode(t, nil)
			o := lfRun(t, "", append([]string{"--home", f.home, "set"}, c.args...)...)
			if o.code != c.code || !strings.Contains(o.stderr, c.says) || len(f.frames) != 0 {
				t.Errorf("%d records, %+v", len(f.frames), o)
			}
		})
	}
}

// TestSetAsks sets on a terminal, as a person does.
func TestSetAsks(t *testing.T) {
	t.Parallel()
	typo := []string{"horse#2", "He", "rides", "across"}
	for name, c := range map[string]struct {
		args   []string
		types  string
		asks   string // part of the question, "" where there is none
		isDone bool
	}{
		"one name":              {[]string{"horse", "Bad Horse"}, "", "", true},
		"yes":                   {typo, "y\n", "the last of 4 arguments is taken as the value. Is that meant?", true},
		"YES":                   {typo, "YES\n", "Is that meant?", true},
		"no":                    {typo, "n\n", "Is that meant?", false},
		"just return":           {typo, "\n", "Is that meant?", false},
		"something else":        {typo, "what\n", "Is that meant?", false},
		"end of input":          {typo, "\x04", "Is that meant?", false},
		"quoted":                {[]string{"bad", "horse#2", "He rides across the nation"}, "", "", true},
		"like a selector":       {[]string{"horse#1", "horse#2"}, "n\n", "looks like a name with an ordinal", false},
		"like a range":          {[]string{"horse#1", "horse#"}, "n\n", "looks like a name with an ordinal", false},
		"a hash in a sentence":  {[]string{"k", "we are #1"}, "", "", true},
		"--value":               {[]string{"bad", "horse#2", "--value", "horse#3"}, "", "", true},
		"typed value":           {[]string{"bad", "horse#2", "-"}, "He rides\n\x04", "", true},
		"quiet, asked the same": {append([]string{"-q"}, typo...), "n\n", "Is that meant?", false},
	} {
		t.Run(name, func(t *testing.T) {
			f := newFakeNode(t, nil)
			p := openPTY(t)
			p.typeIn(t, c.types)
			var stdout strings.Builder
			code := run(context.Background(), append([]string{"--home", f.home, "set"}, c.args...), p.terminal, &stdout, p.terminal)
			seen := p.close(t)
			if c.isDone != (code == exitDone) || c.isDone != (len(f.frames) == 1) {
				t.Errorf("code %d, %d records: %s", code, len(f.frames), seen)
			}
			if strings.Contains(seen, "[y/N]") != (c.asks != "") || !strings.Contains(seen, c.asks) {
				t.Errorf("seen: %s", seen)
			}
			if !strings.Contains(seen, "lf: set ") || !c.isDone && !strings.Contains(seen, "lf: nothing was set") {
				t.Errorf("seen: %s", seen)
			}
		})
	}
}

// TestSetAsksUntilInterrupted ends with the context while the question waits.
func TestSetAsksUntilInterrupted(t *testing.T) {
	f := newFakeNode(t, nil)
	p := openPTY(t)
	ctx, cancel := context.WithCancel(context.Background())
	p.onSeen("[y/N]", cancel)
	if code := run(ctx, []string{"--home", f.home, "set", "a", "b", "c"}, p.terminal, os.Stdout, p.terminal); code != exitFailed || len(f.frames) != 0 {
		t.Errorf("code %d, %d records", code, len(f.frames))
	}
	p.typeIn(t, "\n") // the read that is left over ends, and lets go of the terminal
	p.close(t)
}
