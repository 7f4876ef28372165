package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/lf-store/lf/node/api"
	"github.com/lf-store/lf/protocol"
)

func writeFile(t *testing.T, text string) string {
	t.Helper()
	name := filepath.Join(t.TempDir(), "facts.jsonl")
	if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return name
}

func facts(count int) string {
	var b strings.Builder
	for i := range count {
		fmt.Fprintf(&b, `{"selectors":["fact#%d"],"value":"value %d"}`+"\n", i, i)
	}
	return b.String()
}

// writtenOrdinals counts how often each ordinal was written.
func (f *fakeNode) writtenOrdinals(t *testing.T) map[uint64]int {
	t.Helper()
	times := map[uint64]int{}
	seen := map[protocol.ID]bool{}
	for _, frame := range f.frames {
		r, err := protocol.DecodeFrame(frame)
		if err != nil {
			t.Fatal(err)
		}
		if !seen[r.ID()] {
			seen[r.ID()] = true
			times[r.Selectors[0].Ordinal]++
		}
	}
	return times
}

func TestLoadRefusesBadLines(t *testing.T) {
	t.Parallel()
	good := `{"selectors":["a"],"value":"x"}`
	for name, c := range map[string]struct{ line, want string }{
		"no JSON":           {"horse", "object"},
		"no selectors":      {`{"value":"x"}`, "no selectors"},
		"no value":          {`{"selectors":["b"]}`, "either"},
		"two values":        {`{"selectors":["b"],"value":"x","valueBase64":"eA=="}`, "either"},
		"bad base64":        {`{"selectors":["b"],"valueBase64":"%"}`, "base64"},
		"range":             {`{"selectors":["b#1#2"],"value":"x"}`, "range"},
		"bad ordinal":       {`{"selectors":["b#x"],"value":"x"}`, "ordinal"},
		"unknown field":     {`{"selectors":["b"],"value":"x","owner":"me"}`, "owner"},
		"two objects":       {good + good, "more than one"},
		"too large":         {`{"selectors":["b"],"valueBase64":"` + incompressible(8000) + `"}`, "too large"},
		"same selectors":    {good, "line 1"},
		"number":            {`{"selectors":["b"],"value":5}`, "value"},
		"not UTF-8":         {"{\"selectors\":[\"b\"],\"value\":\"\xff\"}", "UTF-8"},
		"half a character":  {`{"selectors":["b"],"value":"\ud83d"}`, "surrogate"},
		"cut-off":           {`{"selectors":["b"],"value":"x`, "object"},
		"bracket too many":  {`{"selectors":["b"],"value":"x"}}`, "goes on"},
		"garbage after it":  {`{"selectors":["b"],"value":"x"}]]]garbage`, "goes on"},
		"value twice":       {`{"selectors":["b"],"value":"x","value":"y"}`, "twice"},
		"other case":        {`{"selectors":["b"],"Value":"x"}`, `want "value"`},
		"half a name":       {`{"selectors":["sur\ud83d"],"value":"x"}`, "surrogate"},
		"half, and a whole": {`{"selectors":["\ufffd"],"value":"\ud83d"}`, "surrogate"},
		"lines in base64":   {`{"selectors":["b"],"valueBase64":"AA\nAA"}`, "line breaks"},
		"compressed":        {"\x1f\x8b\x08", "unpack it first"},
		"no-break space":    {"\u00a0" + `{"selectors":["b"],"value":"x"}`, "not JSON"},
		"too long":          {`{"selectors":["b"],"value":"` + strings.Repeat("x", 1<<20) + `"}`, "longer than"},
		"selector repeated": {`{"selectors":["b","b#0"],"value":"x"}`, "twice"},
	} {
		t.Run(name, func(t *testing.T) {
			f := newFakeNode(t, nil)
			o := lfRun(t, good+"\n\n"+c.line+"\n", "--home", f.home, "load", "-")
			if o.code == exitDone || len(f.frames) != 0 || !strings.Contains(o.stderr, "line 3") || !strings.Contains(o.stderr, c.want) {
				t.Fatalf("%d frames, %+v", len(f.frames), o)
			}
			if strings.Contains(o.stderr, "Go ") || strings.Contains(o.stderr, "json:") || strings.Contains(o.stderr, "struct") {
				t.Errorf("in the words of a program: %s", o.stderr)
			}
		})
	}
}

// TestLoadSkipsByteOrderMark loads what an editor on Windows wrote.
func TestLoadSkipsByteOrderMark(t *testing.T) {
	t.Parallel()
	f := newFakeNode(t, nil)
	o := lfRun(t, "\ufeff{\"selectors\":[\"a\"],\"value\":\"x\"}\r\n{\"selectors\":[\"b\"],\"value\":\"y\"}\r\n", "--home", f.home, "load", "-")
	if o.code != exitDone || len(f.frames) != 2 {
		t.Fatalf("%d frames, %+v", len(f.frames), o)
	}
}

// incompressible is base64 that no compressor makes smaller: the output of a simple generator.
func incompressible(size int) string {
	const digits = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
	b, x := make([]byte, size-size%4), uint32(1)
	for i := range b {
		x = x*1664525 + 1013904223
		b[i] = digits[x>>26]
	}
	return string(b)
}

