package apiserver_test

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/lf-store/lf/internal/apiserver"
	"github.com/lf-store/lf/node/api"
	"github.com/lf-store/lf/protocol"
)

var everyCriterion = protocol.Policy(protocol.Criteria())

type refusal struct {
	name, method, target string
	body                 string
	change               func(*http.Request)
	status               int
	says                 string
}

var anOwner = protocol.Owner{7}.String()

const validSet = `{"selectors":["n"],"text":"x"}`

var refusals = []refusal{
	{"no token", "POST", "/v1/set", validSet, nil, 401, "api.token"},
	{"no token to prepare", "POST", "/v1/prepare", validPrepare, nil, 401, "api.token"},
	{"no token for work", "POST", "/v1/work", `{"worked":"AAAA","effort":1}`, nil, 401, "api.token"},
	{"no token for records", "POST", "/v1/records", "{}", nil, 401, "api.token"},
	{"wrong token", "POST", "/v1/set", validSet, header("Authorization", "Bearer guess"), 401, "not this node's"},
	{"empty token", "POST", "/v1/set", validSet, header("Authorization", "Bearer "), 401, "not this node's"},
	{"no token, and a socket that needs none", "POST", "/v1/set", validSet, nil, 401, "api.sock"},
	{"no token for lf", "POST", "/v1/set", validSet, nil, 401, "--token-file"},
	{"wrong token, and a socket that needs none", "POST", "/v1/set", validSet, header("Authorization", "Bearer guess"), 401, "api.sock"},
	{"longer token", "POST", "/v1/set", validSet, header("Authorization", "Bearer "+token+"x"), 401, "not this node's"},
	{"other scheme", "POST", "/v1/set", validSet, header("Authorization", "Basic "+token), 401, "Bearer"},
	{"token in the query string", "POST", "/v1/set?token=" + strings.ReplaceAll(token, " ", "+"), validSet, nil, 401, "api.token"},

	{"rebound host", "GET", "/v1/status", "", func(r *http.Request) { r.Host = "evil.example:9980" }, 421, "evil.example"},
	{"host like localhost", "GET", "/v1/status", "", func(r *http.Request) { r.Host = "localhost.evil.example" }, 421, "localhost"},
	{"host with a user", "GET", "/v1/status", "", func(r *http.Request) { r.Host = "localhost:80@evil.example" }, 421, "Host"},
	{"no host", "GET", "/v1/status", "", func(r *http.Request) { r.Host = "" }, 421, "Host"},
	{"host with the wrong port", "GET", "/v1/status", "", func(r *http.Request) { r.Host = "with.port:1" }, 421, "Host"},
	{"rebound host on any path", "GET", "/nowhere", "", func(r *http.Request) { r.Host = "evil.example" }, 421, "evil.example"},
	{"foreign origin", "GET", "/v1/status", "", header("Origin", "https://evil.example"), 403, "evil.example"},
	{"foreign origin that can be allowed", "GET", "/v1/status", "", header("Origin", "https://evil.example"), 403, "--api-allow-origin"},
	{"null origin", "POST", "/v1/query", `{"selectors":[{"name":"n"}]}`, header("Origin", "null"), 403, "null"},
	{"origin of another port", "GET", "/v1/status", "", header("Origin", "http://localhost:3000"), 403, "localhost:3000"},
	{"foreign page's image", "GET", "/v1/kv?k=n", "", header("Sec-Fetch-Site", "cross-site"), 403, "cross-site"},
	{"page of another port", "GET", "/v1/kv?k=n", "", header("Sec-Fetch-Site", "same-site"), 403, "same-site"},
	{"foreign origin with the token", "POST", "/v1/set", validSet, both(withToken, header("Origin", "https://evil.example")), 403, "evil.example"},

	{"read from afar", "GET", "/v1/status", "", arrivesAt("192.0.2.1"), 401, "api.token"},
	{"query from afar", "POST", "/v1/query", `{"selectors":[{"name":"n"}]}`, arrivesAt("192.0.2.1"), 401, "api.token"},
	{"owner from afar", "GET", "/v1/owners/" + anOwner, "", arrivesAt("192.0.2.1"), 401, "api.token"},
	{"metrics from afar", "GET", "/metrics", "", arrivesAt("192.0.2.1"), 401, "api.token"},
	{"claims to be from here", "GET", "/v1/status", "", both(arrivesAt("192.0.2.1"), header("X-Forwarded-For", "127.0.0.1")), 401, "api.token"},

	{"unknown route", "GET", "/v2/status", "", nil, 404, "/v2/status"},
	{"root", "GET", "/", "", nil, 404, "openapi.json"},
	{"docs", "GET", "/docs", "", nil, 404, "/docs"},
	{"wrong method", "DELETE", "/v1/kv?k=n", "", nil, 405, "GET"},
	{"preflight", "OPTIONS", "/v1/set", "", nil, 405, "POST"},
	{"wrong method of a pattern", "PUT", "/v1/records/x", "", nil, 405, "GET"},

	{"form", "POST", "/v1/query", "k=n", header("Content-Type", "application/x-www-form-urlencoded"), 415, "application/json"},
	{"text", "POST", "/v1/set", validSet, both(withToken, header("Content-Type", "text/plain")), 415, "text/plain"},
	{"no content type", "POST", "/v1/query", "{}", func(r *http.Request) { r.Header.Del("Content-Type") }, 415, "application/json"},
	{"nonsense content type", "POST", "/v1/records", "x", both(withToken, header("Content-Type", ";;")), 415, "application/cbor"},

	{"large query", "POST", "/v1/query", `{"maskingKey":"` + strings.Repeat("x", apiserver.MaxQueryBody) + `"}`, nil, 413, "bytes"},
	{"large set", "POST", "/v1/set", `{"text":"` + strings.Repeat("x", apiserver.MaxSetBody) + `"}`, withToken, 413, "bytes"},
	{"large set of no length", "POST", "/v1/set", `{"text":"` + strings.Repeat("x", apiserver.MaxSetBody) + `"}`, both(withToken, func(r *http.Request) { r.ContentLength = -1 }), 413, "bytes"},
	{"large frame", "POST", "/v1/records", strings.Repeat("x", protocol.MaxFrame+1), both(withToken, header("Content-Type", "application/cbor")), 413, "bytes"},
	{"large frame in JSON", "POST", "/v1/records", `{"frame":"` + strings.Repeat("A", 2*protocol.MaxFrame) + `"}`, withToken, 413, "bytes"},
}

