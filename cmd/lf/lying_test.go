package main

import (
	"crypto/ed25519"
	"crypto/rand"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/lf-store/lf"
	"github.com/lf-store/lf/internal/text"
	"github.com/lf-store/lf/node/api"
	"github.com/lf-store/lf/node/home"
	"github.com/lf-store/lf/protocol"
)

// TestLyingNode asks nodes that answer falsely. Each lie is told beside an honest answer, which
// must not be shown then.
func TestLyingNode(t *testing.T) {
	t.Parallel()
	for _, lie := range []struct {
		name string
		want string // in the error
		args []string
		tell func(t *testing.T, f *fakeNode) api.Answer
	}{
		{"tampered value", "value", []string{"bad", "horse#"}, func(t *testing.T, f *fakeNode) api.Answer {
			r := f.forge(t, protocol.Draft{Value: []byte("true")}, "bad", "horse#2")
			value := append([]byte{}, r.ValueBytes()...)
			value[len(value)-1] ^= 1
			return withFrame(t, r.HeaderBytes(), value, 0, 2)
		}},
		{"value left out", "left out", []string{"bad", "horse#"}, func(t *testing.T, f *fakeNode) api.Answer {
			r := f.forge(t, protocol.Draft{Value: []byte("true")}, "bad", "horse#2")
			return withFrame(t, r.HeaderBytes(), nil, 0, 2)
		}},
		{"foreign record", "not filed under", []string{"bad", "horse#"}, func(t *testing.T, f *fakeNode) api.Answer {
			return answerWith(f.forge(t, protocol.Draft{Value: []byte("x")}, "bad", "cow#2"), 0, 2)
		}},
		{"wrong ordinal", "not filed under", []string{"bad", "horse#1#3"}, func(t *testing.T, f *fakeNode) api.Answer {
			return answerWith(f.forge(t, protocol.Draft{Value: []byte("x")}, "bad", "horse#4"), 0, 4)
		}},
		{"ordinal other than said", "not filed under", []string{"bad", "horse#1#3"}, func(t *testing.T, f *fakeNode) api.Answer {
			return answerWith(f.forge(t, protocol.Draft{Value: []byte("x")}, "bad", "horse#4"), 0, 2)
		}},
		{"one selector for two", "not filed under", []string{"bad#", "bad#"}, func(t *testing.T, f *fakeNode) api.Answer {
			return answerWith(f.forge(t, protocol.Draft{Value: []byte("x")}, "bad#3", "horse#4"), 3, 3)
		}},
		{"further selector", "3 selectors", []string{"bad", "horse#"}, func(t *testing.T, f *fakeNode) api.Answer {
			return answerWith(f.forge(t, protocol.Draft{Value: []byte("x")}, "bad", "horse#2", "third"), 0, 2)
		}},
		{"too few ordinals", "1 ordinals", []string{"bad", "horse#"}, func(t *testing.T, f *fakeNode) api.Answer {
			return answerWith(f.forge(t, protocol.Draft{Value: []byte("x")}, "bad", "horse#2"), 0)
		}},
		{"release as an answer", "release", []string{"bad", "horse#"}, func(t *testing.T, f *fakeNode) api.Answer {
			return answerWith(f.forge(t, protocol.Draft{Type: protocol.TypeRelease}, "bad", "horse#2"), 0, 2)
		}},
		{"forged signature", "signature", []string{"bad", "horse#"}, func(t *testing.T, f *fakeNode) api.Answer {
			r := f.forge(t, protocol.Draft{Value: []byte("x")}, "bad", "horse#2")
			h := r.Header
			h.Signature[0] ^= 1
			forged, err := protocol.NewRecord(h, r.ValueBytes())
			if err != nil {
				t.Fatal(err)
			}
			return answerWith(forged, 0, 2)
		}},
		{"claim without the name", "claim", []string{"bad", "horse#"}, func(t *testing.T, f *fakeNode) api.Answer {
			return answerWith(f.usurp(t, f.forge(t, protocol.Draft{Value: []byte("x")}, "bad", "horse#2")), 0, 2)
		}},
		{"other network's record", "claim", []string{"bad", "horse#"}, func(t *testing.T, f *fakeNode) api.Answer {
			other := newFakeNode(t, nil)
			return answerWith(other.forge(t, protocol.Draft{Value: []byte("x")}, "bad", "horse#2"), 0, 2)
		}},
		{"no frame", "frame", []string{"bad", "horse#"}, func(t *testing.T, f *fakeNode) api.Answer {
			a := answerWith(f.forge(t, protocol.Draft{Value: []byte("x")}, "bad", "horse#2"), 0, 2)
			a.Frame = nil
			return a
		}},
		{"owner not asked for", "owner", []string{"bad", "horse#", "--owner", someOwner(t)}, func(t *testing.T, f *fakeNode) api.Answer {
			return answerWith(f.forge(t, protocol.Draft{Value: []byte("x")}, "bad", "horse#2"), 0, 2)
		}},
		{"from after the time asked for", "outside the time", []string{"bad", "horse#", "--as-of", "1h"}, func(t *testing.T, f *fakeNode) api.Answer {
			return answerWith(f.forge(t, protocol.Draft{Value: []byte("x")}, "bad", "horse#2"), 0, 2)
		}},
		{"other owner's version as older", "no older version", []string{"bad", "horse#", "--history"}, func(t *testing.T, f *fakeNode) api.Answer {
			a := answerWith(f.forge(t, protocol.Draft{Value: []byte("x")}, "bad", "horse#2"), 0, 2)
			a.History = []api.Version{versionOf(f.forge(t, protocol.Draft{Value: []byte("y"), Timestamp: clock() - 1000}, "bad", "horse#2"))}
			return a
		}},
		{"claim on another key", "another composite key", []string{"bad", "horse#", "--history"}, func(t *testing.T, f *fakeNode) api.Answer {
			a := answerWith(f.forge(t, protocol.Draft{Value: []byte("x")}, "bad", "horse#2"), 0, 2)
			a.Others, a.Claims = []api.Version{versionOf(f.forge(t, protocol.Draft{Value: []byte("y")}, "bad", "horse#3"))}, 2
			return a
		}},
	} {
		t.Run(lie.name, func(t *testing.T) {
			f := newFakeNode(t, nil)
			honest := f.forge(t, protocol.Draft{Value: []byte("honest")}, "bad", "horse#1")
			f.answers.Answers = []api.Answer{answerWith(honest, 0, 1), lie.tell(t, f)}
			o := lfRun(t, "", append([]string{"--home", f.home, "get"}, lie.args...)...)
			if o.code != exitFailed || o.stdout != "" || strings.Count(o.stderr, "\n") != 1 || !strings.Contains(o.stderr, lie.want) {
				t.Fatalf("exit code %d, stdout %q, stderr %q, which should speak of %q", o.code, o.stdout, o.stderr, lie.want)
			}
			if !slices.Contains(lie.args, "--as-of") && !slices.Contains(lie.args, "--history") {
				lieToCommand(t, f, lie.args, lie.want)
			}
		})
	}
}

