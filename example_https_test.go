//go:build cgo

package lf_test

import (
	"context"
	"crypto/ed25519"
	"crypto/rand"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"encoding/hex"
	"errors"
	"fmt"
	"log"
	"math/big"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"time"

	"github.com/lf-store/lf"
)

// pins are the fingerprints of the keys that a server may have now.
type pins struct {
	mu      sync.Mutex
	allowed map[string]bool
	changed chan struct{}
}

// fingerprint names the public key of a certificate: 64 letters. A renewed certificate of the same
// key has the same.
func fingerprint(c *x509.Certificate) string {
	sum := sha256.Sum256(c.RawSubjectPublicKeyInfo)
	return hex.EncodeToString(sum[:])
}

// follow takes the fingerprints from a value of LF, one a line, and from each newer one. Where the
// value is gone no server is trusted. A value has about 4,000 bytes, so it holds 60 fingerprints.
// A chain of certificates does not fit.
func (p *pins) follow(ctx context.Context, db *lf.Client, key lf.Key, owner string) error {
	for event, err := range db.Watch(ctx, key, lf.By(owner)) {
		if err != nil {
			return err
		}
		switch event.Kind {
		case lf.EventAnswer, lf.EventDeleted, lf.EventGone:
		default:
			continue
		}
		allowed := map[string]bool{}
		if event.Answer != nil {
			for _, line := range strings.Fields(event.Answer.Text()) {
				allowed[line] = true
			}
		}
		p.mu.Lock()
		p.allowed = allowed
		p.mu.Unlock()
		p.changed <- struct{}{}
	}
	return nil
}

// verify takes the place of the certificate authorities. TLS has made sure that the server has the
// key.
func (p *pins) verify(state tls.ConnectionState) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if !p.allowed[fingerprint(state.PeerCertificates[0])] {
		return errors.New("the server's key is not in LF")
	}
	return nil
}

// client returns a client of HTTPS that trusts servers by their fingerprints alone. Each request
// makes a new connection, since an old one outlives its pin.
func (p *pins) client() *http.Client {
	return &http.Client{Transport: &http.Transport{
		DisableKeepAlives: true,
		TLSClientConfig:   &tls.Config{InsecureSkipVerify: true, VerifyConnection: p.verify},
	}}
}

// newServer starts a server of HTTPS with a key that it has made itself.
func newServer() (server *httptest.Server, pin string) {
	public, secret, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		log.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(1), NotAfter: time.Now().Add(time.Hour)}
	der, err := x509.CreateCertificate(rand.Reader, template, template, public, secret)
	if err != nil {
		log.Fatal(err)
	}
	server = httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, "welcome") }))
	server.Config.ErrorLog = log.New(new(strings.Builder), "", 0) // clients refuse it on purpose
	server.TLS = &tls.Config{Certificates: []tls.Certificate{{Certificate: [][]byte{der}, PrivateKey: secret}}}
	server.StartTLS()
	c, err := x509.ParseCertificate(der)
	if err != nil {
		log.Fatal(err)
	}
	return server, fingerprint(c)
}

// Trust a server of HTTPS by the fingerprint of its key in LF, without certificate authorities. The
// fingerprint is that of the server's owner, and a watch brings the next one before the server
// changes its key.
func ExampleClient_Watch_pinnedHTTPS() {
	n, stop := start(team())
	defer stop()
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	db, err := n.Client()
	if err != nil {
		log.Fatal(err)
	}
	defer db.Close()
	ring, err := db.Keyring()
	if err != nil {
		log.Fatal(err)
	}
	ops, err := ring.New("ops")
	if err != nil {
		log.Fatal(err)
	}
	before, first := newServer()
	defer before.Close()
	after, second := newServer()
	defer after.Close()

	key := lf.MustKey("tls", "api.example")
	p := &pins{changed: make(chan struct{})}
	publish := func(fingerprints ...string) {
		if _, err := db.Set(ctx, key, []byte(strings.Join(fingerprints, "\n")), lf.As("ops")); err != nil {
			log.Fatal(err)
		}
		<-p.changed
	}
	var following sync.WaitGroup
	following.Go(func() { _ = p.follow(ctx, db, key, ops.Owner.String()) }) // until the end
	get := func(server *httptest.Server) {
		answer, err := p.client().Get(server.URL)
		if err != nil {
			fmt.Println("refused:", errors.Unwrap(err))
			return
		}
		fmt.Println(answer.Status)
		_ = answer.Body.Close()
	}

	publish(first)
	get(before)
	get(after)
	publish(first, second) // both, until the server has its new key
	get(before)
	get(after)
	publish(second)
	get(before)
	get(after)
	cancel()
	following.Wait()
	// Output:
	// 200 OK
	// refused: the server's key is not in LF
	// 200 OK
	// 200 OK
	// refused: the server's key is not in LF
	// 200 OK
}
