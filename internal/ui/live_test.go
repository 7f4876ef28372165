package ui_test

import (
	"net"
	"strconv"
	"testing"

	"github.com/lf-store/lf"
	"github.com/lf-store/lf/internal/ui/uitest"
	"github.com/lf-store/lf/node"
	"github.com/lf-store/lf/node/api"
	"github.com/lf-store/lf/node/home"
)

func inTestbed(c *node.Config) { c.Testbed = &node.Testbed{} }

func seeds(of ...*node.Node) func(*node.Config) {
	return func(c *node.Config) {
		for _, n := range of {
			c.Seeds = append(c.Seeds, n.Addresses()...)
		}
	}
}

// block cuts a node of a testbed off from others, and from nobody without others.
func block(t testing.TB, n *node.Node, h *home.Home, others ...*node.Node) {
	t.Helper()
	token, err := h.Token()
	if err != nil {
		t.Fatal(err)
	}
	c := api.NewClient(n.APIURL(), token)
	defer c.Close()
	var l api.TestbedLinks
	for _, o := range others {
		l.Blocked = append(l.Blocked, api.BlockedLink{Peer: o.PeerID().String(), Direction: api.BlockBoth})
	}
	if _, err := c.SetLinks(t.Context(), l); err != nil {
		t.Fatal(err)
	}
}

func write(t testing.TB, n *node.Node, key string) {
	t.Helper()
	if _, err := clientOf(t, n).Set(t.Context(), lf.MustKey(key), []byte("x"), lf.AsKey(newKey(t))); err != nil {
		t.Fatal(err)
	}
}

// TestPartition: the page of a node shows that it is cut off, and that it has healed.
func TestPartition(t *testing.T) {
	t.Parallel()
	n := testNetwork(t)
	other := startNode(t, n, inTestbed)
	var h *home.Home
	here := startNode(t, n, inTestbed, seeds(other), func(c *node.Config) { h = c.Home })
	b := uitest.Open(t, here.APIURL())
	b.UntilText("#sync-state", "In sync")
	b.UntilText("#sync", "1 of 1 peer")
	b.UntilText("#agreeing", "had the same records")
	write(t, other, "before")
	b.UntilText("#records", "3 records")
	b.UntilText("#activity tbody tr", "Records")

	block(t, here, h, other)
	b.UntilText("#sync-state", "Alone")
	b.UntilText(`#findings [data-area="peers"]`, "none")
	b.Click(`nav a[href="#peers"]`)
	b.UntilText("#no-peers", "No peer is connected")
	write(t, other, "meanwhile")

	block(t, here, h)
	b.Until(`document.querySelectorAll("#picture g.peer.agrees[data-peer]").length === 1`)
	b.UntilText("#connected tbody tr", "direct")
	b.Click(`nav a[href="#status"]`)
	b.UntilText("#sync-state", "In sync")
	b.UntilText("#records", "4 records")
}

// TestRelayedPeer: the picture shows through whom a peer is reached.
func TestRelayedPeer(t *testing.T) {
	t.Parallel()
	relay := startNode(t, testNetwork(t), func(c *node.Config) { c.Testbed = &node.Testbed{RelayService: true} })
	n := testNetwork(t)
	far := startNode(t, n, func(c *node.Config) { c.Testbed = &node.Testbed{RelayOnly: relay.Addresses()} })
	near := startNode(t, n, inTestbed, seeds(far))
	direct := startNode(t, n, inTestbed, seeds(near))
	b := uitest.Open(t, near.APIURL()+"/#peers")
	b.Until(`document.querySelectorAll("#connected tbody tr").length === 2`)
	relayID, farID := relay.PeerID().String(), far.PeerID().String()
	b.UntilText("#connected tbody", "relayed by …"+relayID[len(relayID)-6:])
	b.Until(`document.querySelector("#picture line.way.relayed") && document.querySelector("#picture line.way.direct")`)
	b.Until(`document.querySelector('#picture g[data-peer="` + farID + `"] title').textContent.includes("relayed by")`)
	b.Until(`document.querySelector('#picture g[data-peer="` + direct.PeerID().String() + `"] title').textContent.includes("direct, tcp")`)
	b.Until(`document.querySelectorAll("#picture g.peer.agrees").length > 0`)
	b.UntilText("#connected tbody", "ms")
}

