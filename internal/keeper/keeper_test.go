package keeper

import (
	"errors"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/lf-store/lf/node/api"
	"github.com/lf-store/lf/node/home"
	"github.com/lf-store/lf/protocol"
)

func newTestKeeper(t *testing.T) (*home.Home, *Keeper) {
	t.Helper()
	h, err := home.Open(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	return h, New(h)
}

// TestKeeper makes owners and elects oracles in a home.
func TestKeeper(t *testing.T) {
	t.Parallel()
	h, k := newTestKeeper(t)
	if list, err := k.Owners(t.Context()); err != nil || list.Owners == nil || len(list.Owners) != 0 {
		t.Errorf("a new home: %+v, %v", list, err)
	}
	first, err := k.NewOwner(t.Context(), "first")
	if err != nil || !first.Default {
		t.Fatalf("%+v, %v", first, err)
	}
	second, err := k.NewOwner(t.Context(), "second")
	if err != nil || second.Default {
		t.Fatalf("%+v, %v", second, err)
	}
	for name, status := range map[string]int{"first": http.StatusConflict, "../x": http.StatusUnprocessableEntity, "": http.StatusUnprocessableEntity} {
		if _, err := k.NewOwner(t.Context(), name); !errors.Is(err, &api.Error{Status: status}) {
			t.Errorf("a new owner %q: %v", name, err)
		}
	}
	if _, err := k.SetDefaultOwner(t.Context(), "third"); !errors.Is(err, &api.Error{Status: http.StatusNotFound}) {
		t.Errorf("an owner that is not there: %v", err)
	}
	if o, err := k.SetDefaultOwner(t.Context(), second.Owner.String()); err != nil || !o.Default || o.Name != "second" {
		t.Errorf("%+v, %v", o, err)
	}
	if err := os.WriteFile(filepath.Join(h.Dir(), "owners", "torn.pem"), []byte("no key"), 0o600); err != nil {
		t.Fatal(err)
	}
	list, err := k.Owners(t.Context())
	if err != nil || len(list.Owners) != 2 || list.Owners[0].Default || !list.Owners[1].Default || len(list.Problems) != 1 || !strings.Contains(list.Problems[0], "torn") {
		t.Errorf("%+v, %v", list, err)
	}
}

// TestElection elects and dismisses, and refuses what cannot count.
func TestElection(t *testing.T) {
	t.Parallel()
	h, k := newTestKeeper(t)
	oracle, err := k.NewOwner(t.Context(), "oracle")
	if err != nil {
		t.Fatal(err)
	}
	for range 2 { // twice is once
		if e, err := k.ElectOracle(t.Context(), oracle.Owner); err != nil || len(e.Oracles) != 1 {
			t.Errorf("%+v, %v", e, err)
		}
	}
	if kept, err := h.Trust(); err != nil || len(kept.Oracles) != 1 || kept.Oracles[0] != oracle.Owner {
		t.Errorf("the home elects %+v, %v", kept, err)
	}
	if _, err := k.ElectOracle(t.Context(), protocol.Owner{1}); !errors.Is(err, &api.Error{Status: http.StatusUnprocessableEntity}) {
		t.Errorf("an oracle that is anybody: %v", err)
	}
	if e, err := k.DismissOracle(t.Context(), oracle.Owner); err != nil || len(e.Oracles) != 0 {
		t.Errorf("%+v, %v", e, err)
	}
	if _, err := k.DismissOracle(t.Context(), oracle.Owner); !errors.Is(err, &api.Error{Status: http.StatusNotFound}) {
		t.Errorf("one that is not elected: %v", err)
	}
}
