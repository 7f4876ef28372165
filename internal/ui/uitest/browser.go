package uitest

import (
	"context"
	"os/exec"
	"sync"
	"testing"

	"github.com/chromedp/chromedp"
)

// browser is the one that the tests of a package share. It starts with the first tab.
type browser struct {
	mu      sync.Mutex
	ctx     context.Context
	cancel  func()
	missing bool
	err     error
	many    bool // Main ends it after many tests
}

var shared browser

// Main runs the tests of a package, ends the browser, and returns the exit code. A TestMain calls
// it.
func Main(m *testing.M) int {
	shared.many = true
	defer shared.close()
	return m.Run()
}

// programs are the names of Chromium: Debian's first.
var programs = []string{"chromium", "chromium-browser", "google-chrome"}

func (b *browser) close() {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.cancel != nil {
		b.cancel()
	}
}

// tabs returns the browser of a test: one for all of a package with Main, or one of its own.
func tabs(t testing.TB) context.Context {
	t.Helper()
	if shared.many {
		return shared.get(t)
	}
	own := &browser{}
	t.Cleanup(own.close)
	return own.get(t)
}

// get returns the context of the running browser. It skips the test where there is none.
func (b *browser) get(t testing.TB) context.Context {
	t.Helper()
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.ctx == nil && b.err == nil && !b.missing {
		b.start()
	}
	switch {
	case b.missing:
		t.Skip("chromium is not installed: apt-get install chromium")
	case b.err != nil:
		t.Fatalf("Chromium does not start: %v", b.err)
	}
	return b.ctx
}

func (b *browser) start() {
	program := ""
	for _, name := range programs {
		if found, err := exec.LookPath(name); err == nil {
			program = found
			break
		}
	}
	if program == "" {
		b.missing = true
		return
	}
	options := append(chromedp.DefaultExecAllocatorOptions[:],
		chromedp.ExecPath(program), chromedp.Flag("lang", "en-GB"), chromedp.Flag("hide-scrollbars", true),
		chromedp.Flag("host-resolver-rules", "MAP * ~NOTFOUND, EXCLUDE localhost, EXCLUDE 127.0.0.1"),
		chromedp.Env("TZ=UTC"), chromedp.CombinedOutput(discard{}))
	allocator, stop := chromedp.NewExecAllocator(context.Background(), options...)
	ctx, cancel := chromedp.NewContext(allocator)
	b.cancel = func() { cancel(); stop() }
	if b.err = chromedp.Do(ctx); b.err != nil {
		return
	}
	b.ctx = ctx
}

// discard drops what Chromium says of the machine.
type discard struct{}

func (discard) Write(p []byte) (int, error) { return len(p), nil }
