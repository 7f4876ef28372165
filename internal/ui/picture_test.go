package ui_test

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"sync/atomic"
	"testing"
	"time"

	"github.com/lf-store/lf/internal/apiserver"
	"github.com/lf-store/lf/internal/ui/uitest"
	"github.com/lf-store/lf/node/api"
	"github.com/lf-store/lf/node/api/apitest"
)

// world is a service that stands among peers as no test on one machine does. It is behind routers,
// its disk is full, and it has hostile peers.
type world struct {
	*apitest.Fake
	peers []api.Peer
	nodes atomic.Pointer[[]api.ProxyNode] // nil: it is no proxy
}

func (w *world) Status(ctx context.Context) (*api.Status, error) {
	s, err := w.Fake.Status(ctx)
	if err != nil {
		return nil, err
	}
	now := uint64(time.Now().UnixMilli())
	s.Sync = api.SyncStatus{
		State: api.SyncFetching, Since: now - 60_000, Peers: len(w.peers), Agreeing: 2, Missing: 1234, AgreedAt: now - 5000,
		Progress: &api.Progress{Done: 400_000, Total: 1_000_000, Since: now - 60_000, Rate: 6700},
	}
	s.Storage.Problem = "the disk is full: free some space"
	if nodes := w.nodes.Load(); nodes != nil {
		s.Nodes = *nodes
	}
	s.Trust.Warnings = []string{owning}
	return s, nil
}

func (w *world) Peers(context.Context, api.Page) (*api.PeerList, error) {
	return &api.PeerList{Peers: w.peers}, nil
}

func (w *world) Doctor(context.Context) (*api.Checkup, error) {
	return &api.Checkup{
		Findings: []api.Finding{
			{Area: "sync", State: api.FindingOK, Text: "in sync with 2 of 3 peers"},
			{Area: "reach", State: api.FindingNote, Text: "not known yet", Advice: "wait a minute"},
			{Area: "relays", State: api.FindingWarning, Text: "no relay has room", Advice: "forward a port: " + owning},
			{Area: "disk", State: api.FindingFailure, Text: "the disk is full", Advice: "free some space"},
		},
		Facts: api.Facts{Drops: []api.DropCount{{Queue: "pending", Count: 12, Lately: 3}}},
	}, nil
}

func (w *world) Activity(context.Context) (*api.Activity, error) {
	a := &api.Activity{Since: uint64(time.Now().Add(-5 * time.Hour).UnixMilli())}
	for i := range 60 {
		a.Minutes = append(a.Minutes, api.ActivitySample{At: uint64(i) * 60_000, ActivityCounts: api.ActivityCounts{Records: uint64(i % 7)}})
	}
	for i := range 96 {
		a.Quarters = append(a.Quarters, api.ActivitySample{At: uint64(i) * 900_000, ActivityCounts: api.ActivityCounts{In: uint64(i) << 20}})
	}
	a.Hour, a.Day = api.ActivityCounts{Records: 177, In: 5 << 20, Dropped: 3}, api.ActivityCounts{Records: 40_000, In: 4560 << 20, Out: 1 << 30, Dropped: 12}
	return a, nil
}

// owning is what a stranger would have the page run.
const owning = `<img src=x onerror="document.title='owned'"><script>document.title='owned'</script>`

// newWorld has a peer of each path, more than a picture has room for, and one whose agent is
// hostile.
func newWorld(t testing.TB, more int) *world {
	t.Helper()
	f, err := apitest.NewFake()
	if err != nil {
		t.Fatal(err)
	}
	now := uint64(time.Now().UnixMilli())
	w := &world{Fake: f, peers: []api.Peer{
		{ID: "12D3KooWDirect000001", Network: true, Path: api.PathDirect, Transport: api.TransportTCP, Direction: "outbound", LatencyMS: 3.2, AgreedAt: now - 4000, Seed: true, Agent: "lf/1"},
		{ID: "12D3KooWPunched00002", Network: true, Path: api.PathPunched, Transport: api.TransportQUIC, Direction: "inbound", LatencyMS: 41, AgreedAt: now - 9000, Agent: owning},
		{ID: "12D3KooWRelayed00003", Network: true, Path: api.PathRelayed, Transport: api.TransportTCP, Relay: "12D3KooWTheRelay00004", Direction: "inbound", LatencyMS: 88},
		{ID: "12D3KooWRelayed00005", Network: true, Path: api.PathRelayed, Transport: api.TransportTCP, Relay: "12D3KooWDirect000001", Direction: "inbound", LatencyMS: 90},
		{ID: "12D3KooWStranger0006", Path: api.PathDirect, Transport: api.TransportTCP, Direction: "inbound"},
	}}
	for i := range more {
		w.peers = append(w.peers, api.Peer{ID: fmt.Sprintf("12D3KooWMore%08d", i), Network: true, Path: api.PathDirect, Transport: api.TransportWebSocket, Direction: "inbound", LatencyMS: float64(i)})
	}
	return w
}

