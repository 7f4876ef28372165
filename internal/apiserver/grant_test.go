package apiserver_test

import (
	"bytes"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"strings"
	"testing"

	"github.com/lf-store/lf/internal/apiserver"
	"github.com/lf-store/lf/node/api"
	"github.com/lf-store/lf/protocol"
)

// grants are limited tokens, each of which shows its own name.
func grants(list ...apiserver.Grant) func(string) (*apiserver.Grant, error) {
	return func(shown string) (*apiserver.Grant, error) {
		for i := range list {
			if list[i].Name == shown {
				return &list[i], nil
			}
		}
		return nil, nil
	}
}

func bearer(token string) func(*http.Request) { return header("Authorization", "Bearer "+token) }

// TestGrants holds what each limited token may do and what not.
func TestGrants(t *testing.T) {
	t.Parallel()
	f := newFake(t)
	h := apiserver.NewHandler(f, apiserver.HandlerOptions{Token: token, Private: true, Tokens: grants(
		apiserver.Grant{Name: "reads", Read: true}, apiserver.Grant{Name: "submits", Submit: true},
		apiserver.Grant{Name: "works", Work: true}, apiserver.Grant{Name: "sets", Set: []protocol.Owner{f.DefaultOwner()}},
	)})
	signed := `{"header":"AAAA","value":"AAAA","signature":"` + strings.Repeat("A", 86) + `=="}`
	for _, op := range []struct {
		method, target, body string
		may                  string // whose tokens suffice
	}{
		{"GET", "/v1/status", "", "reads submits"},
		{"GET", "/v1/kv?k=n%23", "", "reads submits"},
		{"POST", "/v1/query", `{"selectors":["n"]}`, "reads submits"},
		{"GET", "/metrics", "", "reads submits"},
		{"POST", "/v1/records", `{"frame":"AAAA"}`, "submits"},
		{"POST", "/v1/records", signed, "works"},
		{"POST", "/v1/prepare", `{"selectors":["n"],"text":"x"}`, "works"},
		{"POST", "/v1/work", `{"worked":"AAAA","effort":1}`, "works"},
		{"POST", "/v1/set", validSet, "sets"},
		{"GET", "/livez", "", "reads submits works sets nobody"},
	} {
		for _, name := range []string{"reads", "submits", "works", "sets", "nobody"} {
			var body io.Reader
			if op.body != "" {
				body = text(op.body)
			}
			got := ask(t, h, op.method, op.target, body, bearer(name))
			refused := got.Code == http.StatusForbidden || got.Code == http.StatusUnauthorized
			if may := strings.Contains(op.may, name); refused == may {
				t.Errorf("%s %s with the token %q: status %d: %s", op.method, op.target, name, got.Code, got.Body)
			}
			if name == "nobody" && !strings.Contains(op.may, name) && got.Code != http.StatusUnauthorized {
				t.Errorf("%s %s with an unknown token: status %d", op.method, op.target, got.Code)
			}
		}
	}
}

// TestGrantOwners: a limited token writes as its owners and no other, by name or peer ID.
func TestGrantOwners(t *testing.T) {
	t.Parallel()
	f := newFake(t)
	mine, other := f.DefaultOwner(), protocol.Owner{7}
	h := apiserver.NewHandler(f, apiserver.HandlerOptions{
		Token: token, Tokens: grants(apiserver.Grant{Name: "one", Set: []protocol.Owner{mine}}, apiserver.Grant{Name: "two", Set: []protocol.Owner{mine, other}}, apiserver.Grant{Name: "wrong", Set: []protocol.Owner{other}}),
		OwnerNamed: func(name string) (protocol.Owner, error) {
			if name == "ops" {
				return mine, nil
			}
			return protocol.Owner{}, errors.New("no such owner")
		},
	})
	set := func(token, owner string) asked {
		return ask(t, h, "POST", "/v1/set", text(`{"selectors":["n"],"text":"x","owner":"`+owner+`"}`), bearer(token))
	}
	for _, good := range [][2]string{{"one", ""}, {"one", "ops"}, {"one", mine.String()}, {"two", "ops"}} {
		if got := set(good[0], good[1]); got.Code != http.StatusCreated {
			t.Errorf("%q as %q: %d %s", good[0], good[1], got.Code, got.Body)
		}
	}
	set("two", "").wantProblem(t, 422, "several owners")
	set("one", "nobody").wantProblem(t, 403, "nobody")
	set("one", other.String()).wantProblem(t, 403, "does not allow")
	set("wrong", "ops").wantProblem(t, 403, "ops")
}

// TestGrantsUnreadable: while limited tokens cannot be read the node's own still works, and nothing
// of a token gets into the log or the answer.
func TestGrantsUnreadable(t *testing.T) {
	t.Parallel()
	var log bytes.Buffer
	h := apiserver.NewHandler(newFake(t), apiserver.HandlerOptions{
		Token: token, Private: true, Logger: slog.New(slog.NewTextHandler(&log, &slog.HandlerOptions{Level: slog.LevelDebug})),
		Tokens: func(string) (*apiserver.Grant, error) { return nil, errors.New("secret path") },
	})
	got := ask(t, h, "GET", "/v1/status", nil, bearer("lf_guess"))
	if got.wantProblem(t, 503, "limited tokens"); strings.Contains(got.Body.String(), "secret") {
		t.Errorf("%s", got.Body)
	}
	ask(t, h, "GET", "/v1/status", nil, withToken).want(t, 200, api.TypeJSON)
	if s := log.String(); strings.Contains(s, "lf_guess") || strings.Contains(s, token) {
		t.Errorf("a token is in the log: %s", s)
	}
}
