package apiserver_test

import (
	"context"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/lf-store/lf/internal/apiserver"
	"github.com/lf-store/lf/node/api"
	"github.com/lf-store/lf/protocol"
)

// fakeKeeper keeps owners by name and has no home.
type fakeKeeper struct {
	list    api.OwnerList
	elected []protocol.Owner
}

func (f *fakeKeeper) Owners(context.Context) (*api.OwnerList, error) { return &f.list, nil }

func (f *fakeKeeper) NewOwner(_ context.Context, name string) (*api.KeptOwner, error) {
	f.list.Owners = append(f.list.Owners, api.KeptOwner{Name: name, Owner: protocol.Owner{byte(len(f.list.Owners) + 1)}})
	return &f.list.Owners[len(f.list.Owners)-1], nil
}

func (f *fakeKeeper) SetDefaultOwner(_ context.Context, owner string) (*api.KeptOwner, error) {
	for i := range f.list.Owners {
		f.list.Owners[i].Default = f.list.Owners[i].Name == owner
		if f.list.Owners[i].Default {
			return &f.list.Owners[i], nil
		}
	}
	return nil, api.NotFound("no owner %q", owner)
}

func (f *fakeKeeper) ElectOracle(_ context.Context, o protocol.Owner) (*api.Elected, error) {
	f.elected = append(f.elected, o)
	return &api.Elected{Oracles: f.elected}, nil
}

func (f *fakeKeeper) DismissOracle(_ context.Context, o protocol.Owner) (*api.Elected, error) {
	f.elected = slices.DeleteFunc(f.elected, func(e protocol.Owner) bool { return e == o })
	return &api.Elected{Oracles: f.elected}, nil
}

// TestKeeper passes each call through HTTP.
func TestKeeper(t *testing.T) {
	t.Parallel()
	f := &fakeKeeper{}
	c := archiveClient(t, apiserver.HandlerOptions{Keeper: f})
	if k, err := c.NewOwner(t.Context(), "alice"); err != nil || k.Name != "alice" {
		t.Errorf("%+v, %v", k, err)
	}
	if k, err := c.SetDefaultOwner(t.Context(), "alice"); err != nil || !k.Default {
		t.Errorf("%+v, %v", k, err)
	}
	if list, err := c.Owners(t.Context()); err != nil || len(list.Owners) != 1 || list.Owners[0] != (api.KeptOwner{Name: "alice", Owner: protocol.Owner{1}, Default: true}) {
		t.Errorf("%+v, %v", list, err)
	}
	if e, err := c.ElectOracle(t.Context(), protocol.Owner{9}); err != nil || len(e.Oracles) != 1 || e.Oracles[0] != (protocol.Owner{9}) {
		t.Errorf("%+v, %v", e, err)
	}
	if e, err := c.DismissOracle(t.Context(), protocol.Owner{9}); err != nil || e.Oracles == nil || len(e.Oracles) != 0 {
		t.Errorf("%+v, %v", e, err)
	}
}

// TestKeeperRights: who only reads learns no owner's name, and a limited token sees its owners and
// changes nothing.
func TestKeeperRights(t *testing.T) {
	t.Parallel()
	mine, other := protocol.Owner{1}, protocol.Owner{2}
	f := &fakeKeeper{list: api.OwnerList{Owners: []api.KeptOwner{{Name: "mine", Owner: mine}, {Name: "secret", Owner: other}}, Problems: []string{"the key of owner \"lost\""}}}
	grants := func(token string) (*apiserver.Grant, error) {
		return map[string]*apiserver.Grant{"limited": {Name: "x", Set: []protocol.Owner{mine}}, "reader": {Name: "y", Read: true}}[token], nil
	}
	h := apiserver.NewHandler(newFake(t), apiserver.HandlerOptions{Token: token, Tokens: grants, Keeper: f})
	for _, op := range []struct{ method, path, body string }{
		{"GET", "/v1/owners", ""}, {"POST", "/v1/owners", `{"name":"n"}`}, {"PUT", "/v1/default-owner", `{"owner":"mine"}`},
		{"PUT", "/v1/oracles/" + mine.String(), ""}, {"DELETE", "/v1/oracles/" + mine.String(), ""},
	} {
		for bearer, status := range map[string]int{"": 401, "reader": 403, "limited": 403} {
			if bearer == "limited" && op.method == "GET" {
				status = http.StatusOK
			}
			a := ask(t, h, op.method, op.path, strings.NewReader(op.body), func(r *http.Request) {
				if bearer != "" {
					r.Header.Set("Authorization", "Bearer "+bearer)
				}
			})
			if a.Code != status || strings.Contains(a.Body.String(), "secret") || strings.Contains(a.Body.String(), "lost") {
				t.Errorf("%s %s with %q: %d, want %d: %s", op.method, op.path, bearer, a.Code, status, a.Body)
			}
		}
	}
	if len(f.list.Owners) != 2 || f.elected != nil {
		t.Errorf("something was changed: %+v", f)
	}
}
