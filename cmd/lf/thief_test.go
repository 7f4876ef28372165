package main

import (
	"bytes"
	"net"
	"net/http"
	"net/http/httputil"
	"net/url"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"testing"

	"github.com/lf-store/lf/internal/apiserver"
	"github.com/lf-store/lf/node/home"
)

// thiefUser is the user of a thief where the test may choose one.
const thiefUser = 65534

// thief is a process that listens where a node did. It plays the node, and keeps all that it is
// sent.
type thief struct {
	mu   sync.Mutex
	loot bytes.Buffer
}

// newThief makes a thief that answers as a node on the same network, which lets everybody write.
func newThief(t *testing.T, l net.Listener, network *fakeNode) *thief {
	t.Helper()
	th := new(thief)
	h := apiserver.NewHandler(network, apiserver.HandlerOptions{})
	s := apiserver.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		dump, err := httputil.DumpRequest(r, true)
		if err != nil {
			t.Error(err)
		}
		th.mu.Lock()
		th.loot.Write(dump)
		th.mu.Unlock()
		h.ServeHTTP(w, r)
	}), nil)
	served := make(chan struct{})
	go func() { _ = s.Serve(apiserver.TrustListener(l)); close(served) }()
	t.Cleanup(func() { _ = s.Close(); <-served })
	return th
}

func (th *thief) has(text string) bool {
	th.mu.Lock()
	defer th.mu.Unlock()
	return strings.Contains(th.loot.String(), text)
}

func (th *thief) empty() bool {
	th.mu.Lock()
	defer th.mu.Unlock()
	return th.loot.Len() == 0
}

// killedNode starts a node, kills it, and returns its home, its token, and where its API was.
func killedNode(t *testing.T, dir string) (h *home.Home, token, address string) {
	t.Helper()
	n := startNode(t, dir, "--network", newNetworkFile(t), "--offline")
	mustRun(t, "", "--home", dir, "set", "horse", "x")
	h, err := home.Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	if token, err = h.ReadToken(); err != nil {
		t.Fatal(err)
	}
	if address, err = h.API(); err != nil {
		t.Fatal(err)
	}
	n.stop(os.Kill)
	return h, token, address
}

// playing is a fake node on the network of a home.
func playing(t *testing.T, h *home.Home) *fakeNode {
	t.Helper()
	network, _, err := h.Network()
	if err != nil {
		t.Fatal(err)
	}
	f := &fakeNode{network: network}
	for _, g := range network.Genesis() {
		f.links.Links = append(f.links.Links, g.ID())
		f.links.Timestamp = g.Timestamp
	}
	return f
}

// everything is one command line of each command that talks to a node.
func everything(t *testing.T) [][]string {
	t.Helper()
	return [][]string{
		{"set", "horse", "y"}, {"get", "horse"}, {"delete", "horse"}, {"release", "horse"}, {"load", writeFile(t, facts(2)), "--patience", "1ms"},
		{"status"}, {"peers"}, {"seeds"}, {"doctor"}, {"owner", "status"}, {"oracle", "list"},
		{"show", "bafyreibuphm6vedoejokwuuq67luhl2d5bzwqax3twxvbph4xr774bfpua"},
	}
}

// TestTokenStaysHome kills a node and puts a thief on its port. Whatever the user then asks of the
// home, or of that port, the thief never sees the home's token, unless the user names it.
func TestTokenStaysHome(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "home")
	h, token, address := killedNode(t, dir)
	at, err := url.Parse(address)
	if err != nil {
		t.Fatal(err)
	}
	l, err := listenAs(thiefUser, "tcp", at.Host)
	if err != nil {
		t.Skipf("the port is taken already: %v", err)
	}
	th := newThief(t, l, playing(t, h))
	for _, args := range everything(t) {
		lfRun(t, "", append([]string{"--home", dir}, args...)...)
	}
	if !th.empty() {
		t.Errorf("the home's socket is there, and the thief was asked: %s", th.loot.String())
	}
	for _, args := range everything(t) {
		lfRun(t, "", append([]string{"--home", dir, "--api", address}, args...)...)
	}
	if err := os.Remove(filepath.Join(dir, "api.sock")); err != nil { // as of an older node
		t.Fatal(err)
	}
	for _, args := range everything(t) {
		lfRun(t, "", append([]string{"--home", dir}, args...)...)
	}
	if th.empty() {
		t.Error("nothing was read over TCP")
	}
	if th.has(token) {
		t.Fatalf("the thief has the token: %s", th.loot.String())
	}
	mustRun(t, "", "--home", dir, "--api", address, "--token-file", filepath.Join(dir, "api.token"), "set", "horse", "z")
	if !th.has(token) {
		t.Error("a token that was named was not sent")
	}
}

