package dnsserver

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/base64"
	"encoding/pem"
	"fmt"
	"io"
	"math/big"
	"net"
	"net/http"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/miekg/dns"

	"github.com/lf-store/lf/internal/apiserver"
	"github.com/lf-store/lf/internal/testlog"
)

// patience bounds what a test waits for on a busy machine.
const patience = time.Minute

// certificate makes a certificate of 127.0.0.1, and those who trust it.
func certificate(t *testing.T) (*apiserver.Certificate, *x509.CertPool) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(1), NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour), IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	secret, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	files := map[string]*pem.Block{"cert.pem": {Type: "CERTIFICATE", Bytes: der}, "key.pem": {Type: "PRIVATE KEY", Bytes: secret}}
	for name, block := range files {
		if err := os.WriteFile(filepath.Join(dir, name), pem.EncodeToMemory(block), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	cert, err := apiserver.LoadCertificateOf("the server", filepath.Join(dir, "cert.pem"), filepath.Join(dir, "key.pem"), new(testlog.Lines).Logger())
	if err != nil {
		t.Fatal(err)
	}
	parsed, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	pool := x509.NewCertPool()
	pool.AddCert(parsed)
	return cert, pool
}

// TestEncrypted asks over TLS and over HTTPS.
func TestEncrypted(t *testing.T) {
	t.Parallel()
	cert, pool := certificate(t)
	s := newServer(t, newFakeNode(map[string]string{"a": "7 A 192.0.2.1"}), func(c *Config) {
		c.Certificate, c.TLS, c.HTTPS = cert, []string{"127.0.0.1:0"}, []string{"127.0.0.1:0"}
	})
	at := map[string]string{}
	for _, a := range s.Addresses() {
		at[a.Kind] = a.Address
	}
	m := new(dns.Msg)
	m.SetQuestion("a.lf.", dns.TypeA)
	config := &tls.Config{RootCAs: pool, ServerName: "127.0.0.1", NextProtos: []string{"dot"}}
	client := &dns.Client{Net: "tcp-tls", TLSConfig: config, Timeout: patience}
	if got, _, err := client.Exchange(m, at["dot"]); err != nil || len(got.Answer) != 1 {
		t.Errorf("over TLS: %v, %v", got, err)
	}
	message, err := m.Pack()
	if err != nil {
		t.Fatal(err)
	}
	web := &http.Client{Transport: &http.Transport{TLSClientConfig: &tls.Config{RootCAs: pool}, ForceAttemptHTTP2: true}, Timeout: patience}
	defer web.CloseIdleConnections()
	read := func(answer *http.Response, err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		defer answer.Body.Close()
		body, err := io.ReadAll(answer.Body)
		got := new(dns.Msg)
		if err != nil || got.Unpack(body) != nil || len(got.Answer) != 1 || answer.Header.Get("Cache-Control") != "max-age=7" || answer.ProtoMajor != 2 {
			t.Errorf("over HTTPS: %v, %v, %v", answer, got, err)
		}
	}
	read(web.Get(at["doh"] + "?dns=" + base64.RawURLEncoding.EncodeToString(message)))
	read(web.Post(at["doh"], dohType, bytes.NewReader(message)))
	for _, c := range []struct {
		method, path, kind, body string
		want                     int
	}{
		{"GET", "?dns=@", "", "", http.StatusBadRequest},
		{"GET", "?dns=AAAA", "", "", http.StatusBadRequest},
		{"GET", "", "", "", http.StatusBadRequest},
		{"POST", "", dohType, "x", http.StatusBadRequest},
		{"POST", "", dohType, strings.Repeat("x", 1<<17), http.StatusBadRequest},
		{"POST", "", "text/plain", "x", http.StatusUnsupportedMediaType},
		{"PUT", "", dohType, "x", http.StatusMethodNotAllowed},
	} {
		r, err := http.NewRequestWithContext(t.Context(), c.method, at["doh"]+c.path, strings.NewReader(c.body))
		if err != nil {
			t.Fatal(err)
		}
		r.Header.Set("Content-Type", c.kind)
		answer, err := web.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		_ = answer.Body.Close()
		if answer.StatusCode != c.want {
			t.Errorf("%s %s: %d, want %d", c.method, c.path, answer.StatusCode, c.want)
		}
	}
}

// TestRate: a network that asks too much by UDP is told to come by TCP, then gets nothing, and
// others get their answers.
func TestRate(t *testing.T) {
	t.Parallel()
	r := newRates(10)
	count := map[verdict]int{}
	for range 100 {
		count[r.take(netip.MustParsePrefix("192.0.2.1/32"))]++
	}
	if count[rateAnswer] < 10 || count[rateAnswer] > 15 || count[rateCut] < 10 || count[rateCut] > 15 {
		t.Errorf("%v", count)
	}
	if got := r.take(netip.MustParsePrefix("192.0.2.2/32")); got != rateAnswer {
		t.Errorf("another client gets %d", got)
	}
	m := new(dns.Msg)
	m.SetQuestion("a.lf.", dns.TypeA)
	if got := cut(m); !got.Truncated || got.Len() > m.Len() {
		t.Errorf("%v", got)
	}
	for text, want := range map[string]string{"[2001:db8:1:2:3::4]:53": "2001:db8:1::/56", "192.0.2.7:53": "192.0.2.7/32", "[::ffff:192.0.2.7]:53": "192.0.2.7/32"} {
		at := net.UDPAddrFromAddrPort(netip.MustParseAddrPort(text))
		if got, local := clientOf(at); got.String() != want || local {
			t.Errorf("%s: %s, %t", text, got, local)
		}
	}
	if _, local := clientOf(&net.TCPAddr{IP: net.IPv6loopback}); !local {
		t.Error("::1 is not this computer")
	}
}

// TestFloodByUDP: while a flood of packets comes, good and bad ones, a client gets its answers by
// TCP, and by UDP afterwards. By UDP the system drops what nobody could read.
func TestFloodByUDP(t *testing.T) {
	t.Parallel()
	n := newFakeNode(map[string]string{"a": "A 192.0.2.1"})
	n.delay = 5 * time.Millisecond
	s := newServer(t, n, func(c *Config) { c.Listen, c.Entries = []string{"127.0.0.1:0"}, 500 })
	at := s.Addresses()[0].Address
	if got := addressOf(s, "a"); got != "NOERROR 192.0.2.1" { // a name that is known
		t.Fatal(got)
	}
	var flooding sync.WaitGroup
	done := make(chan struct{})
	flooding.Go(func() { flood(t, at, done) })
	m := new(dns.Msg)
	m.SetQuestion("a.lf.", dns.TypeA)
	ask := func(network string, within time.Duration) bool {
		got, _, err := (&dns.Client{Net: network, Timeout: within}).Exchange(m, at)
		return err == nil && len(got.Answer) == 1
	}
	for i := range 10 {
		if !ask("tcp", patience) {
			t.Errorf("question %d is not answered during the flood", i)
			break
		}
	}
	close(done)
	flooding.Wait()
	for start := time.Now(); !ask("udp", time.Second); {
		if time.Since(start) > patience {
			t.Fatal("there is no answer by UDP after the flood")
		}
	}
	s.cache.mu.Lock()
	defer s.cache.mu.Unlock()
	if len(s.cache.entries) > 500 || n.most() > maxShare {
		t.Errorf("%d names are kept, %d questions to the node were under way", len(s.cache.entries), n.most())
	}
}

// TestBadPackets: packets that are no questions leave the server as it was. There are more of each
// kind than the server has questions under way. Between them a client asks.
func TestBadPackets(t *testing.T) {
	t.Parallel()
	s := newServer(t, newFakeNode(map[string]string{"a": "A 192.0.2.1"}), func(c *Config) { c.Listen = []string{"127.0.0.1:0"} })
	at := s.Addresses()[0].Address
	c, err := net.Dial("udp", at)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	q := new(dns.Msg)
	q.SetQuestion("a.lf.", dns.TypeA)
	whole, err := q.Pack()
	if err != nil {
		t.Fatal(err)
	}
	response := append([]byte{}, whole...)
	response[2] |= 0x80
	bad := [][]byte{nil, whole[:5], whole[:len(whole)-1], response, bytes.Repeat([]byte{0xff}, 100)}
	for i := range maxPackets {
		for _, packet := range bad {
			_, _ = c.Write(packet) // a full buffer drops it
		}
		for start := time.Now(); i%20 == 19; {
			got, _, err := (&dns.Client{Timeout: time.Second}).Exchange(q, at)
			if err == nil && len(got.Answer) == 1 {
				break
			}
			if time.Since(start) > patience {
				t.Fatalf("there is no answer after %d bad packets: %v, %v", len(bad)*(i+1), got, err)
			}
		}
	}
}

// flood sends questions for names that nobody has set, and packets that are none.
func flood(t *testing.T, at string, done <-chan struct{}) {
	c, err := net.Dial("udp", at)
	if err != nil {
		t.Error(err)
		return
	}
	defer c.Close()
	q := new(dns.Msg)
	for i := 0; ; i++ {
		select {
		case <-done:
			return
		default:
		}
		q.SetQuestion(fmt.Sprintf("x%d.lf.", i), dns.TypeAAAA)
		packet, err := q.Pack()
		if err != nil {
			t.Error(err)
			return
		}
		if i%3 == 0 {
			packet = packet[:i%len(packet)]
		}
		_, _ = c.Write(packet) // a full buffer drops it
	}
}
