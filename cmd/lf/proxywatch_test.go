package main

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/lf-store/lf/node/api"
)

// TestProxyWatchers: a proxy has many watchers that are idle, and then do not read what they are
// told. A watcher that reads hears every change at once.
func TestProxyWatchers(t *testing.T) {
	t.Parallel()
	manyProxyWatchers(t, 100)
}

// TestManyProxyWatchers is TestProxyWatchers with a thousand. Then the proxy's memory shows what
// one takes: of 200 kB of changes that it did not read, only the last is kept.
func TestManyProxyWatchers(t *testing.T) {
	if testing.Short() {
		t.Skip("1,000 connections")
	}
	manyProxyWatchers(t, 1000)
}

func manyProxyWatchers(t *testing.T, count int) {
	t.Helper()
	p := startProxy(t, newNetworkFile(t))
	token := p.client(t, "page", "--owner", "page")
	client := api.NewClient(p.url, token)
	defer client.Close()
	set := func(key, text string) {
		t.Helper()
		if _, err := client.Set(t.Context(), api.SetRequest{Selectors: api.MustSelectors(key), Text: &text}); err != nil {
			t.Fatal(err)
		}
	}
	set("horse", "first")
	before := residentMemory(p.cmd.Process.Pid)
	begun := time.Now()
	watchers := rawWatchers(t, p.url, token, "horse", count)
	opened := time.Since(begun)
	idle := residentMemory(p.cmd.Process.Pid)
	if before > 0 {
		t.Logf("%d watchers opened in %s; memory of an idle one, with its connection: %d kB", count, opened.Round(time.Millisecond), (max(idle, before)-before)/uint64(count)>>10)
	}
	heard := make(chan time.Time, 1)
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		r := api.WatchRequest{Keys: []api.WatchKey{{Selectors: api.MustSelectors("horse")}}}
		for e, err := range client.Watch(ctx, r) {
			if err != nil {
				return
			}
			if e.Event == api.WatchAnswer || e.Listed {
				heard <- time.Now()
			}
		}
	}()
	<-heard // the first answer
	<-heard // and its end
	var took []time.Duration
	for i := range 50 { // nobody of the others reads
		set("horse", strings.Repeat(string(rune('a'+i%26)), 4000)+fmt.Sprint(i))
		written := time.Now()
		took = append(took, (<-heard).Sub(written))
	}
	slices.Sort(took)
	after := residentMemory(p.cmd.Process.Pid)
	t.Logf("an event came %s after the answer to the writer (p50), %s (p98)", took[len(took)/2].Round(100*time.Microsecond), took[len(took)-2].Round(100*time.Microsecond))
	if idle > 0 {
		grown := (max(after, idle) - idle) / uint64(count) >> 10
		t.Logf("memory of a watcher that does not read, beyond that: %d kB", grown)
		if grown > 100 && count >= 1000 && !raceEnabled {
			t.Errorf("a watcher that does not read takes %d kB", grown)
		}
	}
	cancel()
	<-ended
	for _, conn := range watchers {
		_ = conn.Close()
	}
}

// rawWatchers opens streams, and reads each up to the end of its current answers.
func rawWatchers(t *testing.T, address, token, key string, count int) []net.Conn {
	t.Helper()
	u, err := url.Parse(address)
	if err != nil {
		t.Fatal(err)
	}
	conns := make([]net.Conn, count)
	var all sync.WaitGroup
	slots := make(chan struct{}, 32)
	for i := range conns {
		all.Go(func() {
			slots <- struct{}{}
			defer func() { <-slots }()
			conn, err := net.Dial("tcp", u.Host)
			if err != nil {
				t.Error(err)
				return
			}
			conns[i] = conn
			t.Cleanup(func() { _ = conn.Close() })
			fmt.Fprintf(conn, "GET /v1/watch?k=%s HTTP/1.1\r\nHost: %s\r\nAuthorization: Bearer %s\r\n\r\n", key, u.Host, token)
			lines := bufio.NewReaderSize(conn, 512)
			for {
				line, err := lines.ReadString('\n')
				if err != nil && err != io.EOF {
					t.Error(err)
				}
				if err != nil || strings.Contains(line, `"listed":true`) {
					return
				}
			}
		})
	}
	all.Wait()
	return conns
}
