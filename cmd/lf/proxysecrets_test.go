package main

import (
	"bytes"
	"crypto/ed25519"
	"crypto/rand"
	"encoding/base64"
	"encoding/hex"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/lf-store/lf"
	"github.com/lf-store/lf/node/api"
	"github.com/lf-store/lf/protocol"
)

// search notes which texts a reader has, until it ends or fails.
func search(r io.Reader, texts map[string][]byte, found map[string]bool) {
	const most = 1 << 10 // of a text
	window := make([]byte, 1<<20+most)
	kept := 0
	for {
		n, err := io.ReadFull(r, window[kept:])
		for name, text := range texts {
			found[name] = found[name] || bytes.Contains(window[:kept+n], text)
		}
		if err != nil {
			return
		}
		kept = copy(window, window[len(window)-most:])
	}
}

// secretsOf are the ways in which a secret key may be written.
func secretsOf(texts map[string][]byte, name string, key ed25519.PrivateKey) {
	seed := key.Seed()
	texts[name] = seed
	texts[name+" in hex"] = []byte(hex.EncodeToString(seed))
	texts[name+" in base64"] = []byte(base64.StdEncoding.EncodeToString(seed))[:40]
	texts[name+" of the keyring"] = key[:48]
}

// TestProxyKnowsNoSecrets looks for what a proxy must never have in its log, its home and its
// memory. That is the keys of degrees (b) and (c), and names and values of (c). Tokens are in
// neither log nor home.
func TestProxyKnowsNoSecrets(t *testing.T) {
	t.Parallel()
	network := newNetworkFile(t, "--work-per-kib", "1")
	p := startProxy(t, network)
	token := p.client(t, "phone", "--owner", "kept")
	never, tokens := map[string][]byte{}, map[string][]byte{"the client's token": []byte(strings.TrimPrefix(token, "lf_"))}

	// (a), so that there is something to be found
	plain, err := api.NewClient(p.url, token), error(nil)
	defer plain.Close()
	value := "value-of-degree-a-" + rand.Text()
	if _, err = plain.Set(t.Context(), api.SetRequest{Selectors: api.MustSelectors("plain"), Text: &value}); err != nil {
		t.Fatal(err)
	}

	// (b)
	_, own, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	secretsOf(never, "the key of degree b", own)
	owner, text := protocol.OwnerOf(own), "value of b"
	draft, err := plain.Prepare(t.Context(), api.PrepareRequest{Selectors: api.MustSelectors("own"), Text: &text, Owner: &owner})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := plain.SubmitSigned(t.Context(), api.SignedRecord{Header: draft.Header, Value: draft.Value, Signature: ed25519.Sign(own, draft.Sign)}); err != nil {
		t.Fatal(err)
	}

	// (c), through the command line and the library
	name, secret, mask := "name-of-degree-c-"+rand.Text(), "value-of-degree-c-"+rand.Text(), "mask-of-degree-c-"+rand.Text()
	never["a name of degree c"], never["a value of degree c"], never["a masking key"] = []byte(name), []byte(secret), []byte(mask)
	me := filepath.Join(t.TempDir(), "me")
	file := filepath.Join(t.TempDir(), "token")
	if err := os.WriteFile(file, []byte(token), 0o600); err != nil {
		t.Fatal(err)
	}
	mustRun(t, "", "-q", "--home", me, "--api", p.url, "--token-file", file, "set", name, secret)
	if got := mustRun(t, "", "--api", p.url, "--home", me, "get", name, "--raw"); got != secret {
		t.Errorf("%q", got)
	}
	db, err := lf.Open(t.Context(), lf.WithHome(me), lf.WithNode(p.url), lf.WithToken(token))
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	if _, err := db.Set(t.Context(), lf.MustKey(name+"-2"), []byte(secret), lf.MaskingKey(mask)); err != nil {
		t.Fatal(err)
	}
	ring, err := db.Keyring()
	if err != nil {
		t.Fatal(err)
	}
	key, _, err := ring.Default()
	if err != nil {
		t.Fatal(err)
	}
	secretsOf(never, "the key of degree c", key.Secret)
	derived, err := db.Network().DeriveName(name)
	if err != nil {
		t.Fatal(err)
	}
	names := derived.Mask()
	never["what seals the values of degree c"] = names[:]

	searchProcess(t, p, never)
	for name, text := range tokens {
		never[name] = text
	}
	p.stop(os.Interrupt)
	searchFiles(t, p, never)
}

// searchProcess looks through a proxy's memory.
func searchProcess(t *testing.T, p *writeProxy, never map[string][]byte) {
	t.Helper()
	const control = "the path of its home"
	never[control] = []byte(p.home)
	defer delete(never, control)
	found, err := searchMemory(p.cmd.Process.Pid, never)
	if err != nil {
		t.Logf("its memory was not looked at: %v", err)
		return
	}
	for name, is := range found {
		if is != (name == control) {
			t.Errorf("%s in the proxy's memory: %t", name, is)
		}
	}
}

// searchFiles looks through the log and the home of a proxy that has ended.
func searchFiles(t *testing.T, p *writeProxy, never map[string][]byte) {
	t.Helper()
	if !bytes.Contains(p.log.Bytes(), []byte("POST /v1/work")) {
		t.Error("the log has no requests, so that nothing could be found in it")
	}
	places := map[string]io.Reader{"log": bytes.NewReader(p.log.Bytes())}
	err := filepath.WalkDir(p.home, func(path string, d fs.DirEntry, err error) error {
		if err != nil || !d.Type().IsRegular() {
			return err
		}
		text, err := os.ReadFile(path)
		places[path] = bytes.NewReader(text)
		return err
	})
	if err != nil || len(places) < 5 {
		t.Errorf("%d files, %v", len(places), err)
	}
	for place, r := range places {
		found := map[string]bool{}
		search(r, never, found)
		for name, is := range found {
			if is {
				t.Errorf("%s is in %s", name, place)
			}
		}
	}
}

// TestSearch makes sure that what is there is found, wherever it lies.
func TestSearch(t *testing.T) {
	t.Parallel()
	text := []byte("secret")
	for _, at := range []int{0, 5, 1<<20 - 3, 1 << 20, 1<<20 + 1<<10 - 3, 3 << 20} {
		data := make([]byte, 4<<20)
		copy(data[at:], text)
		found := map[string]bool{}
		search(bytes.NewReader(data), map[string][]byte{"it": text, "other": []byte("secrets")}, found)
		if !found["it"] || found["other"] {
			t.Errorf("at %d: %v", at, found)
		}
	}
}