// validPrepare asks for a record of the owner whose secret key is all zeros.
const validPrepare = `{"selectors":["n"],"text":"x","publicKey":"O2onvM62pC1ijs06+/FDZkGzHMNHbMrn9kqw1kDrvik="}`

var malformed = []refusal{
	{"no body", "POST", "/v1/query", "", header("Content-Type", "application/json"), 400, "required"},
	{"cut off", "POST", "/v1/query", `{"selectors":[{"name":`, nil, 400, "ends early"},
	{"not JSON", "POST", "/v1/query", `selectors=n`, nil, 400, "not JSON"},
	{"two values", "POST", "/v1/query", `{"selectors":[{"name":"n"}]}{}`, nil, 400, "goes on"},
	{"not UTF-8", "POST", "/v1/query", "{\"selectors\":[{\"name\":\"\xff\"}]}", nil, 400, "UTF-8"},
	{"a member twice", "POST", "/v1/query", `{"selectors":[{"name":"n"}],"open":true,"open":false}`, nil, 400, "twice"},
	{"a member in another case", "POST", "/v1/query", `{"Selectors":[{"name":"n"}]}`, nil, 422, "Selectors"},
	{"an inner member in another case", "POST", "/v1/query", `{"selectors":[{"Name":"n"}]}`, nil, 422, "case of letters"},
	{"a lone surrogate", "POST", "/v1/query", `{"selectors":[{"name":"sur\ud83d"}]}`, nil, 400, "surrogate"},
	{"a lone surrogate in set", "POST", "/v1/set", `{"selectors":["sur\ud83d"],"text":"x"}`, withToken, 400, "surrogate"},
	{"a bracket too many", "POST", "/v1/query", `{"selectors":[{"name":"n"}]}}`, nil, 400, "goes on"},
	{"garbage after it", "POST", "/v1/query", `{"selectors":[{"name":"n"}]}]]]garbage`, nil, 400, "goes on"},
	{"UTF-16", "POST", "/v1/query", "\xff\xfe{\x00}\x00", nil, 400, "UTF-16"},
	{"frame in another case", "POST", "/v1/records", `{"Frame":"AA=="}`, withToken, 422, `want "frame"`},
	{"frame twice", "POST", "/v1/records", `{"frame":"AA==","frame":"AB=="}`, withToken, 400, "twice"},
	{"line breaks in base64", "POST", "/v1/records", `{"frame":"AA\nAA"}`, withToken, 422, "line breaks"},
	{"number that is a text", "POST", "/v1/records", `{"frame":5}`, withToken, 422, "base64"},
	{"gzip", "POST", "/v1/query", "\x1f\x8b\x08\x00", nil, 415, "compressed"},
	{"gzip that says so", "POST", "/v1/query", "\x1f\x8b\x08\x00", header("Content-Encoding", "gzip"), 415, "compressed"},
	{"gzip of a frame", "POST", "/v1/records", "\x1f\x8b\x08\x00", both(withToken, header("Content-Encoding", "gzip")), 415, "compressed"},
	{"gzip of a frame in JSON", "POST", "/v1/records", "\x1f\x8b\x08\x00", withToken, 415, "compressed"},
	{"br", "POST", "/v1/query", "\x0b", header("Content-Encoding", "br"), 415, `"br"`},
	{"a list", "POST", "/v1/query", `[]`, nil, 422, "object"},
	{"null", "POST", "/v1/query", `null`, nil, 422, "object"},
	{"unknown field", "POST", "/v1/query", `{"selectors":[{"name":"n"}],"polciy":1}`, nil, 422, "polciy"},
	{"unknown inner field", "POST", "/v1/query", `{"selectors":[{"nam":"n"}]}`, nil, 422, "nam"},
	{"wrong kind", "POST", "/v1/query", `{"selectors":"n"}`, nil, 422, "selectors"},
	{"negative ordinal", "POST", "/v1/query", `{"selectors":[{"name":"n","from":-1}]}`, nil, 422, "from"},
	{"fraction", "POST", "/v1/query", `{"selectors":[{"name":"n","to":1.5}]}`, nil, 422, "to"},
	{"ordinal above 2^63-1", "POST", "/v1/query", `{"selectors":[{"name":"n","to":"9223372036854775808"}]}`, nil, 422, "2^63−1"},
	{"ordinal above 2^53 as a number", "POST", "/v1/query", `{"selectors":[{"name":"n","to":9007199254740992}]}`, nil, 422, "2^53−1"},
	{"ordinal with a sign", "POST", "/v1/query", `{"selectors":[{"name":"n","to":"+1"}]}`, nil, 422, "selectors[0].to"},
	{"negative ordinal", "POST", "/v1/query", `{"selectors":[{"name":"n","to":-1}]}`, nil, 422, "string of digits"},
	{"ordinal with a zero before it", "POST", "/v1/query", `{"selectors":[{"name":"n","to":"01"}]}`, nil, 422, "string of digits"},
	{"ordinal with an exponent", "POST", "/v1/query", `{"selectors":[{"name":"n","to":1e3}]}`, nil, 422, "string of digits"},
	{"ordinal with a fraction", "POST", "/v1/query", `{"selectors":[{"name":"n","to":1.0}]}`, nil, 422, "string of digits"},
	{"ordinal null", "POST", "/v1/query", `{"selectors":[{"name":"n","to":null}]}`, nil, 422, "string of digits"},
	{"selector as a number", "POST", "/v1/query", `{"selectors":[7]}`, nil, 422, "selectors[0]"},
	{"selector in a string without a name", "POST", "/v1/query", `{"selectors":["#1"]}`, nil, 422, "selectors[0]"},
	{"member of a selector misspelled", "POST", "/v1/query", `{"selectors":[{"name":"n","form":"1"}]}`, nil, 422, "form"},
	{"member of a selector in another case", "POST", "/v1/query", `{"selectors":[{"Name":"n"}]}`, nil, 422, "Name"},
	{"member of a selector twice", "POST", "/v1/query", `{"selectors":[{"name":"n","name":"m"}]}`, nil, 400, "twice"},
	{"selectors and keys", "POST", "/v1/query", `{"selectors":["n"],"keys":[["n"]]}`, nil, 422, "both"},
	{"keys with a range", "POST", "/v1/query", `{"keys":[["n"],["m#1#2"]]}`, nil, 422, "key 1"},
	{"no key", "POST", "/v1/query", `{"keys":[]}`, nil, 422, "0 keys"},
	{"a key without selectors", "POST", "/v1/query", `{"keys":[[]]}`, nil, 422, "key 0"},
	{"65 names in keys", "POST", "/v1/query", `{"keys":[` + strings.Repeat(`["n"],`, 64) + `["n"]]}`, nil, 422, "65 of them by name"},
	{"forged cursor", "POST", "/v1/query", `{"selectors":["n#"],"after":"AAAA"}`, nil, 422, "cursor"},
	{"cursor in keys", "POST", "/v1/query", `{"keys":[["n"]],"after":"AAAA"}`, nil, 422, "next page"},
	{"ordinal above 2^64", "POST", "/v1/query", `{"selectors":[{"name":"n","to":18446744073709551616}]}`, nil, 422, "to"},
	{"short key", "POST", "/v1/query", `{"selectors":[{"key":"abc"}]}`, nil, 422, "64 hexadecimal"},
	{"bad owner", "POST", "/v1/query", `{"selectors":[{"name":"n"}],"owners":["me"]}`, nil, 422, "12D3KooW"},
	{"bad base64", "POST", "/v1/records", `{"frame":"*"}`, withToken, 422, "base64"},
	{"empty frame", "POST", "/v1/records", `{}`, withToken, 422, ""},
	{"a signed record with a frame", "POST", "/v1/records", `{"frame":"AA==","header":"AA==","signature":"AA=="}`, withToken, 422, "both"},
	{"a header without a signature", "POST", "/v1/records", `{"header":"AA=="}`, withToken, 422, "signature"},
	{"a huge header", "POST", "/v1/records", `{"header":"` + strings.Repeat("A", 6000) + `","signature":"AA=="}`, withToken, 413, "header"},
	{"prepare for nobody", "POST", "/v1/prepare", `{"selectors":["n"],"text":"x"}`, withToken, 422, "who will sign"},
	{"prepare for two", "POST", "/v1/prepare", strings.Replace(validPrepare, "{", `{"owner":"12D3KooWQdUJdZRxWmNBPHFmQDCgjGjbDAS6uuG7k35GjaEd9mXX",`, 1), withToken, 422, "owner or publicKey"},
	{"prepare for half a key", "POST", "/v1/prepare", `{"selectors":["n"],"text":"x","publicKey":"AAAA"}`, withToken, 422, "3 bytes"},
	{"prepare for nobody's key", "POST", "/v1/prepare", `{"selectors":["n"],"text":"x","publicKey":"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA="}`, withToken, 422, "everybody"},
	{"prepare too many selectors", "POST", "/v1/prepare", strings.Replace(validPrepare, `"n"`, `"n"`+strings.Repeat(`,"n"`, 15), 1), withToken, 422, "15"},
	{"prepare a huge selector", "POST", "/v1/prepare", strings.Replace(validPrepare, `"n"`, `"`+strings.Repeat("n", 1025)+`"`, 1), withToken, 422, "bytes"},
	{"work for a short hash", "POST", "/v1/work", `{"worked":"AAAA","effort":1}`, withToken, 422, "3 bytes"},
	{"work of no effort", "POST", "/v1/work", `{"worked":"AAAA","effort":0}`, withToken, 422, "effort"},
	{"work beyond 32 bits", "POST", "/v1/work", `{"worked":"AAAA","effort":4294967296}`, withToken, 422, "effort"},
	{"work for a seed", "POST", "/v1/work", `{"worked":"AAAA","seed":"AAAA","effort":1}`, withToken, 422, "seed"},
	{"large work", "POST", "/v1/work", `{"worked":"` + strings.Repeat("A", 2000) + `","effort":1}`, withToken, 413, "bytes"},
	{"unknown field of set", "POST", "/v1/set", `{"selectors":["n"],"text":"x","txt":"y"}`, withToken, 422, "txt"},

	{"no selector", "GET", "/v1/kv", "", nil, 422, `"k"`},
	{"empty selector", "GET", "/v1/kv?k=", "", nil, 422, "empty"},
	{"bad expression", "GET", "/v1/kv?k=n%23x", "", nil, 422, "ordinal"},
	{"16 selectors", "GET", "/v1/kv?" + strings.Repeat("k=n&", 16), "", nil, 422, "15"},
	{"name not UTF-8", "GET", "/v1/kv?k=%ff", "", nil, 422, "UTF-8"},
	{"bad escape", "GET", "/v1/kv?k=%zz", "", nil, 400, "%zz"},
	{"unknown parameter", "GET", "/v1/kv?k=n&key=m", "", nil, 422, `"key"`},
	{"parameter twice", "GET", "/v1/kv?k=n&limit=1&limit=2", "", nil, 422, "twice"},
	{"bad flag", "GET", "/v1/kv?k=n&open=perhaps", "", nil, 422, "perhaps"},
	{"bad number", "GET", "/v1/kv?k=n&since=yesterday", "", nil, 422, "yesterday"},
	{"large limit", "GET", "/v1/kv?k=n&limit=1001", "", nil, 422, "1000"},
	{"huge limit", "GET", "/v1/kv?k=n&limit=18446744073709551615", "", nil, 422, "1000"},
	{"bad owner of kv", "GET", "/v1/kv?k=n&owner=me", "", nil, 422, "me"},
	{"65 owners", "GET", "/v1/kv?k=n" + strings.Repeat("&owner="+protocol.Owner{}.String(), 65), "", nil, 422, "64"},
	{"bad policy", "GET", "/v1/kv?k=n&policy=weight,heaviest", "", nil, 422, "heaviest"},
	{"policy that repeats itself", "GET", "/v1/kv?k=n&policy=weight,weight", "", nil, 422, "twice"},
	{"empty policy", "GET", "/v1/kv?k=n&policy=", "", nil, 422, `"policy"`},
	{"two policies", "GET", "/v1/kv?k=n&policy=weight&policy=local", "", nil, 422, "twice"},
	{"bad oracle", "GET", "/v1/kv?k=n&oracle=me", "", nil, 422, `"oracle"`},
	{"nobody's oracle", "GET", "/v1/kv?k=n&oracle=" + protocol.Owner{}.String(), "", nil, 422, "anybody"},
	{"65 oracles", "GET", "/v1/kv?k=n" + strings.Repeat("&oracle="+anOwner, 65), "", nil, 422, "64"},
	{"bad explain", "GET", "/v1/kv?k=n&explain=perhaps", "", nil, 422, "perhaps"},
	{"authority of kv", "GET", "/v1/kv?k=n&authority=AA", "", nil, 422, `"authority"`},
	{"bad policy in JSON", "POST", "/v1/query", `{"selectors":[{"name":"n"}],"policy":["heaviest"]}`, nil, 422, "policy"},
	{"policy that is no list", "POST", "/v1/query", `{"selectors":[{"name":"n"}],"policy":"weight"}`, nil, 422, "policy"},
	{"a criterion too many", "POST", "/v1/query", `{"selectors":[{"name":"n"}],"policy":["` + strings.Join(strings.Split(everyCriterion.String()+",weight", ","), `","`) + `"]}`,
		nil, 422, "twice"},
	{"bad oracle in JSON", "POST", "/v1/query", `{"selectors":[{"name":"n"}],"oracles":["me"]}`, nil, 422, "12D3KooW"},
	{"bad authority", "POST", "/v1/query", `{"selectors":[{"name":"n"}],"authorities":["AAAA"]}`, nil, 422, "authority 1"},
	{"authority that is not base64", "POST", "/v1/query", `{"selectors":[{"name":"n"}],"authorities":["*"]}`, nil, 422, "base64"},
	{"17 authorities", "POST", "/v1/query", `{"selectors":[{"name":"n"}],"authorities":[` + strings.Repeat(`"AA==",`, 16) + `"AA=="]}`, nil, 422, "16"},
	{"large authority", "POST", "/v1/query", `{"selectors":[{"name":"n"}],"authorities":["` + strings.Repeat("A", 2052*4/3) + `"]}`, nil, 422, "2048"},
	{"bad owner of an owner", "GET", "/v1/owners/me", "", nil, 422, "12D3KooW"},
	{"bad owner of links", "GET", "/v1/links?owner=me", "", nil, 422, `"owner"`},
	{"bad count", "GET", "/v1/links?count=many", "", nil, 422, "many"},
	{"large count", "GET", "/v1/links?count=17", "", nil, 422, "16"},
	{"a name for a key", "GET", "/v1/links?owner=" + protocol.Owner{1}.String() + "&key=horse", "", nil, 422, `"key"`},
	{"a range for a key", "GET", "/v1/links?owner=" + protocol.Owner{1}.String() + "&key=" + strings.Repeat("00", 32) + "%23", "", nil, 422, "ordinal"},
	{"a large ordinal", "GET", "/v1/links?owner=" + protocol.Owner{1}.String() + "&key=" + strings.Repeat("00", 32) + "%239223372036854775808", "", nil, 422, "ordinal"},
	{"a key of nobody", "GET", "/v1/links?key=" + strings.Repeat("00", 32), "", nil, 422, "owner"},
	{"16 keys", "GET", "/v1/links?owner=" + protocol.Owner{1}.String() + strings.Repeat("&key="+strings.Repeat("00", 32), 16), "", nil, 422, "15"},
	{"bad CID", "GET", "/v1/records/nonsense", "", nil, 422, "CID"},
	{"CID of something else", "GET", "/v1/records/QmUNLLsPACCz1vLxQVkXqqLX5R1X345qqfHbsf67hvA3Nn", "", nil, 422, "CID"},
	{"record that is not there", "GET", "/v1/records/" + protocol.ID{}.String(), "", nil, 404, "no record"},
}

