package main

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/lf-store/lf/node/api"
	"github.com/lf-store/lf/node/home"
)

// writeProxy is a proxy in a process of its own, with a node.
type writeProxy struct {
	*testNode
	url string
}

// startProxy starts a node and a proxy of it.
func startProxy(t *testing.T, network string, flags ...string) *writeProxy {
	t.Helper()
	node := startNode(t, filepath.Join(t.TempDir(), "node"), "--network", network, "--offline")
	p := &writeProxy{testNode: &testNode{home: filepath.Join(t.TempDir(), "proxy")}}
	p.cmd = command(t, append([]string{
		"proxy", "--home", p.home, "--network", network, "--node", "unix:" + filepath.Join(node.home, "api.sock"),
		"--listen", "127.0.0.1:0", "--log-level", "debug",
	}, flags...)...)
	p.cmd.Stdout, p.cmd.Stderr = &p.log, &p.log
	if err := p.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { p.stop(os.Interrupt) })
	var err error
	if p.url, _, err = awaitNode(p.home); err != nil {
		p.stop(os.Kill)
		t.Fatalf("%v\n%s", err, p.log.String())
	}
	return p
}

// client adds a client, and returns its token.
func (p *writeProxy) client(t *testing.T, args ...string) string {
	t.Helper()
	return strings.TrimSpace(mustRun(t, "", append([]string{"-q", "--home", p.home, "proxy", "client", "add"}, args...)...))
}

// uses is what the proxy says of its clients.
func (p *writeProxy) uses(t *testing.T) map[string]api.ClientUse {
	t.Helper()
	h, err := home.Open(p.home)
	if err != nil {
		t.Fatal(err)
	}
	path, err := h.Socket()
	if err != nil {
		t.Fatal(err)
	}
	c := api.NewClient(api.SocketURL(path), "")
	defer c.Close()
	list, err := c.Clients(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	uses := map[string]api.ClientUse{}
	for _, use := range list.Clients {
		uses[use.Name] = use
	}
	return uses
}

// await waits until a client has as many requests that wait.
func (p *writeProxy) await(t *testing.T, client string, waiting int) {
	t.Helper()
	for start := time.Now(); ; time.Sleep(20 * time.Millisecond) {
		use := p.uses(t)[client]
		if use.Waiting == waiting {
			return
		}
		if time.Since(start) > readyWithin {
			t.Fatalf("%d requests of %s wait, want %d", use.Waiting, client, waiting)
		}
	}
}

// TestGreedyClient: a client with thousands of requests, none of which will ever be done, keeps
// another one from nothing. When it hangs up, its places are free.
func TestGreedyClient(t *testing.T) {
	t.Parallel()
	if testing.Short() {
		beGreedy(t, 200)
		return
	}
	beGreedy(t, 2000)
}

// TestGreediestClient is TestGreedyClient with as many requests as a client may have. One more is
// refused.
func TestGreediestClient(t *testing.T) {
	if testing.Short() {
		t.Skip("10,000 connections")
	}
	beGreedy(t, mostOfClient)
}

// mostOfClient is how many requests of one client may wait at a proxy.
const mostOfClient = 10_000

func beGreedy(t *testing.T, requests int) {
	t.Helper()
	p := startProxy(t, newNetworkFile(t, "--work-per-kib", "16777216"), "--threads", "1")
	begun := time.Now()
	greedy, modest := api.NewClient(p.url, p.client(t, "greedy")), api.NewClient(p.url, p.client(t, "modest", "--effort-per-hour", "5"))
	defer modest.Close()
	before := residentMemory(p.cmd.Process.Pid)
	ctx, hangUp := context.WithCancel(t.Context())
	defer hangUp()
	var all sync.WaitGroup
	for i := range requests {
		all.Go(func() {
			worked := make([]byte, 32)
			worked[0], worked[1] = byte(i), byte(i>>8)
			if _, err := greedy.Work(ctx, api.WorkRequest{Worked: worked, Effort: 50_000_000}); !errors.Is(err, context.Canceled) {
				t.Errorf("a request that takes hours: %v", err)
			}
		})
	}
	p.await(t, "greedy", requests)
	t.Logf("%d requests wait after %s", requests, time.Since(begun).Round(time.Millisecond))
	if before > 0 {
		t.Logf("a request that waits, with its connection: %d kB", (residentMemory(p.cmd.Process.Pid)-before)/uint64(requests)>>10)
	}
	for i := range 5 {
		begin := time.Now()
		worked := make([]byte, 32)
		worked[31] = byte(i + 1)
		patient, cancel := context.WithTimeout(t.Context(), readyWithin)
		if _, err := modest.Work(patient, api.WorkRequest{Worked: worked, Effort: 1}); err != nil {
			t.Fatalf("the modest client waits: %v", err)
		}
		cancel()
		t.Logf("effort 1 beside %d requests: %s", requests, time.Since(begin).Round(time.Millisecond))
	}
	if use := p.uses(t); use["greedy"].Waiting != requests || use["modest"].Spent != 5 {
		t.Errorf("%+v", use)
	}
	var e *api.Error
	if _, err := modest.Work(t.Context(), api.WorkRequest{Worked: make([]byte, 32), Effort: 1}); !errors.As(err, &e) || e.Status != 429 {
		t.Errorf("more than its budget: %v", err)
	}
	if requests == mostOfClient {
		if _, err := greedy.Work(t.Context(), api.WorkRequest{Effort: 1}); !errors.As(err, &e) || e.Status != 429 {
			t.Errorf("more than a client may have wait: %v", err)
		}
	}
	hangUp()
	begun = time.Now()
	all.Wait()
	greedy.Close()
	p.await(t, "greedy", 0)
	t.Logf("all places were free %s after the client had hung up", time.Since(begun).Round(time.Millisecond))
}

// TestProxyEndsWell: a proxy that is stopped answers those who wait.
func TestProxyEndsWell(t *testing.T) {
	t.Parallel()
	p := startProxy(t, newNetworkFile(t, "--work-per-kib", "16777216"), "--threads", "1")
	client := api.NewClient(p.url, p.client(t, "phone"))
	defer client.Close()
	failed := make(chan error, 3)
	for i := range cap(failed) {
		go func() {
			worked := make([]byte, 32)
			worked[0] = byte(i)
			_, err := client.Work(t.Context(), api.WorkRequest{Worked: worked, Effort: 50_000_000})
			failed <- err
		}()
	}
	p.await(t, "phone", cap(failed))
	p.stop(os.Interrupt)
	for range cap(failed) {
		var e *api.Error
		if err := <-failed; !errors.As(err, &e) || e.Status != 503 || !strings.Contains(e.Error(), "send the request again") {
			t.Errorf("%v", err)
		}
	}
	if p.cmd.ProcessState.ExitCode() != 0 {
		t.Errorf("exit code %d\n%s", p.cmd.ProcessState.ExitCode(), p.log.String())
	}
}