// lieToCommand has a command run for what a lying node tells a watcher. It gets the honest answer
// at most.
func lieToCommand(t *testing.T, f *fakeNode, args []string, want string) {
	t.Helper()
	ran := filepath.Join(t.TempDir(), "ran")
	o := lfRun(t, "", append([]string{"--home", f.home, "watch", "--any", "--exec", "cat >>" + ran}, args...)...)
	got, err := os.ReadFile(ran)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		t.Fatal(err)
	}
	if text := string(got); o.code != exitFailed || !strings.Contains(o.stderr, want) || text != "" && text != "honest" {
		t.Errorf("exit code %d, the command got %q, stderr %q, which should speak of %q", o.code, text, o.stderr, want)
	}
}

// withFrame answers with a frame put together by hand.
func withFrame(t *testing.T, header, value []byte, ordinals ...uint64) api.Answer {
	t.Helper()
	r, err := protocol.DecodeRecord(header, value)
	if err != nil {
		t.Fatal(err)
	}
	return answerWith(r, ordinals...)
}

// usurp makes a record for the same selectors as another one. Its maker has seen that record and
// copies its claims, without knowing the names.
func (f *fakeNode) usurp(t *testing.T, from *protocol.Record) *protocol.Record {
	t.Helper()
	_, key, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	h := from.Header
	h.Owner = protocol.OwnerOf(key)
	r, err := protocol.NewRecord(h, from.ValueBytes())
	if err != nil {
		t.Fatal(err)
	}
	if r, err = f.network.Sign(r, key); err != nil {
		t.Fatal(err)
	}
	return r
}

func someOwner(t *testing.T) string {
	t.Helper()
	_, key, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return protocol.OwnerOf(key).String()
}

