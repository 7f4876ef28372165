package main

import (
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/miekg/dns"
)

// TestDNSCertified: with --certified a stranger's records do not count, whatever they outweigh. A
// certificate makes an owner's records count, and its revocation ends that, each within a moment.
func TestDNSCertified(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	in := func(args ...string) string {
		t.Helper()
		cmd := command(t, args...)
		cmd.Dir = dir
		out, err := cmd.Output()
		if err != nil {
			t.Fatalf("lf %q: %v %s", args, err, err.(*exec.ExitError).Stderr)
		}
		return strings.TrimSpace(string(out))
	}
	in("network", "new", "--name", "team", "--ca", "--work-per-kib", "0", "--names-memory", "64", "-o", "team.lfnet")
	home := filepath.Join(dir, "home")
	startNode(t, home, "--network", filepath.Join(dir, "team.lfnet"))
	for _, name := range []string{"mallory", "alice"} {
		in("owner", "new", name, "--home", home)
	}
	at := startDNS(t, home, "--certified")
	want := func(name, want string) {
		t.Helper()
		m, got := new(dns.Msg), ""
		m.SetQuestion(name, dns.TypeA)
		for start := time.Now(); time.Since(start) < readyWithin; time.Sleep(50 * time.Millisecond) {
			answer, _, err := (&dns.Client{Timeout: readyWithin}).Exchange(m, at)
			if err != nil {
				t.Fatal(err)
			}
			got = ""
			for _, rr := range answer.Answer {
				got += rr.(*dns.A).A.String()
			}
			if got == want {
				return
			}
		}
		t.Fatalf("%s is %q, want %q", name, got, want)
	}
	set := func(owner, name, address string) {
		t.Helper()
		in("dns", "set", name, "A", address, "--home", home, "--owner", owner)
	}
	set("mallory", "www", "192.0.2.66")
	set("mallory", "bank", "192.0.2.66")
	want("www.lf.", "")
	in("owner", "csr", "alice", "-o", "alice.csr", "--home", home)
	in("owner", "authorize", "team.ca.pem", "alice.csr", "--home", home)
	set("alice", "www", "192.0.2.1")
	want("www.lf.", "192.0.2.1")
	want("bank.lf.", "")
	if out := in("ssh", "known-hosts", "host", "--policy", "certified,weight", "--home", home); out != "" {
		t.Errorf("keys of nobody: %q", out)
	}
	in("owner", "revoke", "team.ca.pem", "alice", "--home", home)
	want("www.lf.", "")
}
