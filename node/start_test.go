package node

import (
	"context"
	"errors"
	"io/fs"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/lf-store/lf/node/home"
	"github.com/lf-store/lf/protocol"
	"github.com/lf-store/lf/store"
)

func TestHomeInUse(t *testing.T) {
	t.Parallel()
	c := config(t, newNetwork(t, 0))
	n := start(t, c)
	var inUse *home.InUseError
	if err := wantStartError(t, c); !errors.As(err, &inUse) || strings.Contains(err.Error(), "\n") {
		t.Errorf("second node in one home: %v", err)
	}
	if got, err := c.Home.API(); err != nil || got != n.APIURL() {
		t.Errorf("the refused node changed the address to %q, %v", got, err)
	}
}

func TestHomeOfAnotherNetwork(t *testing.T) {
	t.Parallel()
	c := config(t, newNetwork(t, 0))
	stop(t, start(t, c))
	other := c
	other.Network = newNetwork(t, 0)
	var wrong *home.WrongNetworkError
	if err := wantStartError(t, other); !errors.As(err, &wrong) || wrong.Bound != c.Network.ID() || strings.Contains(err.Error(), "\n") {
		t.Errorf("another network: %v", err)
	}
	start(t, c)
}

// TestDatabaseOfAnotherNetwork has the file of another home put in place.
func TestDatabaseOfAnotherNetwork(t *testing.T) {
	t.Parallel()
	from, to := config(t, newNetwork(t, 0)), config(t, newNetwork(t, 0))
	stop(t, start(t, from))
	if err := os.Rename(from.Home.Database(), to.Home.Database()); err != nil {
		t.Fatal(err)
	}
	var wrong *store.WrongNetworkError
	if err := wantStartError(t, to); !errors.As(err, &wrong) {
		t.Errorf("another network's database: %v", err)
	}
}

// TestRefusedStarts holds that the error of a start is one line that names what it failed at.
// Nothing is left of it: the same home starts when the cause is gone.
func TestRefusedStarts(t *testing.T) {
	t.Parallel()
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	_, port, err := net.SplitHostPort(taken.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	damage := func(name string) func(*Config) {
		return func(c *Config) {
			if err := os.WriteFile(filepath.Join(c.Home.Dir(), name), []byte("damaged"), 0o600); err != nil {
				t.Fatal(err)
			}
		}
	}
	for name, test := range map[string]struct {
		change func(*Config)
		want   string
	}{
		"no network":        {func(c *Config) { c.Network = nil }, "network"},
		"profile":           {func(c *Config) { c.Profile = "desktop" }, "default, server or local"},
		"seed":              {func(c *Config) { c.Seeds = []string{"192.0.2.1:9908"} }, "not a multiaddr"},
		"seed without peer": {func(c *Config) { c.Seeds = []string{"/ip4/127.0.0.1/tcp/1"} }, "peer's ID"},
		"remote seed": {func(c *Config) {
			c.Seeds = []string{"/ip4/8.8.8.8/tcp/1/p2p/12D3KooWEqnTdgqHnkkwarSrJjeMP2ZJiADWLYADaNvUb6SQNyPF"}
		}, "profile local"},
		"listen address":   {func(c *Config) { c.Listen = []string{"localhost:1"} }, "not a multiaddr"},
		"listen transport": {func(c *Config) { c.Listen = []string{"/ip4/127.0.0.1/udp/0/quic-v1/webtransport"} }, "cannot listen on"},
		"port":             {func(c *Config) { c.Listen = []string{"/ip4/127.0.0.1/tcp/" + port} }, "--listen"},
		"API port":         {func(c *Config) { c.APIListen = "127.0.0.1:" + port }, "--api-listen"},
		"API address":      {func(c *Config) { c.APIListen = "9980" }, "HOST:PORT"},
		"API host":         {func(c *Config) { c.APIListen = "192.0.2.1:0" }, "192.0.2.1"},
		"identity":         {damage("identity.pem"), "identity.pem"},
		"token":            {damage("api.token"), "api.token"},
		"network file":     {damage("network.lfnet"), "network.lfnet"},
		"database":         {damage("lf.db"), "lf.db"},
		"trust":            {damage("trust.json"), "trust.json"},
		"policy":           {func(c *Config) { c.Policy = protocol.Policy{"heaviest"} }, "heaviest"},
	} {
		t.Run(name, func(t *testing.T) {
			c := config(t, newNetwork(t, 0), test.change)
			err := wantStartError(t, c)
			if !strings.Contains(err.Error(), test.want) || strings.Contains(err.Error(), "\n") {
				t.Errorf("error %q, want one line about %q", err, test.want)
			}
			if _, err := c.Home.API(); !errors.Is(err, fs.ErrNotExist) {
				t.Errorf("the address of an API is there: %v", err)
			}
			unlock, err := c.Home.Lock()
			if err != nil {
				t.Fatalf("the home is still locked: %v", err)
			}
			if err := unlock(); err != nil {
				t.Error(err)
			}
		})
	}
}

// TestFirstStartDecidesNothing fails a first start early and late: the home belongs to no network
// afterwards.
func TestFirstStartDecidesNothing(t *testing.T) {
	t.Parallel()
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	for name, change := range map[string]func(*Config){
		"before the database": func(c *Config) { c.APIListen = taken.Addr().String() },
		"after the database":  func(c *Config) { c.Listen = []string{"/ip4/127.0.0.1/udp/0/quic-v1/webtransport"} },
	} {
		t.Run(name, func(t *testing.T) {
			c := config(t, newNetwork(t, 0))
			bad := c
			change(&bad)
			wantStartError(t, bad)
			if _, _, err := c.Home.Network(); !errors.Is(err, fs.ErrNotExist) || c.Home.HasDatabase() {
				t.Fatalf("the home belongs to a network: %v", err)
			}
			c.Network = newNetwork(t, 0)
			set(t, start(t, c).Service(), "x", "x")
		})
	}
	c := config(t, newNetwork(t, 0))
	n := start(t, c)
	set(t, n.Service(), "x", "x")
	stop(t, n)
	bad := c
	bad.Listen = []string{"/ip4/127.0.0.1/udp/0/quic-v1/webtransport"}
	wantStartError(t, bad)
	if got := get(t, start(t, c).Service(), "x"); got != "x" {
		t.Errorf("a later start that failed took what was stored: %q", got)
	}
}

// TestNetworkSeeds holds that a home keeps the seeds of its network's file, and other ones for a
// start only.
func TestNetworkSeeds(t *testing.T) {
	t.Parallel()
	const kept = "/ip4/127.0.0.1/tcp/1/p2p/12D3KooWEqnTdgqHnkkwarSrJjeMP2ZJiADWLYADaNvUb6SQNyPF"
	c := config(t, newNetwork(t, 0), offline)
	for _, given := range [][]string{{kept}, nil} {
		c.NetworkSeeds, c.Seeds = given, nil
		stop(t, start(t, c))
		if _, file, err := c.Home.Network(); err != nil || len(file.Seeds) != 1 || file.Seeds[0] != kept {
			t.Errorf("given %q, the home has %q, %v", given, file.Seeds, err)
		}
	}
}

// TestIdentityUntouched holds that an identity that cannot be read is left as it is.
func TestIdentityUntouched(t *testing.T) {
	t.Parallel()
	c := config(t, newNetwork(t, 0))
	path := filepath.Join(c.Home.Dir(), "identity.pem")
	if err := os.WriteFile(path, []byte("damaged"), 0o600); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		wantStartError(t, c)
	}
	if text, err := os.ReadFile(path); err != nil || string(text) != "damaged" {
		t.Errorf("the identity is now %q, %v", text, err)
	}
}

