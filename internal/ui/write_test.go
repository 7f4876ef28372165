package ui_test

import (
	"crypto/rand"
	"errors"
	"os"
	"regexp"
	"slices"
	"testing"
	"time"

	"github.com/chromedp/chromedp"

	"github.com/lf-store/lf"
	"github.com/lf-store/lf/internal/ui/uitest"
	"github.com/lf-store/lf/node"
	"github.com/lf-store/lf/node/home"
	"github.com/lf-store/lf/protocol"
)

// withWork gives a node a network whose records cost work.
func withWork(t testing.TB, perKiB uint32) func(*node.Config) {
	t.Helper()
	p := protocol.DefaultParams()
	p.Name, p.WorkPerKiB, p.NameHardening = "mine", perKiB, protocol.Hardening{MemoryKiB: 8, Passes: 1}
	n, err := protocol.NewNetwork(p, uint64(time.Now().UnixMilli()), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return func(c *node.Config) { c.Network = n }
}

// TestWrite sets a value, looks at it, deletes it and releases the key.
func TestWrite(t *testing.T) {
	t.Parallel()
	n, page := startSession(t, withWork(t, 16))
	db := clientOf(t, n)
	horse := lf.MustKey("secrethorse#7")
	b := uitest.Open(t, page)
	b.Click(`nav a[href="#write"]`)
	b.Type("#write-key", "secrethorse#7")
	b.Type("#value", "  a <b>value</b>\nof two lines 🐴 ")
	b.UntilText("#value-size", "35 bytes")
	b.Click("#do-write")
	b.UntilText("#outcome", "The value is set.")
	a, err := db.Get(t.Context(), horse)
	if err != nil || a.Text() != "  a <b>value</b>\nof two lines 🐴 " {
		t.Errorf("%+v, %v", a, err)
	}
	b.Click("#look")
	b.UntilText("#answer", "of two lines")
	b.Click("#change")
	b.Until(`document.querySelector("#write-key").value === "secrethorse#7"`)
	b.Click("#kind-delete")
	b.Until(`document.querySelector("#value").offsetParent === null && document.querySelector("#do-write").innerText === "Delete"`)
	b.Click("#do-write")
	b.UntilText("#outcome", "The value is deleted.")
	if _, err := db.Get(t.Context(), horse); !errors.Is(err, lf.ErrDeleted) {
		t.Errorf("after deleting: %v", err)
	}
	b.Click("#kind-release")
	b.Click("#do-write")
	b.UntilText("#outcome", "The claim is released.")
	if _, err := db.Get(t.Context(), horse); !errors.Is(err, lf.ErrNotFound) {
		t.Errorf("after releasing: %v", err)
	}
	b.Type("#write-key", "secrethorse#8") // where there is nothing to release
	b.Click("#do-write")
	b.Until(`document.querySelector("#outcome .bad")`)
	wantNoNames(t, b, "secrethorse", "two lines")
}

// TestWriteProgress shows the progress of work that takes too long, also after another view was
// shown, and cancels it.
func TestWriteProgress(t *testing.T) {
	t.Parallel()
	n, page := startSession(t, withWork(t, 1<<24))
	b := uitest.Open(t, page)
	b.Click(`nav a[href="#write"]`)
	b.Type("#write-key", "horse")
	b.Type("#value", "never set")
	b.Click("#do-write")
	b.Until(`/Working: [1-9][\d,]* tries so far\. About .* are left, on average\./.test(document.querySelector("#work-text")?.innerText)`)
	b.Until(`document.querySelector("#work").value >= 0 && document.querySelector("#do-write").disabled`)
	b.Click(`nav a[href="#status"]`) // the work goes on meanwhile
	b.UntilText("#where", "mine")
	b.Click(`nav a[href="#write"]`)
	b.UntilText("#work-text", "Working")
	b.Click("#cancel")
	b.UntilText("#outcome", "Cancelled")
	b.Until(`!document.querySelector("#do-write").disabled`)
	if _, err := clientOf(t, n).Get(t.Context(), lf.MustKey("horse")); !errors.Is(err, lf.ErrNotFound) {
		t.Errorf("a write that was cancelled: %v", err)
	}
}

// TestOwners makes owners and writes as one of them, and elects an oracle and dismisses it. Without
// a session none of it is offered.
func TestOwners(t *testing.T) {
	t.Parallel()
	var h *home.Home
	n, page := startSession(t, func(c *node.Config) { h = c.Home })
	b := uitest.Open(t, page)
	b.Click(`nav a[href="#owners"]`)
	for _, name := range []string{"ops", "dev"} {
		b.Until(`document.querySelector("#new-owner")?.value === ""`)
		b.Type("#new-owner", name)
		b.Click("#add-owner button")
		b.UntilText("#owner-panel table", name)
	}
	b.Type("#new-owner", "ops")
	b.Click("#add-owner button")
	b.UntilText("#owner-panel [role=status]", `an owner "ops" is here already`)
	b.Until(`document.querySelector("#new-owner").value === "ops"`) // given back, to be mended
	b.Type("#new-owner", "half a na")
	b.Click(`[data-default="dev"]`)
	b.Until(`!document.querySelector('[data-default="dev"]')`)
	b.Until(`document.querySelector("#new-owner").value === "half a na"`) // what is typed stays
	b.Click(`[data-certificates="ops"]`)
	b.UntilText("#certificates", "It has none")
	ops, err := h.Owners().Get("ops")
	if err != nil {
		t.Fatal(err)
	}
	if key, _, err := h.Owners().Default(); err != nil || key.Name != "dev" {
		t.Errorf("the default is %+v, %v", key, err)
	}

	b.Click(`nav a[href="#write"]`)
	b.Type("#write-key", "horse")
	b.Type("#value", "theirs")
	b.UntilText("#owner", "ops")
	b.Do(chromedp.SetValue(chromedp.CSS("#owner"), ops.Owner.String()))
	b.Click("#do-write")
	b.UntilText("#outcome", "The value is set.")
	if a, err := clientOf(t, n).Get(t.Context(), lf.MustKey("horse")); err != nil || a.Owner != ops.Owner {
		t.Errorf("%+v, %v", a, err)
	}

	b.Click(`nav a[href="#owners"]`)
	b.UntilText("#oracle-count", "None")
	b.Type("#new-oracle", ops.Owner.String())
	b.Click("#elect button")
	b.UntilText("#oracle-count", "1 oracle")
	uitest.Eval[any](b, `(window.dismiss = document.querySelector("[data-dismiss]"), dismiss.focus())`)
	// the node has followed
	b.Until(`!document.querySelector("#ranking").textContent.includes("no oracle is elected")`)
	if !uitest.Eval[bool](b, `document.activeElement === dismiss`) {
		t.Error("a button was drawn again that looks the same, and lost the focus")
	}
	if kept, err := h.Trust(); err != nil || !slices.Equal(kept.Oracles, []protocol.Owner{ops.Owner}) {
		t.Errorf("the home elects %+v, %v", kept, err)
	}
	b.Type("#new-oracle", "../sessions")
	b.Click("#elect button")
	b.UntilText("#oracle-panel [role=status]", "letters and digits")
	b.Click(`[data-dismiss]`)
	b.UntilText("#oracle-count", "None")
	b.Until(`document.querySelector("#new-oracle").value === "../sessions"`)

	b.Click("#end-session")
	b.UntilText("#no-session", "You have ended the session")
	b.Click(`nav a[href="#write"]`)
	b.UntilText("#no-session", "lf ui")
	b.Click(`nav a[href="#owners"]`)
	b.Until(`document.querySelector("#oracle-count") && !document.querySelector("#elect")`)
}

// TestCriteria: the page says of the criteria what package protocol says.
func TestCriteria(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile("static/criteria.js")
	if err != nil {
		t.Fatal(err)
	}
	var want, have []string
	for _, c := range protocol.Criteria() {
		want = append(want, string(c)+": "+c.Help())
	}
	for _, m := range regexp.MustCompile(`\{name: '(\w+)', help: '([^']+)'\}`).FindAllStringSubmatch(string(text), -1) {
		have = append(have, m[1]+": "+m[2])
	}
	if !slices.Equal(have, want) {
		t.Errorf("the page says\n%q, and package protocol\n%q", have, want)
	}
}
