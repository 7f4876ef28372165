package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/miekg/dns"

	"github.com/lf-store/lf/internal/dnsserver"
)

// findTool finds a program that is not in the path of every user, and skips the test where there is
// none.
func findTool(t *testing.T, name string) string {
	t.Helper()
	for _, at := range []string{name, "/usr/sbin/" + name} {
		if path, err := exec.LookPath(at); err == nil {
			return path
		}
	}
	t.Skip(name + " is not installed")
	return ""
}

// freePorts are ports of this computer that nobody uses, by UDP and by TCP.
func freePorts(t *testing.T, n int) (ports []string) {
	t.Helper()
	for len(ports) < n {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		defer l.Close()
		p, err := net.ListenPacket("udp", l.Addr().String())
		if err != nil {
			continue
		}
		defer p.Close()
		_, port, _ := net.SplitHostPort(l.Addr().String())
		ports = append(ports, port)
	}
	return ports
}

// TestDNSDocument runs what docs/dns.md shows, on other ports.
func TestDNSDocument(t *testing.T) {
	t.Parallel()
	findTool(t, "dig")
	text, err := os.ReadFile("../../docs/dns.md")
	if err != nil {
		t.Fatal(err)
	}
	ports := freePorts(t, 3)
	tryText(t, strings.NewReplacer("5353", ports[0], "5354", ports[1], "5355", ports[2]).Replace(string(text)), 25)
}

// lfIn runs a command in a home and returns what it writes.
func lfIn(t *testing.T, home string, args ...string) string {
	t.Helper()
	out, err := command(t, append([]string{"--home", home}, args...)...).Output()
	if err != nil {
		t.Fatalf("lf %q: %v", args, err)
	}
	return string(out)
}

// background is a program that a test runs beside it.
type background struct {
	cmd *exec.Cmd
	log bytes.Buffer
}

// inBackground starts a program, which ends with the test.
func inBackground(t *testing.T, cmd *exec.Cmd) *background {
	t.Helper()
	b := &background{cmd: cmd}
	if cmd.Stdout == nil {
		cmd.Stdout = &b.log
	}
	cmd.Stderr = &b.log
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = cmd.Process.Signal(syscall.SIGTERM)
		_ = cmd.Wait()
	})
	return b
}

// startDNS starts lf dns and returns where it answers.
func startDNS(t *testing.T, home string, args ...string) string {
	t.Helper()
	cmd := command(t, append([]string{"--home", home, "dns", "--json", "--listen", "127.0.0.1:0"}, args...)...)
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	inBackground(t, cmd)
	var greeting dnsGreeting
	if err := json.NewDecoder(out).Decode(&greeting); err != nil || len(greeting.Listen) == 0 {
		t.Fatal(greeting, err)
	}
	return greeting.Listen[slices.IndexFunc(greeting.Listen, func(a dnsserver.Address) bool { return a.Kind == "dns" })].Address
}

// dnsHome starts a node in a home with some names.
func dnsHome(t *testing.T) (home string, n *testNode) {
	t.Helper()
	home = filepath.Join(t.TempDir(), "home")
	n = startNode(t, home, "--network", newNetworkFile(t))
	for _, set := range [][]string{
		{"www.example", "A", "192.0.2.1", "--ttl", "1s"}, {"www.example", "TXT", strings.Repeat("long ", 500)}, {"deep.nothing", "A", "192.0.2.2"},
		{"alias", "CNAME", "www.example"}, {"*.wild", "A", "192.0.2.9"},
	} {
		lfIn(t, home, append([]string{"dns", "set"}, set...)...)
	}
	return home, n
}

// dig asks with dig, again and again until the answer is as wanted.
func dig(t *testing.T, at string, want string, args ...string) {
	t.Helper()
	host, port, err := net.SplitHostPort(at)
	if err != nil {
		t.Fatal(err)
	}
	var out []byte
	for start := time.Now(); time.Since(start) < readyWithin; time.Sleep(100 * time.Millisecond) {
		out, err = exec.Command(findTool(t, "dig"), append([]string{"@" + host, "-p", port, "+time=5", "+tries=1"}, args...)...).CombinedOutput()
		if err == nil && strings.Contains(string(out), want) {
			return
		}
	}
	t.Fatalf("dig %q: %v, want %q\n%s", args, err, want, out)
}

// confOf is the configuration that docs/dns.md shows for a resolver, for lf dns at an address.
func confOf(t *testing.T, resolver, at string) string {
	t.Helper()
	text, err := os.ReadFile("../../docs/dns.md")
	if err != nil {
		t.Fatal(err)
	}
	_, conf, found := strings.Cut(string(text), "```"+resolver+"\n")
	if !found {
		t.Fatalf("docs/dns.md shows nothing for %s", resolver)
	}
	conf, _, _ = strings.Cut(conf, "```")
	_, port, err := net.SplitHostPort(at)
	if err != nil {
		t.Fatal(err)
	}
	return strings.ReplaceAll(conf, "5353", port)
}