func both(a, b func(*http.Request)) func(*http.Request) {
	return func(r *http.Request) { a(r); b(r) }
}

func arrivesAt(ip string) func(*http.Request) {
	return func(r *http.Request) { *r = *r.WithContext(arrivedAt(r.Context(), ip)) }
}

func TestRefusals(t *testing.T) {
	t.Parallel()
	h := apiserver.NewHandler(newFake(t), apiserver.HandlerOptions{Token: token, Hosts: []string{"node.example", "with.port:9980"}})
	for _, r := range append(refusals, malformed...) {
		t.Run(r.name, func(t *testing.T) {
			change := r.change
			if change == nil {
				change = func(*http.Request) {}
			}
			var got asked
			if r.body == "" {
				got = ask(t, h, r.method, r.target, nil, change)
			} else {
				got = ask(t, h, r.method, r.target, text(r.body), change)
			}
			got.wantProblem(t, r.status, r.says)
			if authenticate := got.Header().Get("WWW-Authenticate"); (authenticate != "") != (r.status == 401) {
				t.Errorf("WWW-Authenticate: %q", authenticate)
			}
			if allow := got.Header().Get("Allow"); (allow != "") != (r.status == 405) {
				t.Errorf("Allow: %q", allow)
			}
		})
	}
}

// TestParameterNamedOnce sends a value that a parser of ours refuses, and one that huma does: each
// error names it once.
func TestParameterNamedOnce(t *testing.T) {
	t.Parallel()
	h := apiserver.NewHandler(newFake(t), apiserver.HandlerOptions{Token: token})
	for target, want := range map[string]string{
		"/v1/records/xyz":      `parameter "cid": not a CID: "xyz"`,
		"/v1/kv?k=n&limit=xyz": `parameter "limit": want a whole number, not "xyz"`,
		"/v1/kv?k=n&wait=xyz":  `parameter "wait": want a number, not "xyz"`,
		"/v1/kv?k=n&open=xyz":  `parameter "open": want true or false, not "xyz"`,
	} {
		got := ask(t, h, "GET", target, nil, func(*http.Request) {})
		got.wantProblem(t, 422, want)
		if n := strings.Count(got.Body.String(), "xyz"); n != 1 {
			t.Errorf("%s: named %d times: %s", target, n, got.Body)
		}
	}
}

