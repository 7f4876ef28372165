package apiserver_test

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/lf-store/lf/internal/apiserver"
	"github.com/lf-store/lf/node/api"
)

// newSession asks for a session, or for a code.
func newSession(t *testing.T, h http.Handler, target, body string, change ...func(*http.Request)) api.Session {
	t.Helper()
	var s api.Session
	if err := json.Unmarshal(ask(t, h, "POST", target, text(body), change...).want(t, http.StatusCreated, "application/json"), &s); err != nil {
		t.Fatal(err)
	}
	return s
}

func TestSession(t *testing.T) {
	t.Parallel()
	h := apiserver.NewHandler(newFake(t), apiserver.HandlerOptions{Token: token, Private: true})
	ask(t, h, "POST", "/v1/sessions", text("{}")).wantProblem(t, 401, "api.token")
	s := newSession(t, h, "/v1/sessions", "{}", withToken)
	if s.Token == "" || s.Code != "" || s.ID == "" || s.Until-s.Made != uint64((12*time.Hour).Milliseconds()) {
		t.Fatalf("session %+v", s)
	}
	in := bearer(s.Token)
	ask(t, h, "GET", "/v1/status", nil).wantProblem(t, 401, "api.token")
	ask(t, h, "GET", "/v1/status", nil, in).want(t, 200, "application/json")
	ask(t, h, "POST", "/v1/set", text(validSet), in).want(t, 201, "application/json")
	for _, refused := range []struct{ method, target, body string }{
		{"POST", "/v1/sessions", "{}"}, {"GET", "/v1/sessions", ""}, {"POST", "/v1/peers", "{}"}, {"DELETE", "/v1/sessions/other", ""},
	} {
		ask(t, h, refused.method, refused.target, text(refused.body), in).wantProblem(t, 403, "session")
	}
	var list api.SessionList
	body := ask(t, h, "GET", "/v1/sessions", nil, withToken).want(t, 200, "application/json")
	if err := json.Unmarshal(body, &list); err != nil || len(list.Sessions) != 1 || list.Sessions[0].ID != s.ID || strings.Contains(string(body), s.Token) {
		t.Errorf("the list: %s", body)
	}
	if got := ask(t, h, "DELETE", "/v1/sessions/self", nil, in); got.Code != http.StatusNoContent {
		t.Errorf("a session that ends itself: %d %s", got.Code, got.Body)
	}
	ask(t, h, "GET", "/v1/status", nil, in).wantProblem(t, 401, "revoked")
	ask(t, h, "DELETE", "/v1/sessions/"+s.ID, nil, withToken).wantProblem(t, 404, "no session")
}

// TestSessionRevoked: the service's user ends a session, and it is refused from then on.
func TestSessionRevoked(t *testing.T) {
	t.Parallel()
	h := apiserver.NewHandler(newFake(t), apiserver.HandlerOptions{Token: token, Private: true})
	one, other := newSession(t, h, "/v1/sessions", "{}", withToken), newSession(t, h, "/v1/sessions", "{}", withToken)
	if got := ask(t, h, "DELETE", "/v1/sessions/"+one.ID, nil, withToken); got.Code != http.StatusNoContent {
		t.Errorf("revoke: %d %s", got.Code, got.Body)
	}
	ask(t, h, "GET", "/v1/status", nil, bearer(one.Token)).wantProblem(t, 401, "revoked")
	ask(t, h, "GET", "/v1/status", nil, bearer(other.Token)).want(t, 200, "application/json")
	// a restart ends every session
	again := apiserver.NewHandler(newFake(t), apiserver.HandlerOptions{Token: token, Private: true})
	ask(t, again, "GET", "/v1/status", nil, bearer(other.Token)).wantProblem(t, 401, "revoked")
}

