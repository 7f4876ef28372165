package lf_test

import (
	"crypto/ed25519"
	"errors"
	"testing"

	"github.com/lf-store/lf"
	"github.com/lf-store/lf/node/home"
	"github.com/lf-store/lf/protocol"
)

// TestPrepare writes, deletes and releases as an owner whose key the client does not have.
func TestPrepare(t *testing.T) {
	t.Parallel()
	db := open(t, newFake(t))
	key := newKey(t)
	owner := protocol.OwnerOf(key)
	for _, prepare := range []func() (*lf.Unsigned, error){
		func() (*lf.Unsigned, error) { return db.PrepareDelete(t.Context(), owner, horse) },
		func() (*lf.Unsigned, error) { return db.PrepareRelease(t.Context(), owner, horse) },
	} {
		if _, err := prepare(); !errors.Is(err, lf.ErrNotFound) {
			t.Errorf("prepared to take back nothing: %v", err)
		}
	}
	sign := func(u *lf.Unsigned, err error) *lf.Written {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return must[*lf.Written](t)(db.SubmitSigned(t.Context(), u, ed25519.Sign(key, u.Sign)))
	}
	done := sign(db.PrepareSet(t.Context(), owner, horse, []byte("Bad Horse")))
	if a, err := db.Get(t.Context(), horse); err != nil || a.Text() != "Bad Horse" || a.Owner != owner || a.Record != done.ID {
		t.Errorf("%+v, %v", a, err)
	}
	sign(db.PrepareDelete(t.Context(), owner, horse))
	if _, err := db.Get(t.Context(), horse); !errors.Is(err, lf.ErrDeleted) {
		t.Errorf("deleted: %v", err)
	}
	if u, err := db.PrepareDelete(t.Context(), owner, horse); !errors.Is(err, lf.ErrDeleted) {
		t.Errorf("prepared to delete again: %+v, %v", u, err)
	}
	sign(db.PrepareRelease(t.Context(), owner, horse))
	if _, err := db.Get(t.Context(), horse); !errors.Is(err, lf.ErrNotFound) {
		t.Errorf("released: %v", err)
	}
	names := must[[]string](t)(must[*home.Keyring](t)(db.Keyring()).Names())
	if len(names) > 0 {
		t.Errorf("the home has got the owners %q", names)
	}
}

// TestPrepareRefuses submits nothing that its owner has not signed.
func TestPrepareRefuses(t *testing.T) {
	t.Parallel()
	db := open(t, newFake(t))
	key := newKey(t)
	u := must[*lf.Unsigned](t)(db.PrepareSet(t.Context(), protocol.OwnerOf(key), horse, nil))
	for name, signature := range map[string][]byte{
		"another key": ed25519.Sign(newKey(t), u.Sign), "another message": ed25519.Sign(key, []byte("x")), "none": nil,
	} {
		if _, err := db.SubmitSigned(t.Context(), u, signature); err == nil {
			t.Errorf("%s: it was submitted", name)
		}
	}
	var input *lf.InputError
	if _, err := db.PrepareSet(t.Context(), protocol.OwnerOf(key), lf.MustKey("x#1#2"), nil); !errors.As(err, &input) {
		t.Errorf("a range: %v", err)
	}
	if _, err := db.Get(t.Context(), horse); !errors.Is(err, lf.ErrNotFound) {
		t.Error(err)
	}
}
