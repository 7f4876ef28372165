package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/lf-store/lf/node/api"
	"github.com/lf-store/lf/node/api/apitest"
	"github.com/lf-store/lf/protocol"
)

// front stands between a proxy and a real node. It passes requests on, and may falsify what the
// node answers or keep the proxy waiting.
type front struct {
	*httptest.Server
	transport *http.Transport // its own, which nobody else closes

	mu     sync.Mutex
	node   string // the real one
	lie    *networkLie
	hidden []protocol.ID
	slow   time.Duration
}

func newFront(t *testing.T, node string) *front {
	t.Helper()
	f := &front{node: node, transport: &http.Transport{}}
	f.Server = httptest.NewServer(f)
	t.Cleanup(func() {
		f.CloseClientConnections()
		f.Close()
		f.transport.CloseIdleConnections()
	})
	return f
}

func (f *front) change(do func()) {
	f.mu.Lock()
	defer f.mu.Unlock()
	do()
}

func (f *front) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	f.mu.Lock()
	node, lie, hidden, slow := f.node, f.lie, f.hidden, f.slow
	f.mu.Unlock()
	if r.URL.Path == "/v1/query" {
		body, err := io.ReadAll(r.Body) // then the server notices that the proxy hangs up
		if err != nil {
			return
		}
		r.Body = io.NopCloser(bytes.NewReader(body))
		select {
		case <-time.After(slow):
		case <-r.Context().Done():
			return
		}
		if lie != nil {
			lie.answer(w, r, node)
			return
		}
	}
	if slices.ContainsFunc(hidden, func(id protocol.ID) bool { return r.URL.Path == "/v1/records/"+id.String() }) {
		writeJSON(w, api.TypeProblem, http.StatusNotFound, api.NotFound("there is no such record"))
		return
	}
	target, err := url.Parse(node)
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadGateway)
		return
	}
	pass := &httputil.ReverseProxy{
		Rewrite: func(r *httputil.ProxyRequest) { r.SetURL(target) }, Transport: f.transport, ErrorLog: log.New(io.Discard, "", 0),
	}
	pass.ServeHTTP(w, r)
}

func writeJSON(w http.ResponseWriter, kind string, status int, v any) {
	text, err := json.Marshal(v)
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", kind)
	w.WriteHeader(status)
	_, _ = w.Write(text) // the proxy may be gone
}

// networkLie changes what a node answers about a key. The answer has everything that can be asked
// for; what was not asked for is left out afterwards.
type networkLie struct {
	name string
	says string // of the liar, in an answer with an explanation
	tell func(a *api.Answer, policy protocol.Policy) (keep bool)
}

func (l *networkLie) answer(w http.ResponseWriter, r *http.Request, node string) {
	var q api.Query
	body, err := io.ReadAll(r.Body)
	if err == nil {
		err = json.NewDecoder(bytes.NewReader(body)).Decode(&q)
	}
	all := q
	all.Frames, all.Explain, all.History = true, true, true
	client := api.NewClient(node, "")
	defer client.Close()
	var result *api.QueryResult
	if err == nil {
		result, err = client.Query(r.Context(), all)
	}
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadGateway)
		return
	}
	answers := []api.Answer{}
	for _, a := range result.Answers {
		if l.tell(&a, result.Policy) {
			leaveOut(&a, &q)
			answers = append(answers, a)
		}
	}
	result.Answers = answers
	writeJSON(w, api.TypeJSON, http.StatusOK, result)
}

// leaveOut drops what was not asked for.
func leaveOut(a *api.Answer, q *api.Query) {
	if !q.Explain {
		a.Explanation = nil
	}
	if !q.History {
		a.History, a.Others, a.HistoryNext = nil, nil, ""
	}
	if q.Frames {
		return
	}
	a.Composite = nil
	bare := func(v *api.Version) { v.Frame, v.Weight, v.Index = nil, 0, 0 }
	bare(&a.Version)
	for i := range a.History {
		bare(&a.History[i])
	}
	for i := range a.Others {
		bare(&a.Others[i])
	}
}