func serveWorld(t testing.TB, w *world) string {
	t.Helper()
	h := apiserver.NewHandler(w, apiserver.HandlerOptions{Page: true, Activities: w})
	server := httptest.NewUnstartedServer(nil)
	server.Config = apiserver.NewServer(h, nil)
	server.Start()
	t.Cleanup(func() {
		h.EndStreams()
		server.Close()
		h.Close(context.Background())
	})
	return server.URL
}

// TestPicture: each way to a peer looks different, and is said in words too.
func TestPicture(t *testing.T) {
	t.Parallel()
	b := uitest.Open(t, serveWorld(t, newWorld(t, 0))+"/#peers")
	for path, words := range map[string]string{"Direct000001": "direct, tcp", "Punched00002": "through a hole, quic, 41 ms, had the same records", "Relayed00003": "relayed by …y00004", "Relayed00005": "relayed by …000001"} {
		b.Until(`document.querySelector('#picture g[data-peer$="` + path + `"] title').textContent.includes("` + words + `")`)
	}
	got := uitest.Eval[[]int](b, `["direct", "punched", "relayed", "torelay"].map((k) => document.querySelectorAll("#picture svg.peers line.way." + k).length)`)
	if fmt.Sprint(got) != "[1 1 2 1]" {
		t.Errorf("lines to direct, punched, relayed peers and to relays: %v", got)
	}
	b.UntilText("#connected", "12D3Ko…d00002")
	b.UntilText("#connected", "<img src=x")
	b.UntilText("#others", "1 connected peer does not speak")
	for _, width := range []int64{360, 1400} {
		b.Size(width, 800)
		b.Until(`(() => { const s = document.querySelector("svg.peers"), box = s.getBoundingClientRect();
			return [...s.querySelectorAll("text")].every((x) => { const r = x.getBoundingClientRect(); return r.left >= box.left - 1 && r.right <= box.right + 1 && r.bottom <= box.bottom + 1; }); })()`)
		b.WantFits()
	}
	crowded := uitest.Open(t, serveWorld(t, newWorld(t, 400))+"/#peers")
	crowded.UntilText("#picture", "The picture shows 24 of 404 peers")
	crowded.Until(`document.querySelectorAll("#connected tbody tr").length === 404`)
}

// TestFindings: the page says what is wrong and what to do, and nothing that is told becomes HTML.
func TestFindings(t *testing.T) {
	t.Parallel()
	w := newWorld(t, 0)
	b := uitest.Open(t, serveWorld(t, w))
	b.UntilText("#sync-state", "Fetching records")
	b.UntilText("#sync", "Backfill: 400,000 of 1,000,000 records, 6,700 a second")
	b.UntilText("#stored [role=alert]", "the disk is full")
	b.UntilText("#findings .finding-failure", "FAIL disk the disk is full")
	b.UntilText("#findings .finding-failure .advice", "free some space")
	b.UntilText("#findings .finding-warning", "forward a port: <img")
	b.UntilText("#dropped tbody", "pending\t3\t12")
	b.UntilText("#activity tbody", "Records\t177\t40,000")
	b.UntilText("#activity tbody", "Dropped\t3\t12")
	b.UntilText("#about", "<script>document.title")
	b.Until(`document.querySelectorAll("#activity rect").length > 60`)
	if got := uitest.Eval[int](b, `document.querySelectorAll("main img, main script").length`); got != 0 {
		t.Errorf("%d elements were made of text", got)
	}
	w.nodes.Store(&[]api.ProxyNode{{Address: "http://192.0.2.1:9980", State: "usable", Attached: 12, LatencyMS: 8}, {Address: "http://192.0.2.2:9980", State: "away", Problem: owning}})
	b.UntilText("#nodes tbody", "http://192.0.2.1:9980\tusable\t12\t8 ms")
	b.UntilText("#where", "proxy")
	if got := uitest.Eval[string](b, "document.title"); got == "owned" {
		t.Error("a stranger's text was run")
	}
}

