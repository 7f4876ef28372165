package service

import (
	"errors"
	"net/http"
	"testing"

	"github.com/lf-store/lf/node/api"
	"github.com/lf-store/lf/node/internal/nodetest"
	"github.com/lf-store/lf/protocol"
)

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
