package idempotency_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"pgregory.net/rapid"

	"github.com/lf-store/lf/internal/proxy/idempotency"
)

func open(t testing.TB, path string) *idempotency.Keys {
	t.Helper()
	k, err := idempotency.Open(path, idempotency.DefaultLimits, time.Now)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = k.Close() })
	return k
}

func begin(t *testing.T, k *idempotency.Keys, client, key, body string) *idempotency.Request {
	t.Helper()
	r, err := k.Begin(t.Context(), client, key, []byte(body))
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func finish(t *testing.T, r *idempotency.Request, answer string) {
	t.Helper()
	if err := errors.Join(r.Made([]byte("frame")), r.Done([]byte(answer))); err != nil {
		t.Fatal(err)
	}
	r.End()
}

func TestRepeated(t *testing.T) {
	path := filepath.Join(t.TempDir(), "keys")
	k := open(t, path)
	finish(t, begin(t, k, "phone", "secret key", "request"), `{"id":1}`)
	for range 2 {
		r := begin(t, k, "phone", "secret key", "request")
		if string(r.Answer()) != `{"id":1}` || r.Frame() != nil {
			t.Errorf("%s, %q", r.Answer(), r.Frame())
		}
		r.End()
		if err := k.Close(); err != nil {
			t.Fatal(err)
		}
		k = open(t, path) // the answer outlives a restart
	}
	if _, err := k.Begin(t.Context(), "phone", "secret key", []byte("another")); !errors.Is(err, idempotency.ErrOther) {
		t.Errorf("the key of another request: %v", err)
	}
	r := begin(t, k, "page", "secret key", "another")
	if r.Answer() != nil {
		t.Error("a client sees another one's answer")
	}
	r.End()
	text, err := os.ReadFile(path)
	if err != nil || bytes.Contains(text, []byte("secret")) || bytes.Contains(text, []byte("request")) {
		t.Errorf("%s, %v", text, err)
	}
	if info, err := os.Stat(path); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("%v, %v", info.Mode(), err)
	}
}

// TestCrash: a record that was made and perhaps handed in is handed in again, and nothing else.
func TestCrash(t *testing.T) {
	path := filepath.Join(t.TempDir(), "keys")
	k := open(t, path)
	r := begin(t, k, "phone", "key", "request")
	if err := r.Made([]byte("frame")); err != nil {
		t.Fatal(err)
	}
	f, err := os.OpenFile(path, os.O_APPEND|os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := f.WriteString(`{"client":"phone","key":"torn`); err != nil {
		t.Fatal(err)
	}
	f.Close()
	k = open(t, path)
	r = begin(t, k, "phone", "key", "request")
	if string(r.Frame()) != "frame" || r.Answer() != nil {
		t.Fatalf("%q, %s", r.Frame(), r.Answer())
	}
	if err := r.Done([]byte(`"done"`)); err != nil {
		t.Fatal(err)
	}
	k = open(t, path)
	if r = begin(t, k, "phone", "key", "request"); string(r.Answer()) != `"done"` {
		t.Errorf("after a torn line: %s", r.Answer())
	}
}

// TestFailed: a request that made nothing leaves its key free, for another request too.
func TestFailed(t *testing.T) {
	k := open(t, filepath.Join(t.TempDir(), "keys"))
	begin(t, k, "phone", "key", "request").End()
	if k.Len() != 0 {
		t.Error("the key of a request that failed is kept")
	}
	r := begin(t, k, "phone", "key", "another")
	r.End()
	r.End()
}

// TestUnderWay: a request waits while one with the same key is under way, and then gets its answer.
func TestUnderWay(t *testing.T) {
	path := filepath.Join(t.TempDir(), "keys")
	synctest.Test(t, func(t *testing.T) {
		k := open(t, path)
		defer k.Close()
		first := begin(t, k, "phone", "key", "request")
		if _, err := k.Begin(t.Context(), "phone", "key", []byte("another")); !errors.Is(err, idempotency.ErrOther) {
			t.Errorf("another request while one is under way: %v", err)
		}
		impatient, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if _, err := k.Begin(impatient, "phone", "key", []byte("request")); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("gave up: %v", err)
		}
		answers := make(chan string, 2)
		for range 2 {
			go func() {
				r, err := k.Begin(context.Background(), "phone", "key", []byte("request"))
				if err != nil {
					answers <- err.Error()
					return
				}
				defer r.End()
				answers <- string(r.Answer())
			}()
		}
		synctest.Wait()
		if len(answers) != 0 {
			t.Fatal("a request did not wait")
		}
		finish(t, first, `"answer"`)
		for range 2 {
			if got := <-answers; got != `"answer"` {
				t.Errorf("the repeated request gets %s", got)
			}
		}
	})
}

