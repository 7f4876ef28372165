package ui_test

import (
	"crypto/ed25519"
	"crypto/rand"
	"fmt"
	"net/url"
	"strings"
	"testing"

	"github.com/lf-store/lf"
	"github.com/lf-store/lf/internal/ui/uitest"
	"github.com/lf-store/lf/node"
	"github.com/lf-store/lf/node/api"
	"github.com/lf-store/lf/node/home"
)

// startSession starts a node, and returns the address of its page with a session.
func startSession(t testing.TB, change ...func(*node.Config)) (*node.Node, string) {
	t.Helper()
	var h *home.Home
	n := startNode(t, testNetwork(t), append(change, func(c *node.Config) { h = c.Home })...)
	return n, openSession(t, h, n.APIURL())
}

// openSession returns the address of a page with a session.
func openSession(t testing.TB, h *home.Home, page string) string {
	t.Helper()
	token, err := h.Token()
	if err != nil {
		t.Fatal(err)
	}
	c := api.NewClient(page, token)
	t.Cleanup(func() { _ = c.Close() })
	s, err := c.NewSession(t.Context(), api.SessionRequest{})
	if err != nil {
		t.Fatal(err)
	}
	return page + "/#token=" + s.Token
}

func clientOf(t testing.TB, n *node.Node) *lf.Client {
	t.Helper()
	db, err := n.Client()
	if err != nil {
		t.Fatal(err)
	}
	return db
}

func newKey(t testing.TB) ed25519.PrivateKey {
	t.Helper()
	_, key, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return key
}

// explore looks keys up in the explorer.
func explore(b *uitest.Tab, expressions ...string) {
	b.Click(`nav a[href="#explore"]`)
	for i, e := range expressions {
		if i > 0 {
			b.Click("#expression-more")
		}
		b.Type(fmt.Sprintf(".keys .row:nth-child(%d) input", i+1), e)
	}
	b.Click("#ask button[type=submit]")
}

// wantNoNames wants no URL to have any of the texts in it.
func wantNoNames(t *testing.T, b *uitest.Tab, secrets ...string) {
	t.Helper()
	for _, u := range append(b.Asked(), uitest.Eval[string](b, "location.href")) {
		plain, err := url.QueryUnescape(u)
		if err != nil {
			plain = u
		}
		for _, s := range secrets {
			if strings.Contains(plain, s) || strings.Contains(u, s) {
				t.Errorf("%q stands in the URL %s", s, u)
			}
		}
	}
}

// TestExplore follows a key from its first claim to its release.
func TestExplore(t *testing.T) {
	t.Parallel()
	n := startNode(t, testNetwork(t))
	db := clientOf(t, n)
	horse := lf.MustKey("secrethorse#2")
	first, second := lf.AsKey(newKey(t)), lf.AsKey(newKey(t))
	b := uitest.Open(t, n.APIURL())
	explore(b, "secrethorse#2")
	b.UntilText("#empty", "Nothing answers here")

	set := func(value string, by lf.WriteOption) {
		t.Helper()
		if _, err := db.Set(t.Context(), horse, []byte(value), by); err != nil {
			t.Fatal(err)
		}
		b.UntilText("#answer", value)
	}
	set("Bad Horse", first)
	b.UntilText("#reason", "nobody else claims it")
	set("Good Horse", first)
	b.Until(`document.querySelectorAll("#history tbody tr").length === 2 && document.querySelectorAll("#history circle").length === 2`)
	b.UntilText("#history", "Bad Horse")
	b.Until(`document.querySelectorAll("#around g.node").length > 2 && document.querySelectorAll("#around path.main").length > 0`)
	b.UntilText("#around dl", "main parent")

	if _, err := db.Set(t.Context(), horse, []byte("another's horse"), second); err != nil {
		t.Fatal(err)
	}
	b.Until(`document.querySelectorAll("#claims tbody tr").length === 2`)
	b.UntilText("#claims", "another's horse")
	for _, column := range []string{"certified", "oracles", "weight", "local", "newest"} {
		b.UntilText("#claims thead", column)
	}
	b.UntilText("#claims td.lost", "decided against this claim")
	b.UntilText("#reason", "the other")

	b.Click("#around g.node.genesis")
	b.UntilText("#around dl", "genesis")
	if err := db.Release(t.Context(), horse, first); err != nil {
		t.Fatal(err)
	}
	b.UntilText("#answer", "another's horse")
	b.UntilText("#around dl", "genesis") // what the user looks at stays
	if err := db.Delete(t.Context(), horse, second); err != nil {
		t.Fatal(err)
	}
	b.UntilText("#answer", "deleted")
	if err := db.Release(t.Context(), horse, second); err != nil {
		t.Fatal(err)
	}
	b.UntilText("#answer", "Nothing answers under this key now")
	wantNoNames(t, b, "secrethorse")
}
