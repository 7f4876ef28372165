package node

import (
	"bufio"
	"context"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/lf-store/lf"
	"github.com/lf-store/lf/internal/webtest"
	"github.com/lf-store/lf/node/api"
)

// TestWatchBehindNginx holds that events come through nginx as they are made, with the
// configuration of docs/operations.md. A watch of the library goes on there through a restart of
// the node.
func TestWatchBehindNginx(t *testing.T) {
	net := newNetwork(t, 0)
	c := config(t, net, offline, func(c *Config) { c.APIPrivate, c.APIHosts = true, []string{nginxName} })
	n := start(t, c)
	at := strings.TrimPrefix(n.APIURL(), "http://")
	cert := webtest.NewCertificate(t, nginxName)
	documented, plain := webtest.FreePort(t), webtest.FreePort(t)
	server := strings.NewReplacer("443", "127.0.0.1:"+documented, "/etc/ssl/lf.pem", cert.Cert, "/etc/ssl/private/lf.key", cert.Key, api.DefaultAddress+";", at+";").
		Replace(webtest.DocumentedServer(t, "../docs/operations.md"))
	webtest.Nginx(t, server+fmt.Sprintf("server { listen 127.0.0.1:%s; location / { proxy_pass http://%s; } }\n", plain, at), documented, plain)
	token, err := c.Home.ReadToken()
	if err != nil {
		t.Fatal(err)
	}
	db, err := n.Client()
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	for _, version := range webtest.Versions {
		hearsBehindNginx(t, webtest.NewBrowser(t, cert.Trust, nginxName, documented, version), token, db)
	}

	through, err := lf.Open(t.Context(), lf.WithNode("http://127.0.0.1:"+plain), lf.WithToken(token), lf.WithHome(t.TempDir()))
	if err != nil {
		t.Fatal(err)
	}
	defer through.Close()
	var told []string
	away := 0
	for e, err := range through.Watch(t.Context(), lf.MustKey("horse"), lf.OnAway(func(error) { away++ })) {
		if err != nil {
			t.Fatal(err)
		}
		switch e.Kind {
		case lf.EventPresent:
			if err := n.Close(); err != nil {
				t.Fatal(err)
			}
			c.APIListen = at
			if n, err = Start(t.Context(), c); err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { _ = n.Close() })
			if _, err := through.Set(t.Context(), lf.MustKey("horse"), []byte("new"), lf.Patience(time.Minute)); err != nil {
				t.Fatal(err)
			}
		case lf.EventAnswer:
			told = append(told, e.Answer.Text())
		}
		if e.Kind == lf.EventAnswer && e.Answer.Text() == "new" {
			break
		}
	}
	if fmt.Sprint(told) != "[new]" || away != 1 {
		t.Errorf("told %q, away %d times", told, away)
	}
}

// hearsBehindNginx wants to hear of each change while the stream is open.
func hearsBehindNginx(t *testing.T, b *webtest.Browser, token string, db *lf.Client) {
	t.Helper()
	ctx, hangUp := context.WithCancel(t.Context())
	defer hangUp()
	answer := b.Do("/v1/watch?k=cow", webtest.Bearer(token), func(r *http.Request) { *r = *r.WithContext(ctx) })
	defer answer.Body.Close()
	lines := bufio.NewScanner(answer.Body)
	lines.Buffer(nil, 1<<20)
	hears := func(what string) {
		t.Helper()
		for lines.Scan() {
			if strings.Contains(lines.Text(), what) {
				return
			}
		}
		t.Fatalf("%s did not come: %v", what, lines.Err())
	}
	hears("event: sync")
	for i := range 3 {
		text := fmt.Sprintf("%s %d", answer.Proto, i)
		if _, err := db.Set(t.Context(), lf.MustKey("cow"), []byte(text)); err != nil {
			t.Fatal(err)
		}
		hears(text)
	}
}
