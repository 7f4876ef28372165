package main

import (
	"crypto/ed25519"
	"crypto/rand"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/lf-store/lf/protocol"
)

// foreignFile is a file that openssl made, for the tests of package protocol.
func foreignFile(name string) string {
	return filepath.Join("..", "..", "protocol", "testdata", "foreign", name)
}

// caFor writes the certificate of a CA that is valid from one day to another, counted from now.
func caFor(t *testing.T, from, until int) string {
	t.Helper()
	_, key, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	now := time.Now()
	der, err := protocol.NewAuthority(key, "Test CA", now.AddDate(0, 0, from), now.AddDate(0, 0, until), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	text, err := protocol.MarshalSignerPEM(key, der)
	if err != nil {
		t.Fatal(err)
	}
	return writeFile(t, string(text))
}

// TestNetworkNewAuthorities makes networks with CAs that users bring along: one that can certify
// nobody makes no network.
func TestNetworkNewAuthorities(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		authority string
		made      bool
		says      []string
	}{
		"good":            {foreignFile("good.crt"), true, nil},
		"CRLF":            {foreignFile("crlf.crt"), true, nil},
		"byte order mark": {foreignFile("bom.crt"), true, nil},
		"for ten years":   {caFor(t, -1, 3650), true, nil},
		"expired":         {foreignFile("expired.crt"), false, []string{`CA "Expired CA" expired on`, "certify nobody"}},
		"expired lately":  {caFor(t, -10, -1), false, []string{"expired on"}},
		"not valid yet":   {foreignFile("future.crt"), true, []string{`CA "Future CA" is valid from 2090`, "nobody can write on this network before 2090"}},
		"for a month":     {caFor(t, -1, 30), true, []string{"nobody can write on this network after"}},
		"no keyUsage":     {foreignFile("no-usage.crt"), false, []string{"has no keyUsage", "-addext"}},
		"no CA":           {foreignFile("leaf.crt"), false, []string{"cannot certify others"}},
		"empty subject":   {foreignFile("unnamed.crt"), false, []string{"subject is empty"}},
		"RSA":             {foreignFile("rsa.crt"), false, []string{"Ed25519"}},
		"DER":             {foreignFile("good.crt.der"), false, []string{"openssl x509 -inform DER"}},
		"a key":           {foreignFile("good.key"), false, []string{"a secret key alone"}},
		"PKCS#12":         {foreignFile("good.p12"), false, []string{"openssl pkcs12"}},
	} {
		t.Run(name, func(t *testing.T) {
			out := filepath.Join(t.TempDir(), "made.lfnet")
			o := lfRun(t, "", "network", "new", "--name", "made", "--authority", c.authority, "--auth-required", "-o", out)
			if _, err := os.Stat(out); c.made != (o.code == exitDone) || c.made != (err == nil) {
				t.Fatalf("%+v, %v", o, err)
			}
			for _, want := range c.says {
				if !strings.Contains(o.stderr, want) {
					t.Errorf("does not say %q: %s", want, o.stderr)
				}
			}
			if c.made && len(c.says) == 0 && strings.Contains(o.stderr, "nobody") {
				t.Errorf("warns: %s", o.stderr)
			}
		})
	}
}

// TestAuthorizeOutOfTime certifies with a CA whose time is over, or has not come.
func TestAuthorizeOutOfTime(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct{ ca, says string }{
		"expired":       {caFor(t, -10, -1), `CA "Test CA" expired on`},
		"not valid yet": {caFor(t, 1, 100), `CA "Test CA" is valid from`},
		"ends before":   {caFor(t, -1, 100), "choose no more --days"},
		"unnamed":       {caFor(t, -1, 1000), "subject is empty"},
	} {
		t.Run(name, func(t *testing.T) {
			request := foreignFile("good.csr")
			if name == "unnamed" {
				request = foreignFile("unnamed.csr")
			}
			o := lfRun(t, "", "owner", "authorize", c.ca, request, "--intermediate")
			if o.code == exitDone || !strings.Contains(o.stderr, c.says) {
				t.Errorf("%+v", o)
			}
		})
	}
}

// TestImportForeignKeys says what to do about keys of other programs.
func TestImportForeignKeys(t *testing.T) {
	t.Parallel()
	for file, want := range map[string]string{
		"encrypted.key": "openssl pkey", "ssh.key": "OpenSSH", "rsa.key": "RSA with 2048 bits", "good.key.der": "DER", "good.crt": "a certificate",
	} {
		o := lfRun(t, "", "--home", t.TempDir(), "owner", "import", "work", foreignFile(file))
		if o.code == exitDone || !strings.Contains(o.stderr, want) || strings.Count(o.stderr, "\n") != 1 {
			t.Errorf("%s: %+v", file, o)
		}
	}
	if o := lfRun(t, "", "--home", t.TempDir(), "owner", "import", "work", foreignFile("good.key")); o.code != exitDone {
		t.Errorf("%+v", o)
	}
}