func TestSessionCode(t *testing.T) {
	t.Parallel()
	h := apiserver.NewHandler(newFake(t), apiserver.HandlerOptions{Token: token, Private: true})
	c := newSession(t, h, "/v1/sessions", `{"code":true}`, withToken)
	if c.Code == "" || c.Token != "" {
		t.Fatalf("code %+v", c)
	}
	ask(t, h, "GET", "/v1/status", nil, bearer(c.Code)).wantProblem(t, 401, "revoked")
	ask(t, h, "POST", "/v1/session", text(`{"code":"guess"}`)).wantProblem(t, 401, "lf ui --print")
	ask(t, h, "POST", "/v1/session", text(`{"code":""}`)).wantProblem(t, 401, "lf ui --print")
	body := `{"code":"` + c.Code + `"}`
	ask(t, h, "POST", "/v1/session", text(body), header("Sec-Fetch-Site", "cross-site")).wantProblem(t, 403, "other sites")
	s := newSession(t, h, "/v1/session", body)
	ask(t, h, "GET", "/v1/status", nil, bearer(s.Token)).want(t, 200, "application/json")
	ask(t, h, "POST", "/v1/session", text(body)).wantProblem(t, 401, "used")
}

// TestSessionsEnd: a code works for two minutes, a session for twelve hours, and of many the oldest
// ends.
func TestSessionsEnd(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := apiserver.NewHandler(newFake(t), apiserver.HandlerOptions{Token: token, Private: true})
		late := newSession(t, h, "/v1/sessions", `{"code":true}`, withToken)
		s := newSession(t, h, "/v1/sessions", "{}", withToken)
		time.Sleep(2 * time.Minute)
		ask(t, h, "POST", "/v1/session", text(`{"code":"`+late.Code+`"}`)).wantProblem(t, 401, "lf ui --print")
		time.Sleep(12*time.Hour - 2*time.Minute - time.Second)
		ask(t, h, "GET", "/v1/status", nil, bearer(s.Token)).want(t, 200, "application/json")
		time.Sleep(time.Second)
		ask(t, h, "GET", "/v1/status", nil, bearer(s.Token)).wantProblem(t, 401, "revoked")
		first := newSession(t, h, "/v1/sessions", "{}", withToken)
		for range 64 {
			s = newSession(t, h, "/v1/sessions", "{}", withToken)
		}
		ask(t, h, "GET", "/v1/status", nil, bearer(first.Token)).wantProblem(t, 401, "revoked")
		ask(t, h, "GET", "/v1/status", nil, bearer(s.Token)).want(t, 200, "application/json")
	})
}

// TestPage: a browser may open the page from anywhere. Nothing else answers a page of another site.
func TestPage(t *testing.T) {
	t.Parallel()
	h := apiserver.NewHandler(newFake(t), apiserver.HandlerOptions{Token: token, Private: true, Page: true})
	visit := func(r *http.Request) {
		r.Header.Set("Sec-Fetch-Site", "cross-site")
		r.Header.Set("Sec-Fetch-Mode", "navigate")
		r.Header.Set("Sec-Fetch-Dest", "document")
	}
	got := ask(t, h, "GET", "/", nil, visit)
	policy := got.Header().Get("Content-Security-Policy")
	if got.Code != 200 || !strings.HasPrefix(got.Header().Get("Content-Type"), "text/html") || !strings.Contains(policy, "default-src 'none'") || strings.Contains(policy, "unsafe") {
		t.Errorf("a visit: %d, %v", got.Code, got.Header())
	}
	if again := ask(t, h, "GET", "/", nil, visit, header("If-None-Match", got.Header().Get("ETag"))); again.Code != http.StatusNotModified {
		t.Errorf("the same page again: %d", again.Code)
	}
	ask(t, h, "GET", "/v1/status", nil, visit, withToken).wantProblem(t, 403, "other sites")
	ask(t, h, "GET", "/metrics", nil, visit, withToken).wantProblem(t, 403, "other sites")
	ask(t, h, "GET", "/ui/nothing.js", nil).wantProblem(t, 404, "/ui/nothing.js")
	ask(t, h, "GET", "/ui/../api.token", nil, visit).wantProblem(t, 403, "other sites")
	ask(t, h, "POST", "/", text("{}"), visit).wantProblem(t, 403, "other sites")
	ask(t, h, "GET", "/", nil, visit, func(r *http.Request) { r.Host = "evil.example" }).wantProblem(t, 421, "evil.example")
	// what a page embeds or fetches is no visit
	for _, dest := range []string{"script", "iframe", "empty", ""} {
		ask(t, h, "GET", "/ui/app.js", nil, visit, header("Sec-Fetch-Dest", dest)).wantProblem(t, 403, "other sites")
	}
}