func TestAccepted(t *testing.T) {
	t.Parallel()
	f := newFake(t)
	h := apiserver.NewHandler(f, apiserver.HandlerOptions{Token: token, Hosts: []string{"node.example", "with.port:9980"}})
	for name, change := range map[string]func(*http.Request){
		"plain":             func(*http.Request) {},
		"127.0.0.1":         func(r *http.Request) { r.Host = "127.0.0.1" },
		"[::1] with a port": func(r *http.Request) { r.Host = "[::1]:1234" },
		"[::1]":             func(r *http.Request) { r.Host = "[::1]" },
		"LOCALHOST":         func(r *http.Request) { r.Host = "LOCALHOST:80" },
		"configured":        func(r *http.Request) { r.Host = "node.example:8080" },
		"with its port":     func(r *http.Request) { r.Host = "with.port:9980" },
		"own origin":        header("Origin", "http://localhost:9980"),
		"typed by the user": header("Sec-Fetch-Site", "none"),
		"own page":          header("Sec-Fetch-Site", "same-origin"),
		"afar with a token": both(arrivesAt("192.0.2.1"), withToken),
		"IPv6 loopback":     arrivesAt("::1"),
	} {
		t.Run(name, func(t *testing.T) {
			ask(t, h, "GET", "/v1/status", nil, change).want(t, 200, "application/json")
		})
	}
	for _, scheme := range []string{"Bearer", "bearer"} {
		ask(t, h, "POST", "/v1/set", text(validSet), header("Authorization", scheme+" "+token)).want(t, 201, "application/json")
	}
	ask(t, h, "GET", "/livez", nil, arrivesAt("192.0.2.1")).want(t, 200, "text/plain; charset=utf-8")
	ask(t, h, "POST", "/v1/query", text(`{"selectors":[{"name":"n"}]}`), header("Content-Type", "application/json; charset=utf-8")).want(t, 200, "application/json")
}

