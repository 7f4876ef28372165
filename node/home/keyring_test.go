package home_test

import (
	"errors"
	"io/fs"
	"strings"
	"testing"

	"github.com/lf-store/lf/node/home"
	"github.com/lf-store/lf/protocol"
)

func TestOwnerNames(t *testing.T) {
	for name, ok := range map[string]bool{
		"a": true, "0": true, "a.b_c-d": true, strings.Repeat("a", 64): true,
		"": false, ".": false, "..": false, "-a": false, "_a": false, "A": false, "a/b": false, `a\b`: false, "a b": false,
		"ä": false, "a\n": false, "../a": false, strings.Repeat("a", 65): false,
	} {
		h := open(t, t.TempDir())
		_, err := h.Owners().New(name)
		if (err == nil) != ok {
			t.Errorf("new owner %q: %v", name, err)
		}
		if !ok {
			wantError(t, err, "name")
			if _, err := h.Owners().Get(name); !errors.Is(err, fs.ErrNotExist) {
				t.Errorf("get %q: %v, want fs.ErrNotExist", name, err)
			}
		}
	}
}

func TestKeyring(t *testing.T) {
	ring := open(t, t.TempDir()).Owners()
	b := must(ring.New("b"))
	a := must(ring.New("a"))
	if !b.Default || a.Default {
		t.Errorf("default: a %v, b %v; want the first one made", a.Default, b.Default)
	}
	if _, err := ring.New("a"); err == nil {
		t.Error("made a second owner of one name")
	}
	if got := must(ring.Get("a")); got.Owner != a.Owner || protocol.OwnerOf(got.Secret) != a.Owner {
		t.Errorf("get by name: %s, want %s", got.Owner, a.Owner)
	}
	if got := must(ring.Get(b.Owner.String())); got.Name != "b" {
		t.Errorf("get by owner: %q", got.Name)
	}
	if err := ring.SetDefault(a.Owner.String()); err != nil {
		t.Fatal(err)
	}
	if key, made, err := ring.Default(); err != nil || made || key.Name != "a" || !key.Default {
		t.Errorf("default: %q, made %v, %v", key.Name, made, err)
	}
	list := must(ring.List())
	if len(list) != 2 || list[0].Name != "a" || list[1].Name != "b" || !list[0].Default || list[1].Default {
		t.Errorf("list: %+v", list)
	}
	wantError(t, ring.SetDefault("c"), `"c"`)
}

func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}

func TestDefaultMadeOnce(t *testing.T) {
	ring := open(t, t.TempDir()).Owners()
	first, made, err := ring.Default()
	if err != nil || !made || !first.Default {
		t.Fatalf("first use: made %v, %v", made, err)
	}
	again, made, err := ring.Default()
	if err != nil || made || again.Owner != first.Owner {
		t.Errorf("second use: made %v, %v", made, err)
	}
}

func TestDefaultWithoutChoice(t *testing.T) {
	h := open(t, t.TempDir())
	ring := h.Owners()
	must(ring.New("a"))
	must(ring.New("b"))
	write(t, h, "default-owner", "\x00", 0o600)
	_, _, err := ring.Default()
	wantError(t, err, "default-owner", "lf owner default")
	write(t, h, "default-owner", "gone\n", 0o600)
	_, _, err = ring.Default()
	wantError(t, err, `"gone"`)
}

func TestExportImport(t *testing.T) {
	from, to := open(t, t.TempDir()).Owners(), open(t, t.TempDir()).Owners()
	key := must(from.New("horse"))
	text := must(from.Export("horse"))
	got, err := to.Import("imported", text)
	if err != nil || got.Owner != key.Owner || !got.Default {
		t.Fatalf("import: %+v, %v", got, err)
	}
	_, err = to.Import("twice", text)
	wantError(t, err, key.Owner.String(), `"imported"`)
	_, err = to.Import("bad", []byte("no key"))
	wantError(t, err, "PEM")
	other := must(from.New("other"))
	_, err = to.Import("imported", must(from.Export(other.Owner.String())))
	wantError(t, err, "another name")
	_, err = from.Export("nobody")
	wantError(t, err, `"nobody"`)
}

func TestForeignFilesIgnored(t *testing.T) {
	h := open(t, t.TempDir())
	for _, name := range []string{"owners/README", "owners/.new-123", "owners/UPPER.pem"} {
		write(t, h, name, "x", 0o644)
	}
	if keys, err := h.Owners().List(); err != nil || len(keys) != 0 {
		t.Errorf("list: %v, %v", keys, err)
	}
	if err := home.CheckOwnerName("ok"); err != nil {
		t.Error(err)
	}
}