var networkLies = []networkLie{
	{"hides the key", "does not answer", func(*api.Answer, protocol.Policy) bool { return false }},
	{"hides the best claim", "in place of", func(a *api.Answer, policy protocol.Policy) bool {
		a.Version, a.Others, a.History = a.Others[0], a.Others[1:], nil
		a.Explanation.Claims, a.Claims = a.Explanation.Claims[1:], a.Claims-1
		return true
	}},
	{"inflates a weight", "weight of", func(a *api.Answer, policy protocol.Policy) bool {
		last := len(a.Explanation.Claims) - 1
		a.Explanation.Claims[last].Weight = 1 << 40
		a.Others[last-1].Weight = 1 << 40
		apitest.Rerank(a, policy)
		return true
	}},
	{"answers with an old version", "in place of", func(a *api.Answer, _ protocol.Policy) bool {
		a.Version, a.History = a.History[0], a.History[1:]
		a.Explanation.Claims[0].Record, a.Explanation.Claims[0].Timestamp = a.Record, a.Time
		return true
	}},
	{"withholds the certificate", "disproves", func(a *api.Answer, policy protocol.Policy) bool {
		first := &a.Explanation.Claims[0]
		first.Certified, first.Authority, first.Certificate = false, "", protocol.ID{}
		a.Explanation.Claims[1].Weight = 1 << 40
		apitest.Rerank(a, policy)
		return true
	}},
	{"withholds the revocation", "withholds", func(a *api.Answer, policy protocol.Policy) bool {
		for i := range a.Explanation.Claims {
			if c := &a.Explanation.Claims[i]; len(c.Revoked) > 0 {
				c.Certified, c.Authority, c.Certificate, c.Weight, c.Revoked = true, "test CA", c.Revoked[0].Certificate, 1<<40, nil
			}
		}
		apitest.Rerank(a, policy)
		return true
	}},
	{"calls a record a certificate", "no certificate", func(a *api.Answer, policy protocol.Policy) bool {
		last := &a.Explanation.Claims[len(a.Explanation.Claims)-1]
		last.Certified, last.Certificate, last.Weight, last.Revoked = true, last.Record, 1<<40, nil
		apitest.Rerank(a, policy)
		return true
	}},
}

// lyingNetwork is three real nodes that hold the same records, and what stands before them.
type lyingNetwork struct {
	file   string
	nodes  []*testNode
	urls   []string
	honest *api.QueryResult // to the question that the tests ask
}

func newLyingNetwork(t *testing.T) *lyingNetwork {
	t.Helper()
	n := &lyingNetwork{file: filepath.Join(t.TempDir(), "test.lfnet")}
	ca := strings.TrimSuffix(n.file, ".lfnet") + ".ca.pem"
	mustRun(t, "", "network", "new", "-o", n.file, "--name", "test", "--work-per-kib", "0", "--names-memory", "64", "--ca", "--ca-output", ca)
	first := startNode(t, filepath.Join(t.TempDir(), "a"), "--network", n.file)
	n.nodes = []*testNode{first}
	for _, name := range []string{"b", "c"} {
		n.nodes = append(n.nodes, startNode(t, filepath.Join(t.TempDir(), name), "--network", n.file, "--seed", first.addr(t)))
	}
	at := func(args ...string) string {
		return mustRun(t, "", append([]string{"-q", "--home", first.home}, args...)...)
	}
	for _, owner := range []string{"alice", "bob", "carol"} {
		at("owner", "new", owner)
	}
	for _, owner := range []string{"alice", "bob"} {
		request := filepath.Join(t.TempDir(), owner+".csr")
		at("owner", "csr", owner, "-o", request)
		at("owner", "authorize", ca, request, "--days", "30", "-o", request+".crt")
	}
	at("set", "horse", "old", "--owner", "alice")
	at("set", "horse", "answer", "--owner", "alice")
	at("set", "horse", "second", "--owner", "bob")
	at("set", "horse", "third", "--owner", "carol")
	at("owner", "revoke", ca, "bob")
	for _, node := range n.nodes {
		mustRun(t, "", "--home", node.home, "status", "--wait-synced=1m")
		where, _, err := awaitNode(node.home)
		if err != nil {
			t.Fatal(err)
		}
		n.urls = append(n.urls, where)
		n.await(t, where)
	}
	return n
}