// Without a token of its own, a node gives nobody what needs one.
func TestNoToken(t *testing.T) {
	t.Parallel()
	h := apiserver.NewHandler(newFake(t), apiserver.HandlerOptions{})
	for _, change := range []func(*http.Request){header("Authorization", "Bearer "), header("Authorization", "Bearer x"), func(*http.Request) {}} {
		ask(t, h, "POST", "/v1/set", text(validSet), change).wantProblem(t, 401, "without a token")
	}
}

// The largest requests that are meant to be possible are.
func TestLargestRequests(t *testing.T) {
	t.Parallel()
	h := apiserver.NewHandler(newFake(t), apiserver.HandlerOptions{Token: token})
	escaped := strings.Repeat(`\u0001`, protocol.MaxName)
	var names []string
	for i := range protocol.MaxSelectors {
		names = append(names, fmt.Sprintf(`{"name":"%s%x"}`, escaped[6:], i))
	}
	owner, ca := `"`+anOwner+`"`, `"`+base64.StdEncoding.EncodeToString(make([]byte, api.MaxAuthority))+`"`
	list := func(each string, n int) string { return strings.Repeat(each+",", n-1) + each }
	query := fmt.Sprintf(`{"selectors":[%s],"maskingKey":"%s","owners":[%s],"oracles":[%s]`, strings.Join(names, ","), escaped,
		list(owner, api.MaxOwners), list(owner, api.MaxOracles))
	ask(t, h, "POST", "/v1/query", text(query+"}")).want(t, 200, "application/json")
	query += fmt.Sprintf(`,"authorities":[%s]}`, list(ca, api.MaxAuthorities))
	// read, and no certificate
	ask(t, h, "POST", "/v1/query", text(query)).wantProblem(t, 422, "authority 1")

	ask(t, h, "POST", "/v1/set", text(`{"selectors":["n"],"text":"`+strings.Repeat(`\u0001`, protocol.MaxPlaintext)+`"}`), withToken).want(t, 201, "application/json")

	frame, _ := json.Marshal(map[string]string{"frame": base64.StdEncoding.EncodeToString(bytes.Repeat([]byte{1}, protocol.MaxFrame))})
	// read, and no record
	ask(t, h, "POST", "/v1/records", bytes.NewReader(frame), withToken).wantProblem(t, 422, "")
}

