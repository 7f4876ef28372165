package uitest

import (
	"context"
	"fmt"
	"net/url"
	"os"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/log"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"
)

// patience bounds what takes milliseconds: a browser on a busy machine is slow.
const patience = 2 * time.Minute

// Tab is a page in a browser.
type Tab struct {
	t   testing.TB
	ctx context.Context

	mu      sync.Mutex
	host    string // the only one that the page may ask
	wrong   []string
	asked   []string // the URLs of all requests
	expect  []string // what may be wrong: parts of it
	visited bool
}

// Open opens an address in a tab, which the end of the test closes.
func Open(t testing.TB, address string) *Tab {
	t.Helper()
	b := New(t)
	b.Visit(address)
	return b
}

// New makes an empty tab, 1000 pixels wide.
func New(t testing.TB) *Tab {
	t.Helper()
	ctx, cancel := chromedp.NewContext(tabs(t), chromedp.WithNewBrowserContext())
	b := &Tab{t: t, ctx: ctx}
	t.Cleanup(func() {
		b.mu.Lock()
		defer b.mu.Unlock()
		for _, what := range b.wrong {
			if slices.ContainsFunc(b.expect, func(part string) bool { return strings.Contains(what, part) }) {
				continue
			}
			t.Errorf("in the browser: %s", what)
		}
	})
	t.Cleanup(cancel)
	if err := chromedp.Listen(ctx, b.heard); err != nil {
		t.Fatal(err)
	}
	b.Do(chromedp.Func(func(ctx context.Context, target *chromedp.Target) error {
		if _, err := cdp.Call(ctx, target, network.Enable, network.EnableParams{}); err != nil {
			return err
		}
		_, err := cdp.Call(ctx, target, log.Enable, cdp.Empty{})
		return err
	}))
	b.Size(1000, 800)
	return b
}

// heard notes what no page of ours may do.
func (b *Tab) heard(event any) {
	b.mu.Lock()
	defer b.mu.Unlock()
	switch e := event.(type) {
	case *runtime.EventExceptionThrown:
		what := e.ExceptionDetails.Text
		if x := e.ExceptionDetails.Exception; x != nil {
			what += " " + fmt.Sprint(x.Description)
		}
		b.wrong = append(b.wrong, "exception: "+what)
	case *log.EventEntryAdded:
		if e.Entry.Source == "security" || e.Entry.Source == "violation" || e.Entry.Source == "javascript" {
			b.wrong = append(b.wrong, string(e.Entry.Source)+": "+e.Entry.Text)
		}
	case *network.EventRequestWillBeSent:
		b.asked = append(b.asked, e.Request.URL)
		if u, err := url.Parse(e.Request.URL); err == nil && (u.Scheme == "http" || u.Scheme == "https") && u.Host != b.host {
			b.wrong = append(b.wrong, "a request to another host: "+e.Request.URL)
		}
	}
}

// Do runs actions of chromedp.
func (b *Tab) Do(actions ...chromedp.Action[chromedp.Void]) {
	b.t.Helper()
	// the first use of the context must have no limit: it is the tab's life
	if !b.visited {
		b.visited = true
		if err := chromedp.Do(b.ctx, actions...); err != nil {
			b.t.Fatal(err)
		}
		return
	}
	ctx, cancel := context.WithTimeout(b.ctx, patience)
	defer cancel()
	if err := chromedp.Do(ctx, actions...); err != nil {
		b.t.Fatal(err)
	}
}

// Visit opens another address in the tab.
func (b *Tab) Visit(address string) {
	b.t.Helper()
	if u, err := url.Parse(address); err == nil && u.Host != "" {
		b.Allow(u.Host)
	}
	b.Do(chromedp.Navigate(address))
}

// Allow says which host the page may ask from now on.
func (b *Tab) Allow(host string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.host = host
}

// Expect allows what a test makes go wrong, by parts of what the browser says of it.
func (b *Tab) Expect(parts ...string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.expect = append(b.expect, parts...)
}

// Size makes the tab as wide and as high as a screen.
func (b *Tab) Size(width, height int64) {
	b.t.Helper()
	b.Do(chromedp.EmulateViewport(width, height))
}

// Dark has the page know that its user likes dark colours, or light ones.
func (b *Tab) Dark(is bool) {
	b.t.Helper()
	scheme := map[bool]string{true: "dark", false: "light"}[is]
	b.Do(chromedp.Func(func(ctx context.Context, target *chromedp.Target) error {
		_, err := cdp.Call(ctx, target, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{
			Features: []*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: scheme}},
		})
		return err
	}))
}