func TestMoreAnswersThanAskedFor(t *testing.T) {
	t.Parallel()
	f := newFakeNode(t, nil)
	for _, name := range []string{"horse#1", "horse#2"} {
		f.answers.Answers = append(f.answers.Answers, answerWith(f.forge(t, protocol.Draft{Value: []byte("x")}, name), uint64(name[6]-'0')))
	}
	if o := lfRun(t, "", "--home", f.home, "get", "horse#", "--limit", "1"); o.code != exitFailed || !strings.Contains(o.stderr, "at most 1") {
		t.Fatalf("%+v", o)
	}
	f.answers.Answers[1] = f.answers.Answers[0]
	if o := lfRun(t, "", "--home", f.home, "get", "horse#"); o.code != exitFailed || !strings.Contains(o.stderr, "two answers") {
		t.Fatalf("%+v", o)
	}
}

// TestNamesStayHere makes sure that a question holds keys, not names.
func TestNamesStayHere(t *testing.T) {
	t.Parallel()
	f := newFakeNode(t, nil)
	lfRun(t, "", "--home", f.home, "get", "horse", "bad#")
	if len(f.asked) != 1 || len(f.asked[0].Selectors) != 2 || f.asked[0].Decrypt {
		t.Fatalf("asked %+v", f.asked)
	}
	for _, s := range f.asked[0].Selectors {
		if s.Name != "" || s.Key == nil {
			t.Fatalf("asked %+v", s)
		}
	}
}

// TestHostileValue shows a value that would steer the terminal.
func TestHostileValue(t *testing.T) {
	t.Parallel()
	f := newFakeNode(t, nil)
	hostile := "\x1b]0;owned\x07\x1b[2J\r\n\u202eevil\u0085"
	f.answers.Answers = []api.Answer{answerWith(f.forge(t, protocol.Draft{Value: []byte(hostile)}, "horse#1"), 1)}
	out := mustRun(t, "", "--home", f.home, "get", "horse#")
	for _, r := range strings.ReplaceAll(out, "\n", "") {
		if r < ' ' || r == 0x7f || r == '\u202e' || r == '\u0085' {
			t.Fatalf("%q got through: %q", r, out)
		}
	}
	if raw := mustRun(t, "", "--home", f.home, "get", "--raw", "horse#1"); raw != hostile {
		t.Fatalf("raw is %q", raw)
	}
}

// TestClockAhead refuses to write what other nodes would not accept yet.
func TestClockAhead(t *testing.T) {
	t.Parallel()
	f := newFakeNode(t, nil)
	f.links.Timestamp = clock() + 10*60*1000
	o := lfRun(t, "", "--home", f.home, "set", "horse", "x")
	if o.code != exitFailed || len(f.frames) != 0 || !strings.Contains(o.stderr, "clock") {
		t.Fatalf("%+v", o)
	}
}

// TestOwnClockWasAhead has a key that was written when a clock was ahead. The clock is right now,
// so the message says from when on a newer record is possible, and blames no clock of today.
func TestOwnClockWasAhead(t *testing.T) {
	t.Parallel()
	f := newFakeNode(t, nil)
	mustRun(t, "", "--home", f.home, "set", "horse", "x")
	h, err := home.Open(f.home)
	if err != nil {
		t.Fatal(err)
	}
	key, _, err := h.Owners().Default()
	if err != nil {
		t.Fatal(err)
	}
	ahead := clock() + 30*24*3600*1000
	r := f.forgeAs(t, key.Secret, protocol.Draft{Timestamp: ahead, Value: []byte("x")}, "horse")
	f.answers = api.QueryResult{Answers: []api.Answer{answerWith(r, 0)}}
	for _, args := range [][]string{{"set", "horse", "y"}, {"delete", "horse"}, {"release", "horse"}} {
		o := lfRun(t, "", append([]string{"--home", f.home}, args...)...)
		if o.code != exitFailed || len(f.frames) != 1 || strings.Contains(o.stderr, "check this computer's clock") {
			t.Errorf("%s: %+v", args, o)
		}
		from := text.LocalTime(ahead + 1 - f.network.Params().ClockDrift)
		for _, part := range []string{"is dated " + text.LocalTime(ahead), "possible from " + from + " on", "--owner"} {
			if !strings.Contains(o.stderr, part) {
				t.Errorf("%s lacks %q: %s", args, part, o.stderr)
			}
		}
	}
}

// TestNarrower holds that a note about answers that are cut off advises what can be done.
func TestNarrower(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		q    question
		want string
	}{
		{question{limit: 999}, "a larger --limit (now 999, at most 1000)"},
		{question{limit: lf.MaxAnswers}, "ask for a smaller range"},
		{question{limit: lf.MaxAnswers, open: true}, "further names"},
	} {
		got := c.q.narrower()
		if !strings.Contains(got, c.want) || (c.q.limit == lf.MaxAnswers && strings.Contains(got, "--limit")) {
			t.Errorf("%+v: %q", c.q, got)
		}
	}
}
