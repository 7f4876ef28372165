package lf_test

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"crypto/rand"
	"errors"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/lf-store/lf"
	"github.com/lf-store/lf/internal/apiserver"
	"github.com/lf-store/lf/node/api"
	"github.com/lf-store/lf/node/api/apitest"
	"github.com/lf-store/lf/node/home"
	"github.com/lf-store/lf/protocol"
)

// TestMain has a value sealed and opened first. What package protocol makes for that once must not
// belong to a bubble of fake time.
func TestMain(m *testing.M) {
	var mask protocol.Mask
	n, _, err := lf.DefaultNetwork()
	if err != nil {
		panic(err)
	}
	sealed, err := n.Seal(mask, protocol.Sealing{}, bytes.Repeat([]byte("x"), 100))
	if err == nil {
		_, err = n.Open(mask, protocol.Sealing{}, sealed)
	}
	if err != nil {
		panic(err)
	}
	goleak.VerifyTestMain(m)
}

const secret = "5ec4e7"

// serve serves a service over HTTP until the test ends, and returns its URL.
func serve(t testing.TB, s api.Service) string {
	t.Helper()
	server := httptest.NewUnstartedServer(nil)
	server.Config = apiserver.NewServer(apiserver.NewHandler(s, apiserver.HandlerOptions{Token: secret}), nil)
	server.Start()
	t.Cleanup(server.Close)
	return server.URL
}

func newFake(t testing.TB) *apitest.Fake {
	t.Helper()
	f, err := apitest.NewFake()
	if err != nil {
		t.Fatal(err)
	}
	return f
}

// open opens a client of a service over HTTP, with a home of its own.
func open(t testing.TB, s api.Service, options ...lf.OpenOption) *lf.Client {
	t.Helper()
	db, err := lf.Open(t.Context(), append([]lf.OpenOption{lf.WithNode(serve(t, s)), lf.WithToken(secret),
		lf.WithHome(filepath.Join(t.TempDir(), "home"))}, options...)...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := db.Close(); err != nil {
			t.Error(err)
		}
	})
	return db
}