// TestNodeGoesAndComesBack: the page says that the node is away and goes on when it is back. The
// session ended with the node.
func TestNodeGoesAndComesBack(t *testing.T) {
	t.Parallel()
	n := testNetwork(t)
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	at := "127.0.0.1:" + strconv.Itoa(l.Addr().(*net.TCPAddr).Port)
	_ = l.Close()
	var h *home.Home
	listen := func(c *node.Config) {
		if c.APIListen = at; h != nil {
			c.Home = h
		}
		h = c.Home
	}
	first := startNode(t, n, listen)
	write(t, first, "one")
	b := uitest.Open(t, sessionAt(t, first, h))
	b.UntilText("#session", "You may write")
	b.UntilText("#records", "3 records")
	if err := first.Close(); err != nil {
		t.Fatal(err)
	}
	b.UntilText("#notice", "does not answer")
	b.Until(`document.querySelector("#view-status.stale")`)
	second := startNode(t, n, listen)
	write(t, second, "two")
	b.UntilText("#records", "4 records")
	b.UntilText("#notice", "session has ended")
	b.UntilText("#session", "Read only")
	b.Until(`!document.querySelector("#view-status.stale")`)
}

// TestSession: the token leaves the address at once. A session that is ended may not write, on
// whichever side it ends. A page that is loaded again may only read.
func TestSession(t *testing.T) {
	t.Parallel()
	var h *home.Home
	n := startNode(t, testNetwork(t), func(c *node.Config) { h, c.APIPrivate = c.Home, true })
	sessions := sessionsOf(t, n, h)

	address := sessionAt(t, n, h)
	b := uitest.Open(t, address)
	b.UntilText("#session", "You may write")
	b.UntilText("#where", "town") // a private node tells nothing without the token
	if at := uitest.Eval[string](b, "location.href + ' ' + JSON.stringify(history.state) + document.cookie + JSON.stringify(localStorage) + JSON.stringify(sessionStorage)"); at != n.APIURL()+"/#status null{}{}" {
		t.Errorf("after the start the browser keeps %s", at)
	}
	b.Click("#end-session")
	b.UntilText("#session", "Read only")
	b.UntilText("#notice", "token")
	if list, err := sessions.Sessions(t.Context()); err != nil || len(list.Sessions) != 0 {
		t.Errorf("the node still has %+v, %v", list, err)
	}

	// the user revokes it: a page that looks on is told nothing more
	b.Visit("about:blank")
	b.Visit(sessionAt(t, n, h))
	b.UntilText("#session", "You may write")
	b.UntilText("#records", "2 records")
	list, err := sessions.Sessions(t.Context())
	if err != nil || len(list.Sessions) != 1 {
		t.Fatalf("%+v, %v", list, err)
	}
	if err := sessions.EndSession(t.Context(), list.Sessions[0].ID); err != nil {
		t.Fatal(err)
	}
	b.UntilText("#session", "Read only")
	write(t, n, "after")
	b.UntilText("#notice", "token")
	if got := b.Text("#records"); got != "2 records" {
		t.Errorf("a page without a session is told of a private node: %s", got)
	}

	// a code works once
	s, err := sessions.NewSession(t.Context(), api.SessionRequest{Code: true})
	if err != nil {
		t.Fatal(err)
	}
	b.Visit("about:blank")
	b.Visit(n.APIURL() + "/#code=" + s.Code)
	b.UntilText("#session", "You may write")
	b.Visit("about:blank")
	b.Visit(n.APIURL() + "/#code=" + s.Code)
	b.UntilText("#notice", "lf ui --print")
	b.UntilText("#session", "Read only")
}

func sessionsOf(t testing.TB, n *node.Node, h *home.Home) *api.Client {
	t.Helper()
	token, err := h.Token()
	if err != nil {
		t.Fatal(err)
	}
	c := api.NewClient(n.APIURL(), token)
	t.Cleanup(func() { _ = c.Close() })
	return c
}

// sessionAt is the address of a node's page with a new session.
func sessionAt(t testing.TB, n *node.Node, h *home.Home) string {
	t.Helper()
	s, err := sessionsOf(t, n, h).NewSession(t.Context(), api.SessionRequest{})
	if err != nil {
		t.Fatal(err)
	}
	return n.APIURL() + "/#token=" + s.Token
}