// Eval returns what an expression in JavaScript is in the page. A promise is awaited.
func Eval[T any](b *Tab, expression string) T {
	b.t.Helper()
	v, err := tryEval[T](b, expression)
	if err != nil {
		b.t.Fatalf("%s: %v", expression, err)
	}
	return v
}

func tryEval[T any](b *Tab, expression string) (T, error) {
	ctx, cancel := context.WithTimeout(b.ctx, patience)
	defer cancel()
	return chromedp.Run(ctx, chromedp.Evaluate[T](expression, chromedp.EvalAwaitPromise))
}

// Until waits until an expression in JavaScript is true.
func (b *Tab) Until(expression string) {
	b.t.Helper()
	for begin := time.Now(); ; time.Sleep(25 * time.Millisecond) {
		is, err := tryEval[bool](b, "!!("+expression+")") // an error while the page changes
		if err == nil && is {
			return
		}
		if time.Since(begin) > patience {
			text, _ := tryEval[string](b, "document.body.innerText")
			b.t.Fatalf("never so: %s (%v)\nthe page says:\n%s", expression, err, text)
		}
	}
}

// UntilText waits until the first element that a CSS selector finds says something.
func (b *Tab) UntilText(selector, part string) {
	b.t.Helper()
	b.Until("document.querySelector(" + strconv.Quote(selector) + ")?.innerText.includes(" + strconv.Quote(part) + ")")
}

// Text is what the first element that a CSS selector finds says.
func (b *Tab) Text(selector string) string {
	b.t.Helper()
	return Eval[string](b, "document.querySelector("+strconv.Quote(selector)+").innerText")
}

// Click clicks on the first element that a CSS selector finds, once it is there.
func (b *Tab) Click(selector string) {
	b.t.Helper()
	b.Do(chromedp.Click(chromedp.CSS(selector)))
}

// Type types a text into the field that a CSS selector finds. What was there goes.
func (b *Tab) Type(selector, text string) {
	b.t.Helper()
	b.Do(chromedp.WaitVisible(chromedp.CSS(selector)))
	Eval[any](b, "((e) => { e.focus(); e.select(); })(document.querySelector("+strconv.Quote(selector)+"))")
	if text == "" {
		text = kb.Delete
	}
	b.Press(text)
}

// Press presses keys, wherever the focus is; package kb of chromedp names those without a letter.
func (b *Tab) Press(keys string) {
	b.t.Helper()
	b.Do(chromedp.KeyEvent(keys))
}

// Navigate opens an address as [Tab.Visit] does, and lets the page ask the same host as before.
func Navigate(address string) chromedp.Action[chromedp.Void] { return chromedp.Navigate(address) }

// ShiftTab goes back to what had the focus before.
func ShiftTab() chromedp.Action[chromedp.Void] {
	return chromedp.KeyEvent(kb.Tab, chromedp.KeyModifiers(chromedp.ModifierShift))
}

// Asked returns the URLs that the page has requested so far.
func (b *Tab) Asked() []string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return append([]string(nil), b.asked...)
}

// fitsWithin is how long a page may take to fit after its size has changed.
const fitsWithin = 2 * time.Second

// WantFits wants the page to need no scrolling sideways.
func (b *Tab) WantFits() {
	b.t.Helper()
	const tooWide = `document.documentElement.scrollWidth <= innerWidth ? [] : [...document.querySelectorAll("body *")].filter((n) => n.getBoundingClientRect().right > innerWidth && n.closest(".scroll") === null).map((n) => n.outerHTML.slice(0, 120))`
	wide := Eval[[]string](b, tooWide)
	for begin := time.Now(); len(wide) > 0 && time.Since(begin) < fitsWithin; wide = Eval[[]string](b, tooWide) {
		time.Sleep(25 * time.Millisecond)
	}
	for _, element := range wide {
		b.t.Errorf("%s: too wide: %s", Eval[string](b, "location.hash"), element)
	}
}

// Picture writes a picture of what the tab shows into a file.
func (b *Tab) Picture(name string) {
	b.t.Helper()
	ctx, cancel := context.WithTimeout(b.ctx, patience)
	defer cancel()
	png, err := chromedp.Run(ctx, chromedp.CaptureScreenshot())
	if err == nil {
		err = os.WriteFile(name, png, 0o644)
	}
	if err != nil {
		b.t.Fatal(err)
	}
}