// TestOtherOrigins: a page of another site reads nothing, however it asks. It may send its user to
// the page, which then knows no token.
func TestOtherOrigins(t *testing.T) {
	t.Parallel()
	node := serveWorld(t, newWorld(t, 0))
	foreign := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/html")
		fmt.Fprintf(w, `<!doctype html><title>foreign</title><a id="go" href="%s/">go</a><iframe src="%s/"></iframe>`, node, node)
	}))
	t.Cleanup(foreign.Close)
	b := uitest.New(t)
	b.Expect("another host", "frame-ancestors", "X-Frame-Options", "Cross-Origin", "CORS")
	b.Visit(foreign.URL)
	for _, ask := range []string{`fetch("` + node + `/v1/status")`, `import("` + node + `/ui/app.js")`} {
		if got := uitest.Eval[string](b, ask+`.then(() => "read", () => "refused")`); got != "refused" {
			t.Errorf("%s: %s", ask, got)
		}
	}
	if got := uitest.Eval[int](b, `window.length && (() => { try { return frames[0].document.querySelectorAll("main").length } catch { return 0 } })()`); got != 0 {
		t.Error("a foreign page frames the page of the node")
	}
	b.Click("#go")
	b.Allow(node[len("http://"):])
	b.UntilText("#session", "Read only")
	b.UntilText("#sync-state", "Fetching records")
}

// TestPageFile: a file that forwards to the page, as lf ui writes one, gets in.
func TestPageFile(t *testing.T) {
	t.Parallel()
	node := serveWorld(t, newWorld(t, 0))
	name := filepath.Join(t.TempDir(), "ui.html")
	if err := os.WriteFile(name, []byte(`<!doctype html><meta http-equiv="Content-Security-Policy" content="default-src 'none'"><meta http-equiv="refresh" content="0;url=`+node+`/#peers">`), 0o600); err != nil {
		t.Fatal(err)
	}
	b := uitest.New(t)
	b.Allow(node[len("http://"):])
	b.Visit("file://" + name)
	b.UntilText("#connected", "12D3Ko…d00002")
}

// TestStrict: the policy of the page keeps out what a mistake in it would let in.
func TestStrict(t *testing.T) {
	t.Parallel()
	node := serveWorld(t, newWorld(t, 0))
	b := uitest.Open(t, node)
	b.UntilText("#sync-state", "Fetching records")
	b.Expect("TrustedHTML", "Content Security Policy", "violates", "Refused", "requires")
	for _, attempt := range []string{
		`(() => { document.body.innerHTML = "<p>x</p>"; return "done"; })()`,
		`(() => { const s = document.createElement("script"); s.src = "data:text/javascript,document.title='owned'"; document.body.append(s); return "done"; })()`,
		`(() => { document.createElement("img").setAttribute("onerror", "document.title='owned'"); return "done"; })()`,
		`(() => { document.body.insertAdjacentHTML("beforeend", "<img src=x onerror=document.title='owned'>"); return "done"; })()`,
	} {
		if got := uitest.Eval[string](b, `(() => { try { return `+attempt+` } catch { return "refused" } })()`); got != "refused" {
			t.Errorf("%s: %s", attempt, got)
		}
	}
	if got := uitest.Eval[string](b, `fetch("http://127.0.0.2:1/").then(() => "read", () => "refused")`); got != "refused" {
		t.Errorf("the page may ask another host: %s", got)
	}
	if got := uitest.Eval[string](b, "document.title"); got == "owned" {
		t.Error("a script in an attribute was run")
	}
}
