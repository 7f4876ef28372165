package home_test

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"testing"

	"github.com/lf-store/lf/node/home"
	"github.com/lf-store/lf/protocol"
)

func TestTokens(t *testing.T) {
	h := open(t, filepath.Join(t.TempDir(), "home"))
	c := h.TokenChecker()
	if found, err := c.Find("lf_00"); found != nil || err != nil {
		t.Errorf("a home without tokens knows %+v, %v", found, err)
	}
	owner := newOwner(t)
	proxy, err := h.AddToken(home.Token{Name: "proxy", Submit: true})
	if err != nil {
		t.Fatal(err)
	}
	sensor, err := h.AddToken(home.Token{Name: "sensor", Set: []protocol.Owner{owner}})
	if err != nil {
		t.Fatal(err)
	}
	if found, err := c.Find(sensor); err != nil || found == nil || found.Name != "sensor" || found.Submit || len(found.Set) != 1 || found.Set[0] != owner {
		t.Errorf("the checker does not know a token that was just made: %+v, %v", found, err)
	}
	for _, wrong := range []string{"", "lf_", proxy[:len(proxy)-1], proxy + "0", strings.ToUpper(proxy), strings.TrimPrefix(proxy, "lf_")} {
		if found, err := c.Find(wrong); found != nil || err != nil {
			t.Errorf("%q is %+v, %v", wrong, found, err)
		}
	}
	if text := read(t, h, "tokens.json"); strings.Contains(text, proxy) || strings.Contains(text, strings.TrimPrefix(proxy, "lf_")) {
		t.Error("the file holds a token in clear")
	}
	if err := h.RemoveToken("proxy"); err != nil {
		t.Fatal(err)
	}
	if found, err := c.Find(proxy); found != nil || err != nil {
		t.Errorf("a revoked token is %+v, %v", found, err)
	}
	if list, err := h.Tokens(); err != nil || len(list) != 1 || list[0].Name != "sensor" || list[0].Made == 0 {
		t.Errorf("tokens %+v, %v", list, err)
	}
	if err := h.RemoveToken("proxy"); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("removed twice: %v", err)
	}
}

func TestTokensRefused(t *testing.T) {
	h := open(t, filepath.Join(t.TempDir(), "home"))
	if _, err := h.AddToken(home.Token{Name: "a", Read: true}); err != nil {
		t.Fatal(err)
	}
	if _, err := h.AddToken(home.Token{Name: "a", Read: true}); !errors.Is(err, fs.ErrExist) {
		t.Errorf("a name that is taken: %v", err)
	}
	for _, bad := range []home.Token{
		{Name: "nothing"}, {Read: true}, {Name: "two words", Read: true}, {Name: "../x", Read: true}, {Name: strings.Repeat("n", 65), Read: true},
		{Name: "crowd", Set: make([]protocol.Owner, home.MaxTokenOwners+1)},
	} {
		if _, err := h.AddToken(bad); err == nil {
			t.Errorf("%+v is taken", bad)
		}
	}
}

// TestTokensDamaged: while the file cannot be understood nobody passes, and nothing replaces it.
func TestTokensDamaged(t *testing.T) {
	h := open(t, filepath.Join(t.TempDir(), "home"))
	secret, err := h.AddToken(home.Token{Name: "a", Read: true})
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(h.Dir(), "tokens.json")
	good := read(t, h, "tokens.json")
	c := h.TokenChecker()
	for _, bad := range []string{"", "{", strings.Replace(good, `"read"`, `"reed"`, 1), strings.Replace(good, `"read": true`, `"read": true, "read": true`, 1), `{"tokens":[{"name":"x"}]}`, "null"} {
		if err := os.WriteFile(path, []byte(bad), 0o600); err != nil {
			t.Fatal(err)
		}
		found, err := c.Find(secret)
		if found != nil || err == nil && bad != "null" {
			t.Errorf("%q: %+v, %v", bad, found, err)
		}
		if _, err := h.AddToken(home.Token{Name: "b", Read: true}); err == nil && bad != "null" {
			t.Errorf("%q was replaced", bad)
		}
	}
	if err := os.WriteFile(path, []byte(good), 0o600); err != nil {
		t.Fatal(err)
	}
	if found, err := c.Find(secret); found == nil || err != nil {
		t.Errorf("after it was mended: %+v, %v", found, err)
	}
	if runtime.GOOS == "windows" {
		return
	}
	if err := os.Chmod(path, 0o666); err != nil {
		t.Fatal(err)
	}
	if _, err := h.Tokens(); err == nil || !strings.Contains(err.Error(), "others may write it") {
		t.Errorf("a file that others may write: %v", err)
	}
}

// TestTokensOfManyProcesses: a token that one removes does not come back by what another adds.
func TestTokensOfManyProcesses(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "home")
	var wg sync.WaitGroup
	for _, name := range []string{"a", "b", "c", "d", "e", "f"} {
		wg.Go(func() {
			h := open(t, dir)
			if _, err := h.AddToken(home.Token{Name: name, Read: true}); err != nil {
				t.Error(err)
			}
			if _, err := h.AddToken(home.Token{Name: name + "2", Read: true}); err != nil {
				t.Error(err)
			}
			if err := h.RemoveToken(name); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	list, err := open(t, dir).Tokens()
	if err != nil || len(list) != 6 {
		t.Fatalf("%d tokens, %v", len(list), err)
	}
	for _, token := range list {
		if !strings.HasSuffix(token.Name, "2") {
			t.Errorf("token %s is back", token.Name)
		}
	}
}