// TestUnbound: unbound forwards a zone to lf dns, with the lines of docs/dns.md.
func TestUnbound(t *testing.T) {
	t.Parallel()
	unbound := findTool(t, "unbound")
	findTool(t, "dig")
	home, _ := dnsHome(t)
	port := freePorts(t, 1)[0]
	dir := t.TempDir()
	conf := confOf(t, "unbound", startDNS(t, home))
	// where it listens and what it may write; all else is as it is by default
	conf += fmt.Sprintf("\nserver:\n interface: 127.0.0.1@%s\n username: \"\"\n chroot: \"\"\n pidfile: \"%s/pid\"\n directory: \"%s\"\n use-syslog: no\nremote-control:\n control-enable: no\n", port, dir, dir)
	path := filepath.Join(dir, "unbound.conf")
	if err := os.WriteFile(path, []byte(conf), 0o600); err != nil {
		t.Fatal(err)
	}
	tryResolver(t, home, inBackground(t, exec.Command(unbound, "-d", "-c", path)), "127.0.0.1:"+port)
}

// TestDnsmasq: so does dnsmasq.
func TestDnsmasq(t *testing.T) {
	t.Parallel()
	dnsmasq := findTool(t, "dnsmasq")
	findTool(t, "dig")
	home, _ := dnsHome(t)
	port := freePorts(t, 1)[0]
	path := filepath.Join(t.TempDir(), "dnsmasq.conf")
	if err := os.WriteFile(path, []byte(confOf(t, "dnsmasq", startDNS(t, home))), 0o600); err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(dnsmasq, "--keep-in-foreground", "--conf-file="+path, "--port="+port, "--listen-address=127.0.0.1", "--bind-interfaces",
		"--no-resolv", "--no-hosts", "--pid-file", "--user=", "--group=")
	tryResolver(t, home, inBackground(t, cmd), "127.0.0.1:"+port)
}

// tryResolver asks a resolver for what is there, for what is not, and for what changes.
func tryResolver(t *testing.T, home string, resolver *background, at string) {
	t.Helper()
	defer func() {
		if t.Failed() {
			t.Log(resolver.log.String())
		}
	}()
	dig(t, at, "192.0.2.1\n", "+short", "www.example.lf")
	dig(t, at, "status: NOERROR", "nothing.lf")
	dig(t, at, "192.0.2.2\n", "+short", "deep.nothing.lf") // RFC 8020
	dig(t, at, "192.0.2.1\n", "+short", "alias.lf")
	dig(t, at, "192.0.2.9\n", "+short", "any.wild.lf")
	dig(t, at, strings.Repeat("long ", 20), "+short", "www.example.lf", "TXT") // by TCP
	lfIn(t, home, "dns", "set", "www.example", "A", "192.0.2.7", "--ttl", "1s")
	dig(t, at, "192.0.2.7\n", "+short", "www.example.lf")
}

// TestDNSChange: a change is answered within a second, and what the node knew last while it is
// away.
func TestDNSChange(t *testing.T) {
	t.Parallel()
	home, n := dnsHome(t)
	at := startDNS(t, home, "--policy", "weight")
	client := &dns.Client{Timeout: readyWithin}
	ask := func() (address string, ttl uint32) {
		t.Helper()
		m := new(dns.Msg)
		m.SetQuestion("www.example.lf.", dns.TypeA)
		got, _, err := client.Exchange(m, at)
		if err != nil || len(got.Answer) != 1 {
			t.Fatal(got, err)
		}
		return got.Answer[0].(*dns.A).A.String(), got.Answer[0].Header().Ttl
	}
	ask()
	for i := range 5 {
		address := fmt.Sprintf("192.0.2.%d", 10+i)
		lfIn(t, home, "dns", "set", "www.example", "A", address, "--ttl", "5m")
		written := time.Now()
		for {
			if got, _ := ask(); got == address {
				break
			}
			if took := time.Since(written); took > readyWithin {
				t.Fatalf("%s is not answered after %s", address, took)
			}
			time.Sleep(10 * time.Millisecond)
		}
		t.Logf("answered %s after the change", time.Since(written).Round(time.Millisecond))
	}
	n.stop(os.Kill)
	for start := time.Now(); ; time.Sleep(20 * time.Millisecond) {
		address, ttl := ask()
		if address != "192.0.2.14" || time.Since(start) > readyWithin {
			t.Fatalf("%s with a TTL of %d while the node is away", address, ttl)
		}
		if ttl == 30 {
			break
		}
	}
	again := startNode(t, home)
	defer again.stop(os.Interrupt)
	lfIn(t, home, "dns", "set", "www.example", "A", "192.0.2.77")
	for start := time.Now(); ; time.Sleep(50 * time.Millisecond) {
		if address, _ := ask(); address == "192.0.2.77" {
			return
		}
		if time.Since(start) > readyWithin {
			t.Fatal("it does not follow the node that is back")
		}
	}
}
