package ui_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/chromedp/chromedp/kb"

	"github.com/lf-store/lf"
	"github.com/lf-store/lf/internal/ui/uitest"
	"github.com/lf-store/lf/node"
	"github.com/lf-store/lf/node/home"
)

// tabTo presses Tab until an expression in JavaScript holds of the element e that has the focus.
func tabTo(t testing.TB, b *uitest.Tab, holds string) {
	t.Helper()
	for range 120 {
		b.Press(kb.Tab)
		if uitest.Eval[bool](b, "((e) => "+holds+")(document.activeElement)") {
			return
		}
	}
	t.Fatalf("no Tab leads to where %s", holds)
}

// TestExploreByKeyboard looks a key up, chooses an answer, and walks the graph without a mouse.
func TestExploreByKeyboard(t *testing.T) {
	t.Parallel()
	n := startNode(t, testNetwork(t))
	db := clientOf(t, n)
	for i := range 3 {
		if _, err := db.Set(t.Context(), lf.MustKey(fmt.Sprintf("horse#%d", i)), fmt.Appendf(nil, "horse %d", i)); err != nil {
			t.Fatal(err)
		}
	}
	b := uitest.Open(t, n.APIURL())
	b.UntilText("#where", "town")
	tabTo(t, b, `e.hash === "#explore"`)
	b.Press(kb.Enter)
	b.Until(`document.activeElement.tagName === "H1"`)
	tabTo(t, b, `e.id === "expression"`)
	b.Press("horse#" + kb.Enter)
	b.UntilText("#answer-count", "3 answers")
	tabTo(t, b, `e.matches("button.pick") && e.innerText === "#1"`)
	b.Press(kb.Enter)
	b.Until(`document.activeElement.id === "key"`)
	b.UntilText("#answer", "horse 1")
	b.Until(`document.querySelector("#around g.node.genesis")`)
	tabTo(t, b, `e.matches("g.node.genesis")`)
	center := uitest.Eval[string](b, `document.activeElement.dataset.id`)
	b.Press(kb.Enter)
	b.UntilText("#center", center)
	// the focus stays in the graph
	b.Until(`document.activeElement.dataset.id === "` + center + `"`)
}

// TestExploreRanges asks for several names, for keys with further names, by a policy, of an owner,
// and for what is sealed with a masking key.
func TestExploreRanges(t *testing.T) {
	t.Parallel()
	n := startNode(t, testNetwork(t))
	db := clientOf(t, n)
	_, err1 := db.Set(t.Context(), lf.MustKey("svc#1", "web#7"), []byte("both"), lf.AsKey(newKey(t)))
	_, err2 := db.Set(t.Context(), lf.MustKey("svc#2"), []byte("alone"))
	sealed, err3 := db.Set(t.Context(), lf.MustKey("svc#3"), []byte("for few"), lf.MaskingKey("opensesame"))
	if err := errors.Join(err1, err2, err3); err != nil {
		t.Fatal(err)
	}
	b := uitest.Open(t, n.APIURL())
	explore(b, "svc#", "web#")
	b.UntilText("#answer-count", "1 answer")
	b.UntilText("button.pick", "#1 #7")
	b.Click("button.pick")
	b.UntilText("#answer", "both")
	b.Click(`.keys .row:nth-child(2) button`)
	b.Click("#ask button[type=submit]")
	b.UntilText("#answer-count", "2 answers")
	b.UntilText("#answers", "sealed")
	b.Click("#open")
	b.Click("#ask button[type=submit]")
	b.UntilText("#answer-count", "3 answers")
	b.Click("button.pick")
	b.UntilText("#answer", "both")
	b.Click("#ask summary")
	b.Type("#mask", "opensesame")
	b.Click("#ask button[type=submit]")
	b.UntilText("#answers", "for few")
	b.Type("#owners", sealed.Owner.String())
	b.Click("#ask button[type=submit]")
	b.UntilText("#answer-count", "2 answers")
	b.Type("#policy", "heaviest")
	b.Click("#ask button[type=submit]")
	b.UntilText("#explore-problem", "heaviest")
	b.Type("#policy", "newest")
	b.Type("#expression", "svc#9#1")
	b.Click("#ask button[type=submit]")
	b.UntilText("#explore-problem", "the range ends before it begins")
	wantNoNames(t, b, "svc", "opensesame")
}

