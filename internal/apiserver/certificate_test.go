package apiserver

import (
	"bytes"
	"crypto/tls"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/lf-store/lf/internal/webtest"
	"github.com/lf-store/lf/node/api/apitest"
)

const testName = "lf.example.org"

// logBuffer has what several goroutines write.
type logBuffer struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (b *logBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.text.Write(p)
}

// take returns what was written, and forgets it.
func (b *logBuffer) take() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	defer b.text.Reset()
	return b.text.String()
}

// serveTLS serves a fake service by HTTPS until the test ends. It returns the port, the certificate
// as it is loaded, and what is logged.
func serveTLS(t *testing.T, files *webtest.Certificate) (port string, cert *Certificate, logged *logBuffer) {
	t.Helper()
	logged = new(logBuffer)
	log := slog.New(slog.NewTextHandler(logged, nil))
	cert, err := LoadCertificate(files.Cert, files.Key, log)
	if err != nil {
		t.Fatal(err)
	}
	cert.interval = 0
	service, err := apitest.NewFake()
	if err != nil {
		t.Fatal(err)
	}
	e, err := Listen(t.Context(), "127.0.0.1:0", "--listen", cert, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	socket, err := net.Listen("unix", filepath.Join(t.TempDir(), "api.sock"))
	if err != nil {
		t.Fatal(err)
	}
	e.Serve(NewHandler(service, HandlerOptions{Certificate: cert}), socket)
	t.Cleanup(func() {
		if err := e.Shutdown(time.Second); err != nil {
			t.Error(err)
		}
	})
	port, found := strings.CutPrefix(e.URL(), "https://127.0.0.1:")
	if !found {
		t.Fatalf("the URL is %s", e.URL())
	}
	return port, cert, logged
}

// serial is that of the certificate that a new connection gets.
func serial(t *testing.T, files *webtest.Certificate, port string) string {
	t.Helper()
	dialer := tls.Dialer{Config: &tls.Config{RootCAs: files.Trust, ServerName: testName}}
	c, err := dialer.DialContext(t.Context(), "tcp", "127.0.0.1:"+port)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	return c.(*tls.Conn).ConnectionState().PeerCertificates[0].SerialNumber.String()
}

// TestTLS asks by HTTPS, under the certificate's name and under others.
func TestTLS(t *testing.T) {
	t.Parallel()
	files := webtest.NewCertificate(t, testName)
	port, cert, _ := serveTLS(t, files)
	as := func(host string) func(*http.Request) { return func(r *http.Request) { r.Host = host } }
	for _, version := range webtest.Versions {
		b := webtest.NewBrowser(t, files.Trust, testName, port, version)
		b.Want(200, "/v1/status")
		b.Want(200, "/v1/status", as(testName+":"+port))
		b.Want(200, "/v1/status", as("localhost:"+port))
		b.Want(421, "/v1/status", as("evil.example"))
		answer := b.Do("/metrics")
		text, err := io.ReadAll(answer.Body)
		_ = answer.Body.Close()
		if until, _ := cert.State(); err != nil || !strings.Contains(string(text), fmt.Sprintf("\nlf_api_certificate_until_seconds %g\n", float64(until.Unix()))) {
			t.Errorf("no metric says %s: %v", until, err)
		}
	}
	answer, err := http.Get("http://127.0.0.1:" + port + "/v1/status")
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	if answer.StatusCode != http.StatusBadRequest {
		t.Errorf("plain HTTP: %s", answer.Status)
	}
}

// TestTLSBesideSocket holds that HTTP/2 works whichever listener is served first, which nobody
// knows.
func TestTLSBesideSocket(t *testing.T) {
	t.Parallel()
	files := webtest.NewCertificate(t, testName)
	for range 20 {
		port, _, _ := serveTLS(t, files)
		webtest.NewBrowser(t, files.Trust, testName, port, "HTTP/2.0").Want(200, "/livez")
	}
}

// TestCertificateRenewed holds that new files are used without a restart, and that broken ones
// change nothing and are reported once.
func TestCertificateRenewed(t *testing.T) {
	t.Parallel()
	files := webtest.NewCertificate(t, testName)
	port, _, logged := serveTLS(t, files)
	first := serial(t, files, port)
	files.Renew(t, testName)
	second := serial(t, files, port)
	if second == first {
		t.Fatal("the old certificate is still used")
	}
	good, err := os.ReadFile(files.Cert)
	if err != nil {
		t.Fatal(err)
	}
	other := webtest.NewCertificate(t, testName)
	foreign, err := os.ReadFile(other.Cert)
	if err != nil {
		t.Fatal(err)
	}
	for name, broken := range map[string][]byte{"empty": {}, "half": good[:len(good)/2], "of another key": foreign} {
		logged.take()
		if err := os.WriteFile(files.Cert, broken, 0o600); err != nil {
			t.Fatal(err)
		}
		for range 3 {
			if got := serial(t, files, port); got != second {
				t.Errorf("%s: certificate %s, want the one before, %s", name, got, second)
			}
		}
		text := logged.take()
		if n := strings.Count(text, "level=ERROR"); n != 1 || !strings.Contains(text, files.Cert) {
			t.Errorf("%s: %d errors in the log: %s", name, n, text)
		}
	}
	for _, path := range []string{files.Cert, files.Key} {
		if err := os.Remove(path); err != nil {
			t.Fatal(err)
		}
	}
	if got := serial(t, files, port); got != second {
		t.Errorf("without files: certificate %s", got)
	}
	files.Renew(t, "other.example.org")
	dialer := tls.Dialer{Config: &tls.Config{RootCAs: files.Trust, ServerName: "other.example.org"}}
	c, err := dialer.DialContext(t.Context(), "tcp", "127.0.0.1:"+port)
	if err != nil {
		t.Fatalf("after all that: %v", err)
	}
	_ = c.Close()
}

// TestCertificateRefused starts with no certificate that cannot be used.
func TestCertificateRefused(t *testing.T) {
	t.Parallel()
	files, other := webtest.NewCertificate(t, testName), webtest.NewCertificate(t, testName)
	log := slog.New(slog.DiscardHandler)
	for name, c := range map[string][2]string{
		"no file": {files.Cert + ".no", files.Key}, "no key": {files.Cert, files.Key + ".no"},
		"another key": {files.Cert, other.Key}, "the wrong way round": {files.Key, files.Cert}, "a folder": {t.TempDir(), files.Key},
	} {
		_, err := LoadCertificate(c[0], c[1], log)
		if err == nil || strings.Contains(err.Error(), "\n") || !strings.Contains(err.Error(), "the API's certificate") {
			t.Errorf("%s: %v", name, err)
		}
	}
	var logged bytes.Buffer
	if err := os.Chmod(files.Key, 0o644); err != nil {
		t.Fatal(err)
	}
	if _, err := LoadCertificate(files.Cert, files.Key, slog.New(slog.NewTextHandler(&logged, nil))); err != nil || !strings.Contains(logged.String(), "every user") {
		t.Errorf("%v, logged %s", err, &logged)
	}
}