// TestNames holds by which names a node is called, and by whom.
func TestNames(t *testing.T) {
	t.Parallel()
	h := apiserver.NewHandler(newFake(t), apiserver.HandlerOptions{Token: token, Hosts: []string{"lf.example.org"}})
	call := func(host string) func(*http.Request) { return func(r *http.Request) { r.Host = host } }
	elsewhere := call("lf.svc.cluster.local:9980")
	ask(t, h, "GET", "/v1/status", nil, elsewhere).wantProblem(t, 421, "--api-host")
	ask(t, h, "GET", "/v1/status", nil, elsewhere, header("Authorization", "Bearer guess")).wantProblem(t, 421, "token")
	ask(t, h, "GET", "/v1/status", nil, call("lf.example.org")).want(t, 200, "application/json")
	for _, path := range []string{"/livez", "/readyz"} {
		ask(t, h, "GET", path, nil, elsewhere).want(t, 200, "text/plain; charset=utf-8")
		ask(t, h, "GET", path, nil, header("Sec-Fetch-Site", "cross-site")).wantProblem(t, 403, "cross-site")
	}
	ask(t, h, "GET", "/livez/more", nil, elsewhere).wantProblem(t, 421, "--api-host")
	for _, path := range []string{"/v1/status", "/metrics"} {
		got := ask(t, h, "GET", path, nil, elsewhere, withToken, arrivesAt("192.0.2.1"))
		if got.Code != 200 {
			t.Errorf("%s with the token: %d %s", path, got.Code, got.Body)
		}
	}
	ask(t, h, "GET", "/v1/status", nil, elsewhere, withToken, header("Origin", "https://evil.example")).wantProblem(t, 403, "evil.example")
	ask(t, h, "GET", "/v1/status", nil, elsewhere, withToken, header("Sec-Fetch-Site", "cross-site")).wantProblem(t, 403, "cross-site")
}

