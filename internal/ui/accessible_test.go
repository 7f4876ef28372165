package ui_test

import (
	"testing"

	"github.com/chromedp/chromedp/kb"

	"github.com/lf-store/lf/internal/ui/uitest"
	"github.com/lf-store/lf/node/api"
)

// audit lists what a user without a mouse, or without good eyes, would miss on the page.
const audit = `(() => {
	const wrong = [];
	const seen = (n) => n.getClientRects().length > 0;
	const name = (n) => (n.getAttribute("aria-label") ?? (n.getAttribute("aria-labelledby") ?? "").split(" ").filter(Boolean).map((i) => document.getElementById(i)?.textContent ?? "").join(" ")) || [...(n.labels ?? [])].map((l) => l.textContent).join(" ") || n.textContent || n.title;
	for (const n of document.querySelectorAll("button, a, input, select, textarea, [role=img], [tabindex='0'], progress")) {
		if (seen(n) && name(n).trim() === "") wrong.push("no name: " + n.outerHTML.slice(0, 120));
	}
	for (const n of document.querySelectorAll("img:not([alt])")) wrong.push("no alt: " + n.outerHTML);
	const levels = [...document.querySelectorAll("h1, h2, h3, h4")].filter(seen).map((h) => Number(h.tagName[1]));
	if (levels[0] !== 1 || levels.filter((l) => l === 1).length !== 1) wrong.push("headings: " + levels);
	levels.forEach((l, i) => { if (i > 0 && l > levels[i - 1] + 1) wrong.push("headings: " + levels); });
	const ids = [...document.querySelectorAll("[id]")].map((n) => n.id);
	for (const id of new Set(ids)) if (ids.filter((i) => i === id).length > 1) wrong.push("twice: #" + id);

	const parse = (c) => { const m = c.match(/[\d.]+/g).map(Number); return m.length < 4 ? [...m, 1] : m; };
	const light = ([r, g, b]) => { const f = (v) => (v /= 255) <= 0.03928 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4; return 0.2126 * f(r) + 0.7152 * f(g) + 0.0722 * f(b); };
	const ground = (n) => { for (; n; n = n.parentElement) { const c = parse(getComputedStyle(n).backgroundColor); if (c[3] === 1) return c; } return [255, 255, 255, 1]; };
	const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
	for (let t; (t = walker.nextNode());) {
		const n = t.parentElement;
		if (t.textContent.trim() === "" || !seen(n) || n.closest("noscript, .unseen, .skip, :disabled, title, option")) continue;
		const style = getComputedStyle(n);
		const [a, b] = [light(parse(n instanceof SVGElement ? style.fill : style.color)), light(ground(n))].sort((x, y) => y - x);
		const contrast = (a + 0.05) / (b + 0.05);
		if (contrast < 4.5) wrong.push("contrast " + contrast.toFixed(2) + ": " + t.textContent.trim().slice(0, 60));
	}
	return wrong;
})()`

// views are those of the page, each with what shows that it is drawn.
var views = map[string]string{
	"status": "#sync-state", "peers": "#connected", "explore": "#view-explore form", "write": "#view-write *", "owners": "#view-owners *",
}

// TestAccessible: in light and in dark, wide and narrow, each view can be read and used by all.
func TestAccessible(t *testing.T) {
	t.Parallel()
	w := newWorld(t, 3)
	w.nodes.Store(&[]api.ProxyNode{{Address: "http://192.0.2.1:9980", State: "usable", Attached: 12}})
	_, session := startSession(t)
	for name, address := range map[string]string{"a world": serveWorld(t, w), "a session": session} {
		b := uitest.Open(t, address)
		b.UntilText("#where", "")
		for view, drawn := range views {
			b.Click(`nav a[href="#` + view + `"]`)
			b.Until(`document.querySelector("` + drawn + `")`)
			for _, dark := range []bool{false, true} {
				b.Dark(dark)
				for _, width := range []int64{360, 1000} {
					b.Size(width, 800)
					for _, wrong := range uitest.Eval[[]string](b, audit) {
						t.Errorf("%s, %s, dark %v, %d wide: %s", name, view, dark, width, wrong)
					}
					b.WantFits()
				}
			}
		}
	}
}

// TestKeyboard: each view is reached and left with the keyboard alone, and a view that is reached
// has the focus.
func TestKeyboard(t *testing.T) {
	t.Parallel()
	b := uitest.Open(t, serveWorld(t, newWorld(t, 0)))
	b.UntilText("#sync-state", "Fetching")
	b.Press(kb.Tab) // the link that skips the menu
	b.Until(`document.activeElement.id === "skip"`)
	b.Press(kb.Enter)
	b.Until(`document.activeElement.id === "main"`)
	b.Visit("about:blank")
	b.Visit(serveWorld(t, newWorld(t, 0)))
	b.UntilText("#sync-state", "Fetching")
	b.Press(kb.Tab)
	for _, view := range []string{"status", "peers", "explore", "write", "owners"} {
		b.Press(kb.Tab)
		b.Until(`document.activeElement.hash === "#` + view + `"`)
	}
	for _, view := range []string{"write", "explore", "peers"} {
		b.Press("\x1b") // Escape harms nothing
		b.Do(uitest.ShiftTab())
		b.Until(`document.activeElement.hash === "#` + view + `"`)
	}
	b.Press(kb.Enter)
	b.Until(`document.querySelector("#view-peers") && document.activeElement.tagName === "H1"`)
	b.Until(`document.querySelector('nav a[aria-current="page"]').hash === "#peers"`)
}