// TestLoadResumes stops in the middle and goes on; nothing is written twice.
func TestLoadResumes(t *testing.T) {
	t.Parallel()
	f := newFakeNode(t, nil)
	file := writeFile(t, facts(200))
	f.submit = func(n int) error {
		if n > 70 {
			return api.Conflict("enough")
		}
		return nil
	}
	o := lfRun(t, "", "--home", f.home, "load", file)
	if o.code != exitFailed || !strings.Contains(o.stderr, "70 of 200 lines") || !strings.Contains(o.stderr, "enough") {
		t.Fatalf("%+v", o)
	}
	f.frames = f.frames[:70]
	f.submit = nil
	o = lfRun(t, "", "--home", f.home, "load", file, "--json")
	if o.code != exitDone || !strings.Contains(o.stderr, "going on: 70 of 200") {
		t.Fatalf("%+v", o)
	}
	if l := decode[loadSummary](t, o.stdout); l.Lines != 200 || l.Before != 70 || l.Written != 130 {
		t.Fatalf("%+v", l)
	}
	times := f.writtenOrdinals(t)
	for i := range uint64(200) {
		if times[i] != 1 {
			t.Fatalf("line %d was written %d times", i+1, times[i])
		}
	}
	before := len(f.frames)
	if o = lfRun(t, "", "--home", f.home, "load", file); o.code != exitDone || len(f.frames) != before || !strings.Contains(o.stderr, "--again") {
		t.Fatalf("loaded once more: %+v", o)
	}
	if mustRun(t, "", "--home", f.home, "load", file, "--again"); len(f.frames) != before+200 {
		t.Fatalf("%d frames after --again", len(f.frames))
	}
	if mustRun(t, "", "--home", f.home, "load", file, "--owner", newOwner(t, f.home)); len(f.frames) != before+400 {
		t.Fatalf("%d frames after another owner's", len(f.frames))
	}
}

func newOwner(t *testing.T, home string) string {
	t.Helper()
	return strings.TrimSpace(mustRun(t, "", "--home", home, "owner", "new", "another"))
}

// TestLoadWaits makes the node go away now and then, and forget to answer: every record is
// acknowledged once.
func TestLoadWaits(t *testing.T) {
	t.Parallel()
	f := newFakeNode(t, nil)
	f.submit = func(n int) error {
		if n%5 == 0 {
			return api.Unavailable("restarting")
		}
		return nil
	}
	mustRun(t, "", "--home", f.home, "load", writeFile(t, facts(60)))
	times := f.writtenOrdinals(t)
	for i := range uint64(60) {
		if times[i] != 1 {
			t.Fatalf("line %d was written %d times", i+1, times[i])
		}
	}
}

func TestLoadGivesUp(t *testing.T) {
	t.Parallel()
	f := newFakeNode(t, nil)
	f.submit = func(int) error { return api.Unavailable("restarting for ever") }
	o := lfRun(t, "", "--home", f.home, "load", writeFile(t, facts(3)), "--patience", "100ms")
	if o.code != exitFailed || !strings.Contains(o.stderr, "restarting for ever") {
		t.Fatalf("%+v", o)
	}
}

// TestLoadInterrupted ends the context, as Ctrl-C does.
func TestLoadInterrupted(t *testing.T) {
	t.Parallel()
	f := newFakeNode(t, nil)
	ctx, cancel := context.WithCancel(t.Context())
	f.submit = func(n int) error {
		if n == 10 {
			cancel()
		}
		return nil
	}
	file := writeFile(t, facts(300))
	var stdout, stderr strings.Builder
	code := run(ctx, []string{"--home", f.home, "load", file}, strings.NewReader(""), &stdout, &stderr)
	if code != exitFailed || !strings.HasSuffix(stderr.String(), "lf: interrupted\n") {
		t.Fatalf("exit code %d, %q", code, stderr.String())
	}
	mustRun(t, "", "--home", f.home, "load", file)
	if times := f.writtenOrdinals(t); len(times) != 300 {
		t.Fatalf("%d lines were written", len(times))
	}
}

// TestLoadKnowsTheDatabase loads a file once more after the node's database was lost, and after a
// backup took its place.
func TestLoadKnowsTheDatabase(t *testing.T) {
	t.Parallel()
	f := newFakeNode(t, nil)
	f.database = "one"
	file := writeFile(t, facts(20))
	mustRun(t, "", "--home", f.home, "load", file)
	f.attached = 20
	if o := lfRun(t, "", "--home", f.home, "load", file); o.code != exitDone || len(f.frames) != 20 || !strings.Contains(o.stderr, "all 20 lines") {
		t.Fatalf("%d frames, %+v", len(f.frames), o)
	}
	f.attached = 15 // the fake node's indices are those of its submissions
	o := lfRun(t, "", "--home", f.home, "load", file)
	if o.code != exitDone || len(f.frames) != 25 || !strings.Contains(o.stderr, "set back, and lost 5 lines") {
		t.Fatalf("%d frames, %+v", len(f.frames), o)
	}
	f.attached = 25
	if o := lfRun(t, "", "--home", f.home, "load", file); len(f.frames) != 25 || !strings.Contains(o.stderr, "all 20 lines") {
		t.Fatalf("%d frames, %+v", len(f.frames), o)
	}
	f.database = "another"
	if o := lfRun(t, "", "--home", f.home, "load", file); o.code != exitDone || len(f.frames) != 45 || strings.Contains(o.stderr, "before") {
		t.Fatalf("%d frames, %+v", len(f.frames), o)
	}
}