// TestExploreNarrow needs no scrolling sideways on a telephone.
func TestExploreNarrow(t *testing.T) {
	t.Parallel()
	n, page := startSession(t)
	db := clientOf(t, n)
	for i := range 12 {
		if _, err := db.Set(t.Context(), lf.MustKey(fmt.Sprintf("horse#%d", i%2)), []byte(strings.Repeat("a long value ", i)+strings.Repeat("x", 300)), lf.AsKey(newKey(t))); err != nil {
			t.Fatal(err)
		}
	}
	b := uitest.New(t)
	b.Size(360, 700)
	b.Visit(page)
	explore(b, "horse#")
	b.Click("button.pick")
	b.Until(`document.querySelectorAll("#claims tbody tr").length === 6 && document.querySelectorAll("#around g.node").length > 2`)
	b.WantFits()
	b.Click("#change")
	b.Until(`document.querySelector("#write-key").value === "horse#0"`)
	b.WantFits()
	b.Click(`nav a[href="#owners"]`)
	b.UntilText("#owner-panel", "Name of a new owner")
	b.WantFits()
	// what has no name for a screen reader
	nameless := uitest.Eval[string](b, `[...document.querySelectorAll("input, select, textarea, button")].filter((e) => !(e.labels?.length || e.ariaLabel || e.innerText)).map((e) => e.outerHTML).join()`)
	if nameless != "" {
		t.Errorf("without a label: %s", nameless)
	}
}

// TestExploreNodeComesBack keeps following over a restart of the node. What changed meanwhile is
// shown.
func TestExploreNodeComesBack(t *testing.T) {
	t.Parallel()
	network := testNetwork(t)
	var h *home.Home
	n := startNode(t, network, func(c *node.Config) { h = c.Home })
	at := strings.TrimPrefix(n.APIURL(), "http://")
	again := func(listen string) {
		t.Helper()
		if err := n.Close(); err != nil {
			t.Fatal(err)
		}
		n = startNode(t, network, func(c *node.Config) { c.Home, c.APIListen = h, listen })
	}
	set := func(key, value string) {
		t.Helper()
		if _, err := clientOf(t, n).Set(t.Context(), lf.MustKey(key), []byte(value)); err != nil {
			t.Fatal(err)
		}
	}
	set("horse#0", "changes")
	set("horse#1", "goes")
	b := uitest.Open(t, n.APIURL())
	explore(b, "horse#")
	b.UntilText("#answer-count", "2 answers")
	b.Click("#answers tbody tr:nth-child(2) button")
	b.UntilText("#answer", "goes")

	again("127.0.0.1:0") // elsewhere, so that the page does not see what happens
	b.UntilText("#explore-problem", "The node does not answer")
	set("horse#0", "has changed")
	if err := clientOf(t, n).Release(t.Context(), lf.MustKey("horse#1")); err != nil {
		t.Fatal(err)
	}
	again(at)
	b.UntilText("#answer-count", "1 answer")
	b.UntilText("#answers", "has changed")
	b.UntilText("#answer", "Nothing answers under this key now")
	b.Until(`document.querySelector("#explore-problem").innerText === ""`)
	set("horse#2", "comes")
	b.UntilText("#answers", "comes")
	hide := func(hidden bool) {
		uitest.Eval[any](b, fmt.Sprintf(`Object.defineProperty(document, "hidden", {value: %t, configurable: true}), document.dispatchEvent(new Event("visibilitychange")), 0`, hidden))
	}
	hide(true) // a tab that nobody sees keeps no connection
	set("horse#3", "unseen at first")
	hide(false)
	b.UntilText("#answers", "unseen at first")
}
