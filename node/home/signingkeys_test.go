package home_test

import (
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/lf-store/lf/node/home"
)

// TestSigningKeys reads keys again after each change of the keyring, and only then.
func TestSigningKeys(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	h, err := home.Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	ring := h.Owners()
	keys := ring.Signing()
	want := func(nameOrOwner, name string, made bool) home.Key {
		t.Helper()
		key, isNew, err := keys.Get(nameOrOwner)
		if err != nil || key.Name != name || isNew != made {
			t.Fatalf("%q: %q, new %t, %v", nameOrOwner, key.Name, isNew, err)
		}
		return key
	}
	// old makes everything old enough to be remembered, as it is after a while.
	old := func() {
		t.Helper()
		files, err := filepath.Glob(filepath.Join(dir, "owners", "*"))
		if err != nil || len(files) == 0 {
			t.Fatal(files, err)
		}
		before := time.Now().Add(-time.Hour)
		for _, path := range append(files, filepath.Join(dir, "owners"), filepath.Join(dir, "default-owner")) {
			if err := os.Chtimes(path, before, before); err != nil && !os.IsNotExist(err) {
				t.Fatal(err)
			}
		}
	}
	first := want("", "default", true)
	want("", "default", false)
	old()
	if a, b := want("", "default", false), want("", "default", false); &a.Secret[0] != &b.Secret[0] {
		t.Error("nothing was remembered")
	}
	second, err := ring.New("second")
	if err != nil {
		t.Fatal(err)
	}
	if err := ring.SetDefault("second"); err != nil {
		t.Fatal(err)
	}
	if key := want("", "second", false); key.Owner != second.Owner {
		t.Errorf("the default owner of before: %s", key.Owner)
	}
	old()
	want("", "second", false)
	want(first.Owner.String(), "default", false)
	if err := ring.SetDefault("default"); err != nil {
		t.Fatal(err)
	}
	want("", "default", false)
	old()
	want("second", "second", false)
	if err := os.Remove(filepath.Join(dir, "owners", "second.pem")); err != nil {
		t.Fatal(err)
	}
	if key, _, err := keys.Get("second"); err == nil {
		t.Errorf("a key that is gone signs: %s", key.Owner)
	}
}
