package apiserver

import (
	"crypto/tls"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/lf-store/lf/node/api"
)

// certificateCheck is how often the files of a certificate are looked at, at most. It is done when
// a client connects.
const certificateCheck = time.Second

// certificateUntil is a metric.
var certificateUntil = prometheus.NewDesc("lf_api_certificate_until_seconds", "When the API's certificate ends, in seconds since the Unix epoch.", nil, nil)

// Certificate is a certificate with its key, both in PEM files. When the files change, it is loaded
// again. Files that are broken leave it as it is. Its methods are safe for concurrent use.
type Certificate struct {
	whose     string // "the API", for people
	cert, key string
	log       *slog.Logger
	interval  time.Duration

	mu      sync.Mutex
	loaded  *tls.Certificate
	files   [2]fs.FileInfo // of what is loaded
	checked time.Time
	failure string         // of the last attempt to load, "" for none
	failed  [2]fs.FileInfo // what could not be loaded
}

// LoadCertificate reads a certificate of the API, with those of the CAs above it, and its key.
func LoadCertificate(cert, key string, logger *slog.Logger) (*Certificate, error) {
	return LoadCertificateOf("the API", cert, key, logger)
}

// LoadCertificateOf is [LoadCertificate] for another server. Errors and the log say whose the
// certificate is.
func LoadCertificateOf(whose, cert, key string, logger *slog.Logger) (*Certificate, error) {
	c := &Certificate{whose: whose, cert: cert, key: key, log: logger, interval: certificateCheck}
	if err := c.load(); err != nil {
		return nil, err
	}
	return c, nil
}

// load reads the files. What is loaded stays unless all is well with them.
func (c *Certificate) load() error {
	files, err := c.stat() // before they are read: what changes meanwhile is noticed next time
	if err != nil {
		return err
	}
	loaded, err := tls.LoadX509KeyPair(c.cert, c.key)
	if err != nil {
		var path *fs.PathError
		if errors.As(err, &path) {
			return fmt.Errorf("%s's certificate: %w", c.whose, err)
		}
		return fmt.Errorf("%s's certificate %s with the key %s: %w", c.whose, c.cert, c.key, err)
	}
	c.loaded, c.files, c.checked = &loaded, files, time.Now()
	until := loaded.Leaf.NotAfter
	switch now := time.Now(); {
	case until.Before(now):
		c.log.Warn(c.whose+"'s certificate has expired: clients will refuse it", "file", c.cert, "until", until)
	case loaded.Leaf.NotBefore.After(now):
		c.log.Warn(c.whose+"'s certificate is not valid yet: clients will refuse it", "file", c.cert, "from", loaded.Leaf.NotBefore)
	default:
		c.log.Info(c.whose+" has a certificate", "file", c.cert, "until", until)
	}
	if files[1].Mode()&0o007 != 0 {
		c.log.Warn("every user of this machine can read the key of "+c.whose+"'s certificate: chmod o= "+c.key, "mode", files[1].Mode())
	}
	return nil
}

func (c *Certificate) stat() (files [2]fs.FileInfo, err error) {
	for i, path := range []string{c.cert, c.key} {
		if files[i], err = os.Stat(path); err != nil {
			return files, fmt.Errorf("%s's certificate: %w", c.whose, err)
		}
	}
	return files, nil
}

// current returns the certificate, loaded again if its files have changed.
func (c *Certificate) current() *tls.Certificate {
	c.mu.Lock()
	defer c.mu.Unlock()
	if now := time.Now(); now.Sub(c.checked) >= c.interval {
		c.checked = now
		c.refresh()
	}
	return c.loaded
}

// State tells until when the certificate is valid, and what is wrong with the files if they have
// another one that cannot be used.
func (c *Certificate) State() (until time.Time, problem string) {
	until = c.current().Leaf.NotAfter
	c.mu.Lock()
	defer c.mu.Unlock()
	return until, c.failure
}

// Describe implements prometheus.Collector.
func (c *Certificate) Describe(to chan<- *prometheus.Desc) { to <- certificateUntil }

// Collect implements prometheus.Collector.
func (c *Certificate) Collect(to chan<- prometheus.Metric) {
	until, _ := c.State()
	to <- prometheus.MustNewConstMetric(certificateUntil, prometheus.GaugeValue, float64(until.Unix()))
}

// refresh loads the files if they are others than those that are loaded. It says once what is wrong
// with them.
func (c *Certificate) refresh() {
	files, err := c.stat()
	if err == nil && sameFiles(files, c.files) {
		return
	}
	if err == nil {
		err = c.load()
	}
	if err == nil {
		c.failure, c.failed = "", [2]fs.FileInfo{}
		return
	}
	if failure := err.Error(); failure != c.failure || !sameFiles(files, c.failed) {
		c.failure, c.failed = failure, files
		c.log.Error(c.whose+" keeps its certificate, since the new one cannot be used", "error", err, "until", c.loaded.Leaf.NotAfter)
	}
}

func sameFiles(a, b [2]fs.FileInfo) bool { return sameFile(a[0], b[0]) && sameFile(a[1], b[1]) }

// sameFile reports whether a file is still the same, with the same bytes as far as one can tell
// without reading them.
func sameFile(a, b fs.FileInfo) bool {
	if a == nil || b == nil {
		return a == b
	}
	return os.SameFile(a, b) && a.Size() == b.Size() && a.ModTime().Equal(b.ModTime())
}

// config is what a server of HTTP needs. It sets HTTP/2 up once, with its first listener, which may
// be one without TLS.
func (c *Certificate) config() *tls.Config { return c.TLS("h2", "http/1.1") }

// TLS is what a server of these protocols needs (ALPN).
func (c *Certificate) TLS(protocols ...string) *tls.Config {
	return &tls.Config{
		MinVersion:     tls.VersionTLS12,
		NextProtos:     protocols,
		GetCertificate: func(*tls.ClientHelloInfo) (*tls.Certificate, error) { return c.current(), nil },
	}
}

// Covers reports whether the certificate names the host of a Host header. Such a name is ours: a
// browser takes no foreign page for it.
func (c *Certificate) Covers(host string) bool {
	if c == nil {
		return false
	}
	return c.current().Leaf.VerifyHostname(api.Hostname(host)) == nil
}