// await waits until a node answers as the first one does.
func (n *lyingNetwork) await(t *testing.T, node string) {
	t.Helper()
	client := api.NewClient(node, "")
	defer client.Close()
	for start := time.Now(); ; time.Sleep(20 * time.Millisecond) {
		got, err := client.Query(t.Context(), horse(true))
		if err == nil && len(got.Answers) == 1 && got.Answers[0].Claims == 3 && len(got.Answers[0].Explanation.Claims[1].Revoked)+len(got.Answers[0].Explanation.Claims[2].Revoked) == 1 {
			n.honest = got
			return
		}
		if time.Since(start) > readyWithin {
			t.Fatalf("%s answers %+v, %v", node, got, err)
		}
	}
}

func horse(explain bool) api.Query {
	return api.Query{Selectors: api.MustSelectors("horse"), Policy: protocol.DefaultPolicy(), Decrypt: true, Frames: explain, Explain: explain, History: explain}
}

// start starts a proxy of nodes, in a process of its own, and returns a client of it.
func (n *lyingNetwork) start(t *testing.T, fronts []*front, flags ...string) (*api.Client, *testNode) {
	t.Helper()
	p := &testNode{home: filepath.Join(t.TempDir(), "proxy")}
	args := []string{"proxy", "--home", p.home, "--network", n.file, "--listen", "127.0.0.1:0"}
	for _, f := range fronts {
		args = append(args, "--node", f.URL)
	}
	p.cmd = command(t, append(args, flags...)...)
	p.cmd.Stdout, p.cmd.Stderr = &p.log, &p.log
	if err := p.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { p.stop(os.Interrupt) })
	where, _, err := awaitNode(p.home)
	if err != nil {
		p.stop(os.Kill)
		t.Fatalf("%v\n%s", err, p.log.String())
	}
	c := api.NewClient(where, "")
	t.Cleanup(func() { c.Close() })
	return c, p
}

func (n *lyingNetwork) fronts(t *testing.T) (list []*front) {
	t.Helper()
	for _, at := range n.urls {
		list = append(list, newFront(t, at))
	}
	return list
}

// check holds an answer against what the nodes say that tell the truth.
func (n *lyingNetwork) check(t *testing.T, got *api.QueryResult, explained bool) {
	t.Helper()
	want := &n.honest.Answers[0]
	if len(got.Answers) != 1 || got.Answers[0].Record != want.Record || *got.Answers[0].Text != "answer" || got.Answers[0].Claims != want.Claims {
		t.Fatalf("the proxy answers %+v", got.Answers)
	}
	if !explained {
		return
	}
	a := &got.Answers[0]
	if len(a.History) != 1 || a.History[0].Record != want.History[0].Record || len(a.Explanation.Claims) != 3 {
		t.Fatalf("%+v", a)
	}
	for i, c := range a.Explanation.Claims {
		if w := want.Explanation.Claims[i]; c.Record != w.Record || c.Certified != w.Certified || c.Certificate != w.Certificate || c.Weight != w.Weight || !slices.Equal(c.Revoked, w.Revoked) {
			t.Errorf("claim %d: %+v, want %+v", i, c, w)
		}
	}
}