func must[T any](t testing.TB) func(T, error) T {
	return func(v T, err error) T {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
}

func newKey(t testing.TB) ed25519.PrivateKey {
	t.Helper()
	_, key, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return key
}

var horse = lf.MustKey("horse")

func set(t testing.TB, db *lf.Client, key lf.Key, value string, options ...lf.WriteOption) *lf.Written {
	t.Helper()
	done, err := db.Set(t.Context(), key, []byte(value), options...)
	if err != nil {
		t.Fatal(err)
	}
	return done
}

// TestSetGetDelete writes and reads through HTTP.
func TestSetGetDelete(t *testing.T) {
	t.Parallel()
	db := open(t, newFake(t))
	if _, err := db.Get(t.Context(), horse); !errors.Is(err, lf.ErrNotFound) {
		t.Errorf("before anything was set: %v", err)
	}
	if err := db.Delete(t.Context(), horse); !errors.Is(err, lf.ErrNotFound) {
		t.Errorf("deleted nothing: %v", err)
	}
	var made []string
	before := time.Now().Truncate(time.Millisecond)
	done := set(t, db, horse, "Bad Horse", lf.OnComposed(func(r *protocol.Record) { made = append(made, r.Type.String()) }))
	a := must[*lf.Answer](t)(db.Get(t.Context(), horse))
	if a.Text() != "Bad Horse" || a.Record != done.ID || a.Owner != done.Owner || a.Claims != 1 || a.Weight == 0 || a.Time.Before(before) {
		t.Errorf("%+v", a)
	}
	if len(made) != 1 {
		t.Errorf("composed %q", made)
	}
	for i := range 20 { // of two writes within a millisecond the second wins
		set(t, db, horse, strings.Repeat("x", i))
		if a, err := db.Get(t.Context(), horse); err != nil || len(a.Value) != i {
			t.Fatalf("write %d: %+v, %v", i, a, err)
		}
	}
	if err := db.Delete(t.Context(), horse); err != nil {
		t.Fatal(err)
	}
	if a, err := db.Get(t.Context(), horse); !errors.Is(err, lf.ErrDeleted) || a == nil || !a.Deleted {
		t.Errorf("%+v, %v", a, err)
	}
	set(t, db, horse, "again")
	if err := db.Release(t.Context(), horse); err != nil {
		t.Fatal(err)
	}
	if _, err := db.Get(t.Context(), horse); !errors.Is(err, lf.ErrNotFound) {
		t.Errorf("after a release: %v", err)
	}
}

// TestNilIsNoDelete sets nil and nothing, which are the empty value.
func TestNilIsNoDelete(t *testing.T) {
	t.Parallel()
	db := open(t, newFake(t))
	for _, value := range [][]byte{nil, {}} {
		if _, err := db.Set(t.Context(), horse, value); err != nil {
			t.Fatal(err)
		}
		if a, err := db.Get(t.Context(), horse); err != nil || a.Value == nil || len(a.Value) != 0 {
			t.Errorf("%#v became %+v, %v", value, a, err)
		}
	}
}

// TestRangePages reads more than one question can return, in order, under one and two names, and
// leaves out what was deleted.
func TestRangePages(t *testing.T) {
	t.Parallel()
	db := open(t, newFake(t))
	author := lf.AsKey(newKey(t))
	var want []string
	for _, name := range []string{"a#1", "a#2", "a#7"} {
		for _, other := range []string{"b#0", "b#3", "b#9223372036854775807"} {
			set(t, db, lf.MustKey(name, other), name+" "+other, author)
			want = append(want, name+" "+other)
		}
	}
	if err := db.Delete(t.Context(), lf.MustKey("a#2", "b#3"), author); err != nil {
		t.Fatal(err)
	}
	want = slices.DeleteFunc(want, func(s string) bool { return s == "a#2 b#3" })
	for limit := 1; limit <= 10; limit++ {
		var got []string
		for a, err := range db.Range(t.Context(), lf.MustKey("a#", "b#"), lf.Limit(limit)) {
			if err != nil {
				t.Fatal(err)
			}
			if a.Key.String() != a.Text() {
				t.Errorf("%s has %q", a.Key, a.Text())
			}
			got = append(got, a.Text())
		}
		if !slices.Equal(got, want) {
			t.Errorf("%d at a time: %q, want %q", limit, got, want)
		}
	}
	for range db.Range(t.Context(), lf.MustKey("a#", "b#"), lf.Limit(2)) {
		break // asks for no more
	}
}

// TestSealedWithMaskingKey reads with and without the masking key.
func TestSealedWithMaskingKey(t *testing.T) {
	t.Parallel()
	db := open(t, newFake(t))
	set(t, db, horse, "secret", lf.MaskingKey("sesame"))
	if a, err := db.Get(t.Context(), horse); !errors.Is(err, lf.ErrSealed) || a == nil || a.Value != nil {
		t.Errorf("without it: %+v, %v", a, err)
	}
	if a, err := db.Get(t.Context(), horse, lf.MaskingKey("sesame")); err != nil || a.Text() != "secret" {
		t.Errorf("with it: %+v, %v", a, err)
	}
	for a, err := range db.Range(t.Context(), lf.MustKey("horse#")) {
		if !errors.Is(err, lf.ErrSealed) || a == nil {
			t.Errorf("in a range: %+v, %v", a, err)
		}
	}
}

// TestIfNewest refuses to write over what the writer does not know.
func TestIfNewest(t *testing.T) {
	t.Parallel()
	db := open(t, newFake(t))
	first := set(t, db, horse, "one", lf.IfNewest(protocol.ID{}))
	second := set(t, db, horse, "two", lf.IfNewest(first.ID))
	for _, stale := range []protocol.ID{first.ID, {}} {
		_, err := db.Set(t.Context(), horse, []byte("three"), lf.IfNewest(stale))
		var changed *lf.ChangedError
		if !errors.Is(err, lf.ErrChanged) || !errors.As(err, &changed) || changed.Got != second.ID {
			t.Errorf("%v", err)
		}
	}
	if err := db.Delete(t.Context(), horse, lf.IfNewest(first.ID)); !errors.Is(err, lf.ErrChanged) {
		t.Errorf("delete: %v", err)
	}
}

// TestOwners signs as owners of the home and as a key of the program's own, and reads by owner.
func TestOwners(t *testing.T) {
	t.Parallel()
	db := open(t, newFake(t))
	ring := must[*home.Keyring](t)(db.Keyring())
	if names, err := ring.Names(); err != nil || len(names) != 0 {
		t.Fatalf("%q, %v", names, err)
	}
	own := newKey(t)
	set(t, db, horse, "mine", lf.AsKey(own))
	if names, err := ring.Names(); err != nil || len(names) != 0 {
		t.Errorf("a key of the program's own made an owner: %q, %v", names, err)
	}
	set(t, db, horse, "home's")
	for owner, want := range map[string]string{"default": "home's", protocol.OwnerOf(own).String(): "mine"} {
		if a, err := db.Get(t.Context(), horse, lf.By(owner)); err != nil || a.Text() != want {
			t.Errorf("by %s: %+v, %v", owner, a, err)
		}
	}
	var input *lf.InputError
	if _, err := db.Get(t.Context(), horse, lf.By("nobody")); !errors.As(err, &input) {
		t.Errorf("by nobody: %v", err)
	}
	if _, err := db.Set(t.Context(), horse, nil, lf.As("nobody")); err == nil {
		t.Error("signed as nobody")
	}
	if _, err := db.Set(t.Context(), horse, nil, lf.AsKey(own[:3])); !errors.As(err, &input) {
		t.Errorf("a short key: %v", err)
	}
}

// TestExplained asks who else claims a key.
func TestExplained(t *testing.T) {
	t.Parallel()
	db := open(t, newFake(t))
	set(t, db, horse, "first", lf.AsKey(newKey(t)))
	time.Sleep(2 * time.Millisecond) // of one millisecond the hash would decide
	set(t, db, horse, "second", lf.AsKey(newKey(t)))
	a, err := db.Get(t.Context(), horse, lf.Explain(), lf.Policy("newest"))
	if err != nil || a.Text() != "second" || len(a.Others) != 1 || a.Others[0].Text() != "first" || a.Explanation == nil {
		t.Fatalf("%+v, %v", a, err)
	}
	if a.Explanation.Decided != protocol.CriterionNewest || a.ClaimOf(1).Text() != "first" {
		t.Errorf("%+v", a.Explanation)
	}
}

// TestWrongInput gives what makes no sense, and wants an error of that type at once.
func TestWrongInput(t *testing.T) {
	t.Parallel()
	db := open(t, newFake(t))
	for name, do := range map[string]func(context.Context) error{
		"no key":         func(ctx context.Context) error { _, err := db.Query(ctx, lf.Key{}); return err },
		"no key to get":  func(ctx context.Context) error { _, err := db.Get(ctx, lf.Key{}); return err },
		"a range to get": func(ctx context.Context) error { _, err := db.Get(ctx, lf.MustKey("horse#")); return err },
		"a range to set": func(ctx context.Context) error { _, err := db.Set(ctx, lf.MustKey("horse#"), nil); return err },
		"twice":          func(ctx context.Context) error { _, err := db.Set(ctx, lf.MustKey("a", "a"), nil); return err },
		"delete a range": func(ctx context.Context) error { set(t, db, horse, "x"); return db.Delete(ctx, lf.MustKey("horse#")) },
		"policy":         func(ctx context.Context) error { _, err := db.Get(ctx, horse, lf.Policy("heaviest")); return err },
		"oracle":         func(ctx context.Context) error { _, err := db.Get(ctx, horse, lf.Oracles("x")); return err },
		"limit":          func(ctx context.Context) error { _, err := db.Query(ctx, horse, lf.Limit(1001)); return err },
		"further names":  func(ctx context.Context) error { _, err := db.Get(ctx, horse, lf.Further()); return err },
		"time": func(ctx context.Context) error {
			_, err := db.Get(ctx, horse, lf.AsOf(time.UnixMilli(5)), lf.Since(time.Now()))
			return err
		},
		"threads":                   func(ctx context.Context) error { _, err := db.Set(ctx, horse, nil, lf.Threads(-1)); return err },
		"time to wait":              func(ctx context.Context) error { return db.AwaitSynced(ctx, 2*time.Hour) },
		"the address":               func(ctx context.Context) error { _, err := lf.Open(ctx, lf.WithNode("ftp://x")); return err },
		"many, one without a name":  func(ctx context.Context) error { return many(ctx, db, horse, lf.Key{}) },
		"many, one of them a range": func(ctx context.Context) error { return many(ctx, db, horse, lf.MustKey("horse#")) },
		"many, with further names": func(ctx context.Context) error {
			for _, err := range db.GetMany(ctx, []lf.Key{horse}, lf.Further()) {
				return err
			}
			return nil
		},
		"range of nothing": func(ctx context.Context) error {
			for _, err := range db.Range(ctx, lf.Key{}) {
				return err
			}
			return nil
		},
	} {
		var input *lf.InputError
		if err := do(t.Context()); !errors.As(err, &input) || strings.Contains(err.Error(), "\n") {
			t.Errorf("%s: %v (%T)", name, err, err)
		}
	}
}

func many(ctx context.Context, db *lf.Client, keys ...lf.Key) error {
	for _, err := range db.GetMany(ctx, keys) {
		return err
	}
	return nil
}

// TestOpenErrors opens what cannot be used.
func TestOpenErrors(t *testing.T) {
	t.Setenv("LF_HOME", filepath.Join(t.TempDir(), "gone"))
	if _, err := lf.Open(t.Context()); err == nil {
		t.Error("opened a home that is not there")
	}
	t.Setenv("LF_HOME", t.TempDir())
	fake := newFake(t)
	url := serve(t, fake)
	t.Setenv("LF_API", url)

	other := newFake(t)
	file := must[*protocol.NetworkFile](t)(other.Network(t.Context()))
	network := must[*protocol.Network](t)(file.Network())
	var wrong *lf.NetworkError
	if _, err := lf.Open(t.Context(), lf.OnNetwork(network)); !errors.As(err, &wrong) || wrong.Want.ID() != network.ID() {
		t.Errorf("the wrong network: %v", err)
	}

	var noToken *lf.TokenError
	if _, err := lf.Open(t.Context(), lf.ToWrite()); !errors.As(err, &noToken) {
		t.Errorf("to write without a token: %v", err)
	}
	db, err := lf.Open(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := db.Set(t.Context(), horse, nil); !errors.As(err, &noToken) {
		t.Errorf("wrote without a token: %v", err)
	}
	if err := db.Close(); err != nil {
		t.Error(err)
	}
	if _, err := db.Get(t.Context(), horse); !errors.Is(err, lf.ErrClosed) {
		t.Errorf("read through a closed client: %v", err)
	}

	t.Setenv("LF_TOKEN", "another")
	db = must[*lf.Client](t)(lf.Open(t.Context()))
	defer db.Close()
	var refused *api.Error
	if _, err := db.Set(t.Context(), horse, nil, lf.AsKey(newKey(t))); !errors.As(err, &refused) || refused.Status != http.StatusUnauthorized {
		t.Errorf("wrote with the wrong token: %v", err)
	}
}

// TestInProcess reads and writes without HTTP.
func TestInProcess(t *testing.T) {
	t.Parallel()
	fake := newFake(t)
	file := must[*protocol.NetworkFile](t)(fake.Network(t.Context()))
	network := must[*protocol.Network](t)(file.Network())
	db := must[*lf.Client](t)(lf.New(fake, network))
	defer db.Close()
	if _, err := db.Set(t.Context(), horse, []byte("x")); !errors.Is(err, lf.ErrNoHome) {
		t.Errorf("signed without a home: %v", err)
	}
	set(t, db, horse, "x", lf.AsKey(newKey(t)))
	if a, err := db.Get(t.Context(), horse); err != nil || a.Text() != "x" {
		t.Errorf("%+v, %v", a, err)
	}
	if db.Address() != "" || db.Network().ID() != network.ID() {
		t.Errorf("at %q, on %s", db.Address(), db.Network().ID())
	}
}

// TestRangeFurther pages through keys that have further names, several at one ordinal.
func TestRangeFurther(t *testing.T) {
	t.Parallel()
	db := open(t, newFake(t))
	for _, further := range []string{"b", "c", "d", "e"} {
		set(t, db, lf.MustKey("a", further), further)
	}
	set(t, db, lf.MustKey("a#2", "b"), "last")
	for limit := 1; limit <= 5; limit++ {
		seen := map[string]bool{}
		for a, err := range db.Range(t.Context(), lf.MustKey("a#"), lf.Further(), lf.Limit(limit)) {
			if err != nil {
				t.Fatal(err)
			}
			seen[a.Record.String()] = true
		}
		if len(seen) != 5 {
			t.Errorf("%d at a time: %d of 5 answers", limit, len(seen))
		}
	}
}