func TestForgotten(t *testing.T) {
	path := filepath.Join(t.TempDir(), "keys")
	synctest.Test(t, func(t *testing.T) {
		k := open(t, path)
		defer func() { _ = k.Close() }()
		finish(t, begin(t, k, "phone", "old", "request"), `1`)
		time.Sleep(idempotency.Kept - time.Second)
		finish(t, begin(t, k, "phone", "new", "request"), `2`)
		if r := begin(t, k, "phone", "old", "request"); string(r.Answer()) != `1` {
			t.Error("forgotten before its time")
		} else {
			r.End()
		}
		time.Sleep(2 * time.Second)
		if err := k.Close(); err != nil {
			t.Fatal(err)
		}
		k = open(t, path)
		if k.Len() != 1 {
			t.Errorf("%d keys after a restart, want that of the last day", k.Len())
		}
		r := begin(t, k, "phone", "old", "request")
		if r.Answer() != nil {
			t.Error("remembered after its time")
		}
		r.End()
	})
}

// TestBounds: a client that sends many keys loses its own, and nobody else's.
func TestBounds(t *testing.T) {
	path := filepath.Join(t.TempDir(), "keys")
	limits := idempotency.Limits{PerClient: 10, Total: 15}
	k, err := idempotency.Open(path, limits, time.Now)
	if err != nil {
		t.Fatal(err)
	}
	for i := range 4 {
		finish(t, begin(t, k, "quiet", fmt.Sprint(i), ""), `0`)
	}
	held := begin(t, k, "loud", "held", "")
	for i := range 600 {
		finish(t, begin(t, k, "loud", fmt.Sprint(i), ""), `0`)
		finish(t, begin(t, k, fmt.Sprint("crowd", i%7), fmt.Sprint(i), ""), `0`)
	}
	if n := k.Len(); n > limits.Total {
		t.Errorf("%d keys", n)
	}
	finish(t, held, `"held"`)
	if info, err := os.Stat(path); err != nil || info.Size() > 400<<10 {
		t.Errorf("the file has %d bytes, %v", info.Size(), err)
	}
	_ = k.Close()
	if k, err = idempotency.Open(path, limits, time.Now); err != nil {
		t.Fatal(err)
	}
	defer k.Close()
	if r := begin(t, k, "loud", "held", ""); string(r.Answer()) != `"held"` {
		t.Error("a key in use was forgotten")
	}
}

func TestUnreadable(t *testing.T) {
	if _, err := idempotency.Open(filepath.Join(t.TempDir(), "no", "keys"), idempotency.DefaultLimits, time.Now); err == nil || strings.Contains(err.Error(), "\n") {
		t.Errorf("no folder: %v", err)
	}
}

// TestModel compares with a map, with restarts in between.
func TestModel(t *testing.T) {
	dir := t.TempDir()
	files := 0
	rapid.Check(t, func(rt *rapid.T) {
		files++
		path := filepath.Join(dir, fmt.Sprint(files))
		k := open(t, path)
		type made struct {
			body, frame, answer string
		}
		model := map[string]made{}
		for range rapid.IntRange(1, 30).Draw(rt, "steps") {
			if rapid.IntRange(0, 4).Draw(rt, "restart") == 0 {
				_ = k.Close()
				k = open(t, path)
			}
			client, key := rapid.SampledFrom([]string{"a", "b"}).Draw(rt, "client"), rapid.SampledFrom([]string{"x", "y"}).Draw(rt, "key")
			body := rapid.SampledFrom([]string{"1", "2"}).Draw(rt, "body")
			known, isKnown := model[client+key]
			r, err := k.Begin(t.Context(), client, key, []byte(body))
			if isKnown && known.body != body {
				if !errors.Is(err, idempotency.ErrOther) {
					rt.Fatalf("%v, want ErrOther", err)
				}
				continue
			}
			if err != nil || string(r.Frame()) != known.frame || string(r.Answer()) != known.answer {
				rt.Fatalf("%v, frame %q, answer %q, want %+v", err, r.Frame(), r.Answer(), known)
			}
			switch rapid.IntRange(0, 2).Draw(rt, "does") {
			case 1:
				if known.answer == "" {
					err = r.Made([]byte("f" + key))
					model[client+key] = made{body: body, frame: "f" + key}
				}
			case 2:
				err = r.Done([]byte(`"a"`))
				model[client+key] = made{body: body, answer: `"a"`}
			}
			if r.End(); err != nil {
				rt.Fatal(err)
			}
		}
		_ = k.Close()
	})
}

// FuzzFile reads any file, and remembers what comes after it.
func FuzzFile(f *testing.F) {
	f.Add([]byte("{}\n"))
	f.Add([]byte(`{"client":"a","key":"00","body":"","at":1}` + "\n" + `{"client":"a","key":"` + strings.Repeat("0a", 32) + `","body":"` + strings.Repeat("0b", 32) + `","at":9223372036854775807,"answer":1}`))
	f.Add(bytes.Repeat([]byte("x"), 200<<10))
	f.Fuzz(func(t *testing.T, text []byte) {
		path := filepath.Join(t.TempDir(), "keys")
		if err := os.WriteFile(path, text, 0o600); err != nil {
			t.Fatal(err)
		}
		k := open(t, path)
		finish(t, begin(t, k, "phone", "key", "request"), `"mine"`)
		_ = k.Close()
		k = open(t, path)
		if r := begin(t, k, "phone", "key", "request"); string(r.Answer()) != `"mine"` {
			t.Errorf("forgotten: %s", r.Answer())
		}
	})
}
