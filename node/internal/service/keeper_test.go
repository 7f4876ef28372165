package service

import (
	"errors"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/lf-store/lf/node/api"
	"github.com/lf-store/lf/node/internal/nodetest"
	"github.com/lf-store/lf/protocol"
)

// TestKeeper makes owners and elects oracles in a home.
func TestKeeper(t *testing.T) {
	t.Parallel()
	s := newTestService(t, nodetest.NewNetwork(t, 0))
	if list, err := s.Owners(t.Context()); err != nil || list.Owners == nil || len(list.Owners) != 0 {
		t.Errorf("a new home: %+v, %v", list, err)
	}
	first, err := s.NewOwner(t.Context(), "first")
	if err != nil || !first.Default {
		t.Fatalf("%+v, %v", first, err)
	}
	second, err := s.NewOwner(t.Context(), "second")
	if err != nil || second.Default {
		t.Fatalf("%+v, %v", second, err)
	}
	for name, status := range map[string]int{"first": http.StatusConflict, "../x": http.StatusUnprocessableEntity, "": http.StatusUnprocessableEntity} {
		if _, err := s.NewOwner(t.Context(), name); !errors.Is(err, &api.Error{Status: status}) {
			t.Errorf("a new owner %q: %v", name, err)
		}
	}
	if _, err := s.SetDefaultOwner(t.Context(), "third"); !errors.Is(err, &api.Error{Status: http.StatusNotFound}) {
		t.Errorf("an owner that is not there: %v", err)
	}
	if k, err := s.SetDefaultOwner(t.Context(), second.Owner.String()); err != nil || !k.Default || k.Name != "second" {
		t.Errorf("%+v, %v", k, err)
	}
	if err := os.WriteFile(filepath.Join(s.config.Home.Dir(), "owners", "torn.pem"), []byte("no key"), 0o600); err != nil {
		t.Fatal(err)
	}
	list, err := s.Owners(t.Context())
	if err != nil || len(list.Owners) != 2 || list.Owners[0].Default || !list.Owners[1].Default || len(list.Problems) != 1 || !strings.Contains(list.Problems[0], "torn") {
		t.Errorf("%+v, %v", list, err)
	}
}

// TestElection elects and dismisses, and refuses what cannot count.
func TestElection(t *testing.T) {
	t.Parallel()
	s := newTestService(t, nodetest.NewNetwork(t, 0))
	oracle, err := s.NewOwner(t.Context(), "oracle")
	if err != nil {
		t.Fatal(err)
	}
	for range 2 { // twice is once
		if e, err := s.ElectOracle(t.Context(), oracle.Owner); err != nil || len(e.Oracles) != 1 {
			t.Errorf("%+v, %v", e, err)
		}
	}
	if kept, err := s.config.Home.Trust(); err != nil || len(kept.Oracles) != 1 || kept.Oracles[0] != oracle.Owner {
		t.Errorf("the home elects %+v, %v", kept, err)
	}
	if _, err := s.ElectOracle(t.Context(), protocol.Owner{1}); !errors.Is(err, &api.Error{Status: http.StatusUnprocessableEntity}) {
		t.Errorf("an oracle that is anybody: %v", err)
	}
	if e, err := s.DismissOracle(t.Context(), oracle.Owner); err != nil || len(e.Oracles) != 0 {
		t.Errorf("%+v, %v", e, err)
	}
	if _, err := s.DismissOracle(t.Context(), oracle.Owner); !errors.Is(err, &api.Error{Status: http.StatusNotFound}) {
		t.Errorf("one that is not elected: %v", err)
	}
}

// TestAround shows where a record stands, and says why one has no place.
func TestAround(t *testing.T) {
	t.Parallel()
	n := nodetest.NewNetwork(t, 0)
	s := newTestService(t, n)
	var last *api.Submitted
	for _, name := range []string{"a", "b", "c"} {
		var err error
		if last, err = s.Set(t.Context(), api.SetRequest{Selectors: api.MustSelectors(name), Text: new("value")}); err != nil {
			t.Fatal(err)
		}
	}
	around, err := s.Around(t.Context(), api.AroundQuery{Record: last.ID})
	if err != nil || around.More || len(around.Records) < 2 {
		t.Fatalf("%+v, %v", around, err)
	}
	self := around.Records[len(around.Records)-1]
	if self.ID != last.ID || self.Step != 0 || self.Owner != last.Owner || self.Type != "datum" || self.Main == (protocol.ID{}) || self.Weight == 0 {
		t.Errorf("%+v", self)
	}
	if _, err := s.Around(t.Context(), api.AroundQuery{Record: protocol.ID{1}}); !errors.Is(err, &api.Error{Status: http.StatusNotFound}) {
		t.Errorf("a record that is not here: %v", err)
	}
	if _, err := s.Around(t.Context(), api.AroundQuery{Record: last.ID, Steps: 9}); !errors.Is(err, &api.Error{Status: http.StatusUnprocessableEntity}) {
		t.Errorf("too many steps: %v", err)
	}
}
