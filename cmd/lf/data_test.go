package main

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"encoding/pem"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"testing"
	"time"
)

// certificates is where Debian keeps the certificates of the CAs it trusts.
const certificates = "/etc/ssl/certs"

// fingerprints returns the SHA-256 fingerprint of every CA certificate on this machine, by file
// name.
func fingerprints(t *testing.T) map[string][]byte {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(certificates, "*.pem"))
	if err != nil {
		t.Fatal(err)
	}
	prints := map[string][]byte{}
	for _, name := range files {
		text, err := os.ReadFile(name)
		if err != nil {
			continue // a link to nowhere
		}
		if block, _ := pem.Decode(text); block != nil && block.Type == "CERTIFICATE" {
			sum := sha256.Sum256(block.Bytes)
			prints[strings.TrimSuffix(filepath.Base(name), ".pem")] = sum[:]
		}
	}
	if len(prints) < 10 {
		t.Skipf("%d CA certificates in %s: install the package ca-certificates to run this test", len(prints), certificates)
	}
	return prints
}

// bulkOf writes fingerprints as a file to load: each under the word "ca", at an ordinal of its own,
// and the file's name.
func bulkOf(t *testing.T, prints map[string][]byte) string {
	t.Helper()
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	for name, print := range prints {
		line := map[string]any{"selectors": []string{"ca", strings.ReplaceAll(strings.ReplaceAll(name, `\`, `\\`), "#", `\#`)}}
		if len(b.Bytes())%2 == 0 { // as text and as bytes
			line["value"] = hex.EncodeToString(print)
		} else {
			line["valueBase64"] = print
		}
		if err := e.Encode(line); err != nil {
			t.Fatal(err)
		}
	}
	return writeFile(t, b.String())
}

// awaitValue reads one value from a node until it is there, and returns it.
func awaitValue(t *testing.T, home string, names ...string) []byte {
	t.Helper()
	args := append([]string{"--home", home, "get", "--raw"}, names...)
	for start := time.Now(); ; time.Sleep(50 * time.Millisecond) {
		o := lfRun(t, "", args...)
		switch {
		case o.code == exitDone:
			return []byte(o.stdout)
		case o.code != exitNotFound || time.Since(start) > readyWithin:
			t.Fatalf("%s: %+v", names, o)
		}
	}
}

func compare(t *testing.T, home string, prints map[string][]byte) {
	t.Helper()
	for name, want := range prints {
		got := awaitValue(t, home, "ca", strings.ReplaceAll(name, "#", `\#`))
		if !bytes.Equal(got, want) && string(got) != hex.EncodeToString(want) {
			t.Errorf("%s: %q, want %x", name, got, want)
		}
	}
}

// TestCertificates loads the fingerprints of all CA certificates on one node and reads each of them
// on another one.
func TestCertificates(t *testing.T) {
	t.Parallel()
	prints := fingerprints(t)
	network := newNetworkFile(t)
	a := startNode(t, t.TempDir(), "--network", network)
	b := startNode(t, t.TempDir(), "--network", network, "--seed", a.addr(t))
	out := mustRun(t, "", "--home", a.home, "load", bulkOf(t, prints))
	if want := countedRecords(uint64(len(prints))) + " written"; !strings.HasPrefix(out, want) {
		t.Fatalf("%q, want %q", out, want)
	}
	compare(t, b.home, prints)

	// All of them in one question: what is filed under "ca" and any other name.
	all := decode[jsonAnswers](t, mustRun(t, "", "--home", b.home, "get", "ca", "--open", "--json", "--limit", "1000"))
	if len(all.Answers) != len(prints) || all.More {
		t.Fatalf("%d answers for %d certificates", len(all.Answers), len(prints))
	}
	for _, a := range all.Answers {
		if a.Further != 1 || a.Sealed || (a.Value == nil) == (a.ValueBase64 == nil) {
			t.Fatalf("%+v", a)
		}
	}
	for _, n := range []*testNode{a, b} {
		n.stop(syscall.SIGTERM)
		if code := n.cmd.ProcessState.ExitCode(); code != exitDone {
			t.Errorf("exit code %d after SIGTERM\n%s", code, n.log.String())
		}
		mustRun(t, "", "--home", n.home, "check")
	}
}

// TestCertificatesWithWork does the same with a few certificates at the price of a public network.
func TestCertificatesWithWork(t *testing.T) {
	if testing.Short() {
		t.Skip("real proofs of work take a while")
	}
	few := map[string][]byte{}
	for name, print := range fingerprints(t) {
		if few[name] = print; len(few) == runtime.GOMAXPROCS(0) && len(few) >= 2 || len(few) == 3 {
			break
		}
	}
	network := newNetworkFile(t, "--work-per-kib", "1024")
	a := startNode(t, t.TempDir(), "--network", network)
	b := startNode(t, t.TempDir(), "--network", network, "--seed", a.addr(t))
	mustRun(t, "", "--home", a.home, "load", bulkOf(t, few))
	compare(t, b.home, few)
	for _, answer := range decode[jsonAnswers](t, mustRun(t, "", "--home", b.home, "get", "ca", "--open", "--json")).Answers {
		if answer.Effort < 300 {
			t.Errorf("record %s has an effort of %d only", answer.Record, answer.Effort)
		}
	}
}
