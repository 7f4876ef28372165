package main

import (
	"context"
	"io"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/lf-store/lf/node/api"
)

// TestProxyProgressDrawn: lf set at a terminal draws how far a proxy is with its record. It tells
// how many requests of the client come first, and how long it takes. Each text has a line of its
// own. Ctrl-C gives the place up.
func TestProxyProgressDrawn(t *testing.T) {
	t.Parallel()
	p := startProxy(t, newNetworkFile(t, "--work-per-kib", "16777216"), "--threads", "1")
	token := p.client(t, "phone")
	phone := api.NewClient(p.url, token)
	defer phone.Close()
	busy, hangUp := context.WithCancel(t.Context())
	defer hangUp()
	const before = 3
	ended := make(chan struct{}, before)
	for i := range before {
		go func() {
			worked := make([]byte, 32)
			worked[0] = byte(i)
			_, _ = phone.Work(busy, api.WorkRequest{Worked: worked, Effort: 50_000_000})
			ended <- struct{}{}
		}()
	}
	p.await(t, "phone", before)
	terminal := openPTY(t)
	seen := func(text string) <-chan struct{} {
		c := make(chan struct{})
		terminal.onSeen(text, func() {
			select {
			case <-c:
			default:
				close(c)
			}
		})
		return c
	}
	ahead, set, solves := seen("3 requests of yours first"), seen("lf: set horse#0 to"), seen("1s so far; ")
	ctx, interrupt := context.WithCancel(t.Context())
	defer interrupt()
	code := make(chan int, 1)
	go func() {
		code <- run(ctx, []string{"--home", filepath.Join(t.TempDir(), "phone"), "--api", p.url, "--token-file", writeFile(t, token), "set", "horse", "Bad Horse"},
			terminal.terminal, io.Discard, terminal.terminal)
	}()
	drawn := func(what string, seen <-chan struct{}) {
		t.Helper()
		select {
		case <-seen:
		case <-time.After(readyWithin):
			interrupt()
			<-code
			t.Fatalf("not drawn: %s; seen: %q", what, terminal.close(t))
		}
	}
	drawn("requests that come first", ahead)
	hangUp()
	for range before {
		<-ended
	}
	drawn("what is set", set)
	drawn("the work", solves)
	interrupt()
	if got := <-code; got != exitFailed {
		t.Errorf("exit code %d", got)
	}
	text := terminal.close(t)
	if !strings.Contains(text, clearLine+"proof of work at the API: ") || !strings.Contains(text, "--work here works on this computer") {
		t.Errorf("seen: %q", text)
	}
	if !strings.Contains(text, clearLine+"lf: set horse#0 to") {
		t.Errorf("what is set stands behind the progress: %q", text)
	}
	if last := strings.LastIndex(text, clearLine); strings.Contains(text[last:], "proof of work") {
		t.Errorf("the drawing stays: %q", text[last:])
	}
	p.await(t, "phone", 0)
}