// TestSocketOfStranger has another user put a socket where a node's was, in a home that everybody
// may change: nothing is sent there.
func TestSocketOfStranger(t *testing.T) {
	t.Parallel()
	if os.Geteuid() != 0 || runtime.GOOS != "linux" {
		t.Skip("only root on Linux can be somebody else here")
	}
	dir := filepath.Join(t.TempDir(), "home")
	h, _, _ := killedNode(t, dir)
	path := filepath.Join(dir, "api.sock")
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
	l, err := listenAs(thiefUser, "unix", path)
	if err != nil {
		t.Fatal(err)
	}
	th := newThief(t, l, playing(t, h))
	for _, args := range everything(t) {
		if o := lfRun(t, "", append([]string{"--home", dir}, args...)...); o.code != exitFailed || !strings.Contains(o.stderr, "a process of user 65534 listens on") {
			t.Errorf("%s: %+v", args, o)
		}
	}
	if !th.empty() {
		t.Fatalf("the stranger was told: %s", th.loot.String())
	}
}

// TestFolderOfStranger empties the folder for temporary files, as a restart does. Another user then
// makes the folder in which a node's socket was. Clients send nothing there, and a node that starts
// goes elsewhere.
func TestFolderOfStranger(t *testing.T) {
	t.Parallel()
	if os.Geteuid() != 0 || runtime.GOOS != "linux" {
		t.Skip("only root on Linux can be somebody else here")
	}
	dir := filepath.Join(t.TempDir(), strings.Repeat("long", 20), "home")
	h, _, _ := killedNode(t, dir)
	path, err := h.Socket()
	if err != nil {
		t.Fatal(err)
	}
	folder := filepath.Dir(path)
	t.Cleanup(func() { _ = os.RemoveAll(folder) })
	o := lfRun(t, "", "--home", dir, "get", "horse")
	if o.code != exitFailed || !strings.Contains(o.stderr, "no node answers at unix:"+path) {
		t.Errorf("the node was killed: %+v", o)
	}
	if err := os.RemoveAll(folder); err != nil {
		t.Fatal(err)
	}
	if o := lfRun(t, "", "--home", dir, "get", "horse"); o.code != exitFailed || !strings.Contains(o.stderr, "no node answers at unix:"+path) {
		t.Errorf("the folder is gone: %+v", o)
	}
	if err := os.Mkdir(folder, 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.Chown(folder, thiefUser, thiefUser); err != nil {
		t.Fatal(err)
	}
	l, err := listenAs(thiefUser, "unix", path)
	if err != nil {
		t.Fatal(err)
	}
	th := newThief(t, l, playing(t, h))
	for _, args := range everything(t) {
		o := lfRun(t, "", append([]string{"--home", dir}, args...)...)
		if o.code != exitFailed || !strings.Contains(o.stderr, "belongs to user 65534") {
			t.Errorf("%s: %+v", args, o)
		}
	}
	startNode(t, dir, "--offline")
	if now, err := h.Socket(); err != nil || now == path {
		t.Errorf("the node's socket is %s, %v", now, err)
	}
	mustRun(t, "", "--home", dir, "set", "horse", "y")
	if !th.empty() {
		t.Fatalf("the stranger was told: %s", th.loot.String())
	}
}