// TestLyingNetwork has a real proxy ask three real nodes, one of which lies, in each way and at
// each place. The proxy never answers falsely, and its answer names the liar.
func TestLyingNetwork(t *testing.T) {
	t.Parallel()
	n := newLyingNetwork(t)
	for liar := range 3 {
		t.Run(fmt.Sprint("liar ", liar), func(t *testing.T) {
			t.Parallel()
			fronts := n.fronts(t)
			proxy, _ := n.start(t, fronts)
			for _, lie := range networkLies {
				fronts[liar].change(func() { fronts[liar].lie = &lie })
				for _, explain := range []bool{true, false} {
					got, err := proxy.Query(t.Context(), horse(explain))
					if err != nil {
						t.Fatalf("%s: %v", lie.name, err)
					}
					n.check(t, got, explain)
					d := got.Comparison.Differs
					if explain && (len(d) != 1 || d[0].Node != fronts[liar].URL || !strings.Contains(d[0].What, lie.says) || len(got.Comparison.Agreed) != 2) {
						t.Errorf("%s: %+v", lie.name, got.Comparison)
					}
					if !explain && slices.ContainsFunc(d, func(d api.Difference) bool { return d.Node != fronts[liar].URL }) {
						t.Errorf("%s: an honest node is accused: %+v", lie.name, d)
					}
				}
			}
			fronts[liar].change(func() {
				fronts[liar].lie, fronts[liar].hidden = nil, []protocol.ID{n.honest.Answers[0].Record}
			})
			info, err := proxy.Record(t.Context(), n.honest.Answers[0].Record)
			if err != nil || info.State != api.StateAttached || len(info.Comparison.Differs) != 1 || info.Comparison.Differs[0].Node != fronts[liar].URL {
				t.Errorf("a record that one node hides: %+v, %v", info, err)
			}
		})
	}
}

// TestNodesInTrouble has a real proxy ask three real nodes, one of which gets into trouble while
// clients ask. Each answer is right, and at most one of them takes long.
func TestNodesInTrouble(t *testing.T) {
	t.Parallel()
	n := newLyingNetwork(t)
	alone := startNode(t, filepath.Join(t.TempDir(), "new"), "--network", n.file)
	foreign := startNode(t, filepath.Join(t.TempDir(), "foreign"), "--network", newNetworkFile(t))
	at := func(node *testNode) string {
		where, _, err := awaitNode(node.home)
		if err != nil {
			t.Fatal(err)
		}
		return where
	}
	fresh, elsewhere := at(alone), at(foreign)
	for name, begin := range map[string]func(f *front){
		"down":               func(f *front) { f.Listener.Close(); f.CloseClientConnections() },
		"slow":               func(f *front) { f.change(func() { f.slow = 30 * time.Second }) },
		"with a new home":    func(f *front) { f.change(func() { f.node = fresh }) },
		"on another network": func(f *front) { f.change(func() { f.node = elsewhere }) },
		"not there":          func(f *front) { f.change(func() { f.node = "http://127.0.0.1:1" }) },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			fronts := n.fronts(t)
			proxy, process := n.start(t, fronts, "--timeout", "2s", "--log-level", "debug")
			slow := 0
			for i := range 40 {
				if i == 5 {
					begin(fronts[1])
				}
				begun := time.Now()
				ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
				got, err := proxy.Query(ctx, horse(false))
				cancel()
				if err != nil {
					t.Fatal(err)
				}
				n.check(t, got, false)
				if took := time.Since(begun); took > 900*time.Millisecond {
					slow++
					t.Logf("answer %d took %s: %+v", i, took, got.Comparison)
				}
				time.Sleep(5 * time.Millisecond)
			}
			if slow > 1 {
				process.stop(os.Interrupt)
				t.Errorf("%d answers took long\n%s", slow, process.log.String())
			}
			status, err := proxy.Status(t.Context())
			if err != nil || status.Nodes[1].State == api.NodeSynced || status.Nodes[1].Problem == "" {
				t.Errorf("%+v, %v", status, err)
			}
		})
	}
}
