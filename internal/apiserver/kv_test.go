package apiserver_test

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/lf-store/lf/internal/apiserver"
	"github.com/lf-store/lf/node/api"
)

// TestKV is what a curl user does: PUT, GET, DELETE.
func TestKV(t *testing.T) {
	t.Parallel()
	h := apiserver.NewHandler(newFake(t), apiserver.HandlerOptions{Token: token})
	put := func(target, value string) asked {
		return ask(t, h, "PUT", target, text(value), withToken, header("Content-Type", "application/x-www-form-urlencoded"))
	}
	get := func(target string) asked { return ask(t, h, "GET", target, nil) }
	get("/v1/kv/horse%232").wantProblem(t, 404, "nothing")
	get("/v1/kv?k=horse%232").wantProblem(t, 404, "nothing")
	get("/v1/kv?k=horse%232%233").want(t, 200, api.TypeJSON) // a range: an empty list
	get("/v1/kv?k=horse&open").want(t, 200, api.TypeJSON)
	if got := put("/v1/kv/horse%232", "Bad & Horse=\x00"); got.Code != http.StatusCreated {
		t.Fatalf("put: %d %s", got.Code, got.Body)
	}
	for _, target := range []string{"/v1/kv/horse%232?raw", "/v1/kv?k=horse%232&raw"} {
		got := get(target)
		if body := got.want(t, 200, "application/octet-stream"); string(body) != "Bad & Horse=\x00" || !strings.HasPrefix(got.Header().Get("ETag"), `"bafy`) {
			t.Errorf("%s: %q, %v", target, body, got.Header())
		}
	}
	get("/v1/kv?k=horse%23&raw").wantProblem(t, 422, "one exact key")
	get("/v1/kv?k=horse%232&raw&open").wantProblem(t, 422, "one exact key")
	var list struct{ Answers []map[string]any }
	if err := json.Unmarshal(get("/v1/kv?k=horse%23").want(t, 200, api.TypeJSON), &list); err != nil || len(list.Answers) != 1 {
		t.Fatalf("%v, %v", list, err)
	}
	compact := list.Answers[0]
	for _, name := range []string{"ordinals", "record", "owner", "time", "text", "claims"} {
		if compact[name] == nil {
			t.Errorf("a compact answer lacks %q: %v", name, compact)
		}
		delete(compact, name)
	}
	if len(compact) > 0 {
		t.Errorf("a compact answer has also %v", compact)
	}
	time.Sleep(2 * time.Millisecond) // what follows is newer
	if got := ask(t, h, "DELETE", "/v1/kv/horse%232", nil, withToken); got.Code != http.StatusCreated {
		t.Fatalf("delete: %d %s", got.Code, got.Body)
	}
	if got := ask(t, h, "DELETE", "/v1/kv/horse%232", nil, withToken); got.Code != http.StatusOK {
		t.Fatalf("delete again: %d %s", got.Code, got.Body)
	}
	var gone api.Error
	if err := json.Unmarshal(get("/v1/kv/horse%232?raw").want(t, 410, api.TypeProblem), &gone); err != nil || gone.Answer == nil || !gone.Answer.Deleted {
		t.Errorf("%+v, %v", gone, err)
	}
	get("/v1/kv?k=horse%23").want(t, 200, api.TypeJSON)
	time.Sleep(2 * time.Millisecond)
	if got := ask(t, h, "DELETE", "/v1/kv/horse%232?release", nil, withToken); got.Code != http.StatusCreated {
		t.Fatalf("release: %d %s", got.Code, got.Body)
	}
	get("/v1/kv/horse%232").wantProblem(t, 404, "nothing")
}

