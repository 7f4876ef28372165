package apiserver_test

import (
	"errors"
	"net/http"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/lf-store/lf/internal/apiserver"
)

// TestSessionEndsStreams: what a session has under way ends with it, when its user ends it and when
// its time is up.
func TestSessionEndsStreams(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := apiserver.NewHandler(&moody{Service: newFake(t), state: "alone"}, apiserver.HandlerOptions{Token: token})
		revoked, expires := newSession(t, h, "/v1/sessions", "{}", withToken), newSession(t, h, "/v1/sessions", "{}", withToken)
		ask(t, h, "GET", "/v1/session", nil, bearer(revoked.Token)).want(t, http.StatusOK, "application/json")
		ask(t, h, "GET", "/v1/session", nil, withToken).wantProblem(t, http.StatusNotFound, "no session")
		first, second := view(t.Context(), h, bearer(revoked.Token)), view(t.Context(), h, bearer(expires.Token))
		first.state(t)
		second.state(t)
		if got := ask(t, h, "DELETE", "/v1/sessions/"+revoked.ID, nil, withToken); got.Code != http.StatusNoContent {
			t.Fatalf("revoke: %d", got.Code)
		}
		for range first.events { // until it ends
		}
		ask(t, h, "GET", "/v1/session", nil, bearer(revoked.Token)).wantProblem(t, http.StatusUnauthorized, "revoked")
		begin := time.Now()
		for range second.events {
		}
		if took := time.Since(begin); took < 11*time.Hour || took > 12*time.Hour {
			t.Errorf("the other one ended after %s", took)
		}
		h.Close(t.Context())
	})
}

// TestTokenEndsStreams revokes a limited token: its stream ends within seconds. Another token, or a
// list of tokens that cannot be read for a while, ends none.
func TestTokenEndsStreams(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var revoked, unreadable atomic.Bool
		tokens := func(given string) (*apiserver.Grant, error) {
			if unreadable.Load() {
				return nil, errors.New("no such disk")
			}
			return map[string]*apiserver.Grant{"keeps": {Name: "keeps", Read: true}, "loses": {Name: "loses", Read: !revoked.Load()}}[given], nil
		}
		m := &moody{Service: newFake(t), state: "alone"}
		h := apiserver.NewHandler(m, apiserver.HandlerOptions{Token: token, Tokens: tokens, Private: true})
		loses, keeps := view(t.Context(), h, bearer("loses")), view(t.Context(), h, bearer("keeps"))
		loses.state(t)
		keeps.state(t)
		unreadable.Store(true)
		time.Sleep(time.Minute)
		unreadable.Store(false)
		m.set("syncing", nil)
		loses.state(t)
		begin := time.Now()
		revoked.Store(true)
		for range loses.events { // until it ends
		}
		if took := time.Since(begin); took > 5*time.Second {
			t.Errorf("it went on for %s", took)
		}
		m.set("in sync", nil)
		time.Sleep(time.Minute)
		if keeps.state(t) != "syncing" || keeps.state(t) != "in sync" {
			t.Error("the other one ended")
		}
		h.Close(t.Context())
	})
}

// TestPageIsNotCounted: a browser that loads the page has its requests left for what it asks.
func TestPageIsNotCounted(t *testing.T) {
	t.Parallel()
	h := apiserver.NewHandler(newFake(t), apiserver.HandlerOptions{Token: token, Page: true, AnonymousRate: 1})
	for range 50 {
		if got := ask(t, h, "GET", "/ui/app.js", nil); got.Code != http.StatusOK {
			t.Fatalf("a file of the page: %d %s", got.Code, got.Body)
		}
	}
	ask(t, h, "GET", "/v1/status", nil).want(t, http.StatusOK, "application/json")
}
