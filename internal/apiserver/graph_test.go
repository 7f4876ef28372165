package apiserver_test

import (
	"context"
	"errors"
	"net/http"
	"testing"

	"github.com/lf-store/lf/internal/apiserver"
	"github.com/lf-store/lf/node/api"
	"github.com/lf-store/lf/protocol"
)

// fakeGraph answers with the question.
type fakeGraph struct{}

func (fakeGraph) Around(_ context.Context, q api.AroundQuery) (*api.Surroundings, error) {
	steps, limit := q.Bounds()
	return &api.Surroundings{More: true, Records: []api.GraphRecord{{ID: q.Record, Step: steps, Merges: limit, Main: protocol.ID{7}, Weight: 1 << 60}}}, nil
}

// TestAround passes the question and the answer through HTTP.
func TestAround(t *testing.T) {
	t.Parallel()
	c := archiveClient(t, apiserver.HandlerOptions{Graph: fakeGraph{}})
	for _, q := range []api.AroundQuery{{Record: protocol.ID{5}}, {Record: protocol.ID{5}, Steps: 8, Limit: 200}} {
		steps, limit := q.Bounds()
		s, err := c.Around(t.Context(), q)
		if err != nil || !s.More || len(s.Records) != 1 || s.Records[0].ID != q.Record || s.Records[0].Step != steps || s.Records[0].Merges != limit || s.Records[0].Main != (protocol.ID{7}) || s.Records[0].Weight != 1<<60 {
			t.Errorf("%+v, %v", s, err)
		}
	}
	for _, q := range []api.AroundQuery{{Steps: 9}, {Limit: 201}, {Limit: -1}} {
		if _, err := c.Around(t.Context(), q); !errors.Is(err, &api.Error{Status: http.StatusUnprocessableEntity}) {
			t.Errorf("%+v: %v", q, err)
		}
	}
	h := apiserver.NewHandler(newFake(t), apiserver.HandlerOptions{Graph: fakeGraph{}})
	ask(t, h, "GET", "/v1/records/"+protocol.ID{5}.String()+"/around?steps=9", nil).want(t, http.StatusUnprocessableEntity, api.TypeProblem)
	ask(t, h, "GET", "/v1/records/horse/around", nil).want(t, http.StatusUnprocessableEntity, api.TypeProblem)
}
