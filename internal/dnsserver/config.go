package dnsserver

import (
	"context"
	"iter"
	"log/slog"
	"net/netip"
	"time"

	"github.com/lf-store/lf"
	"github.com/lf-store/lf/internal/apiserver"
	"github.com/lf-store/lf/internal/dnszone"
	"github.com/lf-store/lf/protocol"
)

// Source is the node that is asked: an [lf.Client].
type Source interface {
	GetMany(ctx context.Context, keys []lf.Key, options ...lf.ReadOption) iter.Seq2[lf.Lookup, error]
	WatchMany(ctx context.Context, keys []lf.Key, options ...lf.WatchOption) iter.Seq2[lf.Event, error]
	Certified(ctx context.Context, a *lf.Answer, options ...lf.ReadOption) (*protocol.Chain, error)
}

// The defaults of a [Config], and its bounds.
const (
	DefaultTTL      = time.Minute
	DefaultMinTTL   = time.Second
	DefaultMaxTTL   = time.Hour
	DefaultNegative = 10 * time.Second
	DefaultStale    = 24 * time.Hour
	DefaultEntries  = 10000
	DefaultRate     = 1000

	// minEntries is the smallest cache: one question may need a few entries at once.
	minEntries = 64
)

// Config says what a server answers, and where. Zero values are the defaults.
type Config struct {
	Source Source
	Zones  dnszone.Zones // at least one
	// Options say whom the server trusts: policy, owners, oracles and CAs.
	Options []lf.ReadOption
	// Certified leaves out answers of owners without a certificate.
	Certified bool
	// Private are networks whose addresses are answered although they are private.
	Private []netip.Prefix

	// TTL is that of records that name none. MinTTL and MaxTTL bound the others, Negative is how
	// long a resolver may remember that there is nothing.
	TTL, MinTTL, MaxTTL, Negative time.Duration
	// Stale is for how long the last known state is answered while the node is away.
	Stale time.Duration
	// Entries bounds the cache, in names.
	Entries int
	// Rate bounds the answers a second by UDP to each client network other than this computer.
	Rate int
	// NameServers are what the zones answer as their NS records, canonical names.
	NameServers []string

	// Listen are HOST:PORT for UDP and TCP, TLS for DNS over TLS, HTTPS for DNS over HTTPS.
	Listen, TLS, HTTPS []string
	// Certificate is that of TLS and HTTPS. Without one HTTPS is plain HTTP.
	Certificate *apiserver.Certificate

	Logger *slog.Logger
}

// LoadCertificate reads the certificate of TLS and HTTPS and its key. When the files change, it is
// loaded again.
func LoadCertificate(cert, key string, logger *slog.Logger) (*apiserver.Certificate, error) {
	return apiserver.LoadCertificateOf("the server", cert, key, logger)
}

// orDefault is a value, or what it is if it was not given.
func orDefault[T int | time.Duration](value *T, otherwise T) {
	if *value == 0 {
		*value = otherwise
	}
}

func (c *Config) complete() {
	orDefault(&c.TTL, DefaultTTL)
	orDefault(&c.MinTTL, DefaultMinTTL)
	orDefault(&c.MaxTTL, DefaultMaxTTL)
	orDefault(&c.Negative, DefaultNegative)
	orDefault(&c.Stale, DefaultStale)
	orDefault(&c.Entries, DefaultEntries)
	orDefault(&c.Rate, DefaultRate)
	c.Entries = max(c.Entries, minEntries)
	if c.Logger == nil {
		c.Logger = slog.New(slog.DiscardHandler)
	}
}