// TestKVNames: any name can stand in a path, and keys of several selectors have the rest beside it.
func TestKVNames(t *testing.T) {
	t.Parallel()
	h := apiserver.NewHandler(newFake(t), apiserver.HandlerOptions{Token: token})
	for _, path := range []string{"a%2Fb", "a%2F%2Fb", "%2E%2E", "%20", "100%25", `hash%5C%23%231`, "%C3%BC", "a?k=b%237", "a+b", "%23%23x"} {
		got := ask(t, h, "PUT", "/v1/kv/"+path, text("value of "+path), withToken)
		if path == "%23%23x" {
			got.wantProblem(t, 422, "")
			continue
		}
		if got.Code != http.StatusCreated {
			t.Errorf("put %s: %d %s", path, got.Code, got.Body)
			continue
		}
		joint := "?"
		if strings.Contains(path, "?") {
			joint = "&"
		}
		if body := ask(t, h, "GET", "/v1/kv/"+path+joint+"raw", nil).want(t, 200, "application/octet-stream"); string(body) != "value of "+path {
			t.Errorf("get %s: %q", path, body)
		}
	}
	ask(t, h, "GET", "/v1/kv?k=b%237&k=a&raw", nil).want(t, 200, "application/octet-stream")
}

// TestKVRefusals: who may not write, what is too large, and an empty value, which is a value.
func TestKVRefusals(t *testing.T) {
	t.Parallel()
	h := apiserver.NewHandler(newFake(t), apiserver.HandlerOptions{Token: token})
	ask(t, h, "PUT", "/v1/kv/n", text("x")).wantProblem(t, 401, "token")
	ask(t, h, "DELETE", "/v1/kv/n", nil).wantProblem(t, 401, "token")
	ask(t, h, "PUT", "/v1/kv/n", text(strings.Repeat("x", 2<<20)), withToken).wantProblem(t, 413, "limit")
	ask(t, h, "PUT", "/v1/kv/n%231%232", text("x"), withToken).wantProblem(t, 422, "range")
	ask(t, h, "PUT", "/v1/kv/n", text("x"), withToken, header("Origin", "https://evil.example")).wantProblem(t, 403, "evil")
	ask(t, h, "PUT", "/v1/kv/n?ownr=a", text("x"), withToken).wantProblem(t, 422, "ownr")
	ask(t, h, "POST", "/v1/kv/n", text("x"), withToken).wantProblem(t, 405, "PUT")
	if got := ask(t, h, "PUT", "/v1/kv/empty", nil, withToken); got.Code != http.StatusCreated {
		t.Errorf("an empty value: %d %s", got.Code, got.Body)
	}
	if got := ask(t, h, "GET", "/v1/kv/empty?raw", nil); got.Code != 200 || got.Body.Len() != 0 {
		t.Errorf("an empty value: %d %q", got.Code, got.Body)
	}
}

// TestSealedRaw: raw never answers with sealed bytes.
func TestSealedRaw(t *testing.T) {
	t.Parallel()
	f := newFake(t)
	h := apiserver.NewHandler(f, apiserver.HandlerOptions{Token: token})
	value := "hidden"
	if _, err := f.Set(t.Context(), api.SetRequest{Selectors: api.MustSelectors("m"), Text: &value, MaskingKey: "open sesame"}); err != nil {
		t.Fatal(err)
	}
	ask(t, h, "GET", "/v1/kv/m?raw", nil).wantProblem(t, 409, "masking key")
}

// TestJSONAsCurlSendsIt: curl -d calls every body a form. Nobody but a program can show a token.
func TestJSONAsCurlSendsIt(t *testing.T) {
	t.Parallel()
	h := apiserver.NewHandler(newFake(t), apiserver.HandlerOptions{Token: token})
	form := header("Content-Type", "application/x-www-form-urlencoded")
	set := `{"selectors":["horse#2"],"text":"x"}`
	ask(t, h, "POST", "/v1/set", text(set), form, withToken).want(t, 201, api.TypeJSON)
	ask(t, h, "POST", "/v1/query", text(`{"selectors":["horse#"]}`), form, withToken).want(t, 200, api.TypeJSON)
	ask(t, h, "POST", "/v1/records", text(`{"frame":"AA=="}`), form, withToken).wantProblem(t, 422, "")
	ask(t, h, "POST", "/v1/query", text(`{"selectors":["horse#"]}`), form).wantProblem(t, 415, "application/json")
	ask(t, h, "POST", "/v1/set", text(set), form, header("Authorization", "Bearer wrong")).wantProblem(t, 401, "token")
}