// TestPrivate holds that a private node asks everybody for the token but those who want to know
// whether it runs.
func TestPrivate(t *testing.T) {
	t.Parallel()
	h := apiserver.NewHandler(newFake(t), apiserver.HandlerOptions{Token: token, Private: true})
	for _, path := range []string{"/v1/status", "/v1/kv?k=n%23", "/metrics", "/v1/peers", "/v1/doctor"} {
		ask(t, h, "GET", path, nil).wantProblem(t, 401, "token")
		if got := ask(t, h, "GET", path, nil, withToken); got.Code != 200 {
			t.Errorf("%s with the token: %d %s", path, got.Code, got.Body)
		}
	}
	for _, path := range []string{"/livez", "/readyz", "/openapi.json"} {
		if got := ask(t, h, "GET", path, nil); got.Code != 200 {
			t.Errorf("%s: %d %s", path, got.Code, got.Body)
		}
	}
}

// TestAllowedOrigin holds what pages of an allowed origin may do, and that those of another may do
// nothing.
func TestAllowedOrigin(t *testing.T) {
	t.Parallel()
	const app = "https://app.example.org"
	h := apiserver.NewHandler(newFake(t), apiserver.HandlerOptions{Token: token, AllowOrigins: []string{app}})
	from := func(origin string) func(*http.Request) {
		return both(header("Origin", origin), header("Sec-Fetch-Site", "cross-site"))
	}
	preflight := func(origin string) func(*http.Request) {
		return both(from(origin), both(header("Access-Control-Request-Method", "POST"), header("Access-Control-Request-Headers", "authorization,content-type")))
	}
	got := ask(t, h, "GET", "/v1/status", nil, from(app))
	if got.Code != 200 || got.Header().Get("Access-Control-Allow-Origin") != app || got.Header().Get("Access-Control-Allow-Credentials") != "" {
		t.Errorf("a read: %d %v", got.Code, got.Header())
	}
	got = ask(t, h, "POST", "/v1/set", text(validSet), from(app))
	if got.Code != 401 || got.Header().Get("Access-Control-Allow-Origin") != app {
		t.Errorf("a write without the token: %d %v", got.Code, got.Header())
	}
	if got = ask(t, h, "POST", "/v1/set", text(validSet), both(withToken, from(app))); got.Code != 201 {
		t.Errorf("a write with the token: %d %s", got.Code, got.Body)
	}
	got = ask(t, h, "OPTIONS", "/v1/set", nil, preflight(app))
	if got.Code != 204 || got.Header().Get("Access-Control-Allow-Origin") != app || !strings.Contains(got.Header().Get("Access-Control-Allow-Methods"), "POST") ||
		!strings.Contains(got.Header().Get("Access-Control-Allow-Headers"), "Authorization") || got.Header().Get("Access-Control-Allow-Private-Network") != "" {
		t.Errorf("a preflight: %d %v", got.Code, got.Header())
	}
	got = ask(t, h, "OPTIONS", "/v1/set", nil, preflight(app), header("Access-Control-Request-Private-Network", "true"))
	if got.Header().Get("Access-Control-Allow-Private-Network") != "true" {
		t.Errorf("a preflight into a private network: %v", got.Header())
	}
	ask(t, h, "OPTIONS", "/v1/set", nil, preflight(app), func(r *http.Request) { r.Host = "evil.example" }).wantProblem(t, 421, "evil.example")
	ask(t, h, "GET", "/v1/kv?k=n", nil, header("Sec-Fetch-Site", "cross-site")).wantProblem(t, 403, "cross-site")
	for _, other := range []string{"https://evil.example", "http://app.example.org", app + ".evil.example", app + ":8443", "null"} {
		for _, got := range []asked{ask(t, h, "GET", "/v1/status", nil, from(other)), ask(t, h, "OPTIONS", "/v1/set", nil, preflight(other))} {
			if got.Code != 403 || got.Header().Get("Access-Control-Allow-Origin") != "" {
				t.Errorf("%s from %s: %d %v", got.what, other, got.Code, got.Header())
			}
		}
	}
	if vary := ask(t, h, "GET", "/v1/status", nil).Header().Get("Vary"); vary != "Origin" {
		t.Errorf("Vary: %q", vary)
	}
}