// TestStartIsUndone ends a start in the middle by its context.
func TestStartIsUndone(t *testing.T) {
	t.Parallel()
	c := config(t, newNetwork(t, 0))
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if n, err := Start(ctx, c); err == nil {
		_ = n.Close()
		t.Fatal("started with a context that is over")
	}
	start(t, c)
}

// TestCloseLeavesNothing compares the process's open files before and after; goroutines are looked
// at when all tests are over.
func TestCloseLeavesNothing(t *testing.T) {
	network := newNetwork(t, 0)
	run := func() {
		a := start(t, config(t, network))
		b := start(t, config(t, network, seeds(a)))
		wantPeers(t, b, 1)
		set(t, client(t, a), "x", "x")
		wantRead(t, client(t, b), "x", "x")
		for _, n := range []*Node{b, a} {
			stop(t, n)
			stop(t, n) // again does nothing
			if _, err := n.config.Home.API(); !errors.Is(err, fs.ErrNotExist) {
				t.Errorf("the address of the API is still there: %v", err)
			}
		}
	}
	run() // opens what the process keeps open: the poller, the random source
	http.DefaultTransport.(*http.Transport).CloseIdleConnections()
	before := openFiles(t)
	run()
	eventually(t, "no more open files than before", func() bool { return openFiles(t) <= before })
}

func openFiles(t *testing.T) int {
	t.Helper()
	entries, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		t.Skip("no /proc here")
	}
	return len(entries)
}

// TestCloseWhileWriting closes a node under its writers: each write is acknowledged and there
// afterwards, or an error.
func TestCloseWhileWriting(t *testing.T) {
	t.Parallel()
	c := config(t, newNetwork(t, 0))
	n := start(t, c)
	type result struct {
		ids []protocol.ID
		err error
	}
	results := make(chan result, 8)
	for i := range cap(results) {
		service, value := n.Service(), "x"
		if i%2 == 1 {
			service = client(t, n)
		}
		go func() {
			var r result
			for r.err == nil {
				var id protocol.ID
				if id, r.err = setOne(service, value); r.err == nil {
					r.ids = append(r.ids, id)
				}
			}
			results <- r
		}()
	}
	time.Sleep(200 * time.Millisecond)
	stop(t, n)
	n = start(t, c)
	count := 0
	for range cap(results) {
		r := <-results
		for _, id := range r.ids {
			count++
			if _, err := n.Service().Record(t.Context(), id); err != nil {
				t.Fatalf("record %s was acknowledged: %v", id, err)
			}
		}
	}
	if count == 0 {
		t.Error("nothing was written before the node closed")
	}
}

func TestReady(t *testing.T) {
	t.Parallel()
	n := start(t, config(t, newNetwork(t, 0)))
	if err := n.Ready(); err != nil {
		t.Errorf("a started node: %v", err)
	}
	resp, err := http.Get(n.APIURL() + "/readyz")
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
	http.DefaultTransport.(*http.Transport).CloseIdleConnections()
	if resp.StatusCode != http.StatusOK {
		t.Errorf("/readyz: %s", resp.Status)
	}
	stop(t, n)
	if err := n.Ready(); err == nil {
		t.Error("a closed node is ready")
	}
}
