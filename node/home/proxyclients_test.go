package home_test

import (
	"errors"
	"io/fs"
	"path/filepath"
	"strings"
	"testing"

	"github.com/lf-store/lf/node/home"
)

func TestProxyClients(t *testing.T) {
	h := open(t, filepath.Join(t.TempDir(), "home"))
	c := h.ProxyClientChecker()
	if found, err := c.Find("lf_00"); found != nil || err != nil {
		t.Errorf("a home without clients knows %+v, %v", found, err)
	}
	owner := newOwner(t)
	phone, err := h.AddProxyClient(home.ProxyClient{Name: "phone", EffortPerHour: 5, Owner: &owner})
	if err != nil {
		t.Fatal(err)
	}
	page, err := h.AddProxyClient(home.ProxyClient{Name: "page", ReadOnly: true})
	if err != nil {
		t.Fatal(err)
	}
	if found, err := c.Find(phone); err != nil || found == nil || found.Name != "phone" || found.ReadOnly || found.EffortPerHour != 5 || *found.Owner != owner {
		t.Errorf("the checker does not know a client that was just added: %+v, %v", found, err)
	}
	if found, err := c.Find(page); err != nil || found == nil || !found.ReadOnly || found.Owner != nil {
		t.Errorf("%+v, %v", found, err)
	}
	for _, wrong := range []string{"", "lf_", phone[:len(phone)-1], phone + "0", strings.ToUpper(phone), strings.TrimPrefix(phone, "lf_")} {
		if found, err := c.Find(wrong); found != nil || err != nil {
			t.Errorf("%q is %+v, %v", wrong, found, err)
		}
	}
	if text := read(t, h, "clients.json"); strings.Contains(text, strings.TrimPrefix(phone, "lf_")) {
		t.Error("the file holds a token in clear")
	}
	if err := h.RemoveProxyClient("phone"); err != nil {
		t.Fatal(err)
	}
	if found, err := c.Find(phone); found != nil || err != nil {
		t.Errorf("a revoked token is %+v, %v", found, err)
	}
	if list, err := h.ProxyClients(); err != nil || len(list) != 1 || list[0].Name != "page" || list[0].Made == 0 {
		t.Errorf("clients %+v, %v", list, err)
	}
	if err := h.RemoveProxyClient("phone"); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("removed twice: %v", err)
	}
	if err := h.Exists(); err != nil {
		t.Errorf("a home with clients is none: %v", err)
	}
}

// TestProxyClientsCopied: the clients are a file that other proxies of the same service can have.
func TestProxyClientsCopied(t *testing.T) {
	h, other := open(t, filepath.Join(t.TempDir(), "a")), open(t, filepath.Join(t.TempDir(), "b"))
	token, err := h.AddProxyClient(home.ProxyClient{Name: "phone"})
	if err != nil {
		t.Fatal(err)
	}
	c := other.ProxyClientChecker()
	if found, err := c.Find(token); found != nil || err != nil {
		t.Fatalf("%+v, %v", found, err)
	}
	write(t, other, "clients.json", read(t, h, "clients.json"), 0o600)
	if found, err := c.Find(token); err != nil || found == nil || found.Name != "phone" {
		t.Errorf("the copy is %+v, %v", found, err)
	}
}

func TestProxyClientsRefused(t *testing.T) {
	h := open(t, filepath.Join(t.TempDir(), "home"))
	token, err := h.AddProxyClient(home.ProxyClient{Name: "a"})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := h.AddProxyClient(home.ProxyClient{Name: "a"}); !errors.Is(err, fs.ErrExist) {
		t.Errorf("a name that is taken: %v", err)
	}
	owner := newOwner(t)
	for _, bad := range []home.ProxyClient{{}, {Name: "two words"}, {Name: "../x"}, {Name: "b", ReadOnly: true, Owner: &owner}, {Name: "b", ReadOnly: true, EffortPerHour: 1}} {
		if _, err := h.AddProxyClient(bad); err == nil {
			t.Errorf("%+v is taken", bad)
		}
	}
	c, good := h.ProxyClientChecker(), read(t, h, "clients.json")
	for _, damaged := range []string{
		"", "{", `{"tokens":[]}`, `{"clients":[],"x":1}`, `{"Clients":[]}`, `{"clients":[{"name":"a","made":1,"sha256":"00"}]}`,
		strings.Replace(good, `"made"`, `"readonly": true, "made"`, 1),
	} {
		write(t, h, "clients.json", damaged, 0o600)
		if found, err := c.Find(token); found != nil || err == nil {
			t.Errorf("%s: %+v, %v", damaged, found, err)
		}
		if _, err := h.AddProxyClient(home.ProxyClient{Name: "b"}); err == nil {
			t.Errorf("replaced %s", damaged)
		}
	}
}
