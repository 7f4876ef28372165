package proxy

import (
	"errors"
	"fmt"
	"log/slog"
	"net/netip"
	"time"

	"github.com/lf-store/lf/internal/apiserver"
	"github.com/lf-store/lf/node/api"
	"github.com/lf-store/lf/node/home"
	"github.com/lf-store/lf/protocol"
)

const (
	// DefaultListen is where a proxy serves its API unless its user says otherwise.
	DefaultListen = "127.0.0.1:9981"
	// DefaultCompare is how many nodes a proxy asks the same, where there are that many.
	DefaultCompare = 3
	// MaxNodes is how many nodes a proxy may have.
	MaxNodes = 64
)

// Config is what a proxy is made of. Home, Network and Nodes must be given.
type Config struct {
	Home    *home.Home
	Network *protocol.Network
	// Nodes are the full nodes that the proxy asks. It prefers those that are named first.
	Nodes []NodeAddress
	// Compare is how many nodes are asked the same question; 0: [DefaultCompare].
	Compare int
	// WriteTo is on how many nodes a record must be attached until it counts as written; 0: 1.
	WriteTo int
	// Threads is how many threads work for clients; 0: all processors but one.
	Threads int
	// Listen is the host and port that the API listens on; "": [DefaultListen].
	Listen string
	// TLSCert and TLSKey are PEM files with the API's certificate and its key. "": plain HTTP.
	TLSCert, TLSKey string
	// Hosts are further names by which clients may call the API, as api.ParseHost takes them.
	// AllowOrigins are the origins whose pages may talk to it. Private asks for a token for reads,
	// too; otherwise Public lets everybody read, and not only this machine.
	Hosts, AllowOrigins []string
	Private, Public     bool
	// AnonymousRate is how many requests a second an address may make without a token; 0: any
	// number. TrustedProxies are proxies in front, whose X-Forwarded-For header names the client.
	AnonymousRate  int
	TrustedProxies []netip.Prefix
	// Logger and Version may be nil or "": no logs, "unknown".
	Logger  *slog.Logger
	Version string
	// Timeout bounds how long a node may take to answer; 0: [api.DefaultReadTimeout].
	Timeout time.Duration
}

func (c Config) withDefaults() (Config, error) {
	switch {
	case c.Home == nil || c.Network == nil:
		return c, errors.New("a proxy needs a home and a network")
	case len(c.Nodes) == 0:
		return c, errors.New("a proxy needs a node to ask: give one with --node")
	case len(c.Nodes) > MaxNodes:
		return c, fmt.Errorf("%d nodes, at most %d are possible", len(c.Nodes), MaxNodes)
	case c.WriteTo < 0 || c.WriteTo > len(c.Nodes):
		return c, fmt.Errorf("a record is written to 1 to %d nodes here, not %d", len(c.Nodes), c.WriteTo)
	case c.Threads < 0:
		return c, fmt.Errorf("the number of threads must be at least 1, not %d", c.Threads)
	case (c.TLSCert == "") != (c.TLSKey == ""):
		return c, errors.New("a certificate for TLS comes with its key: give both")
	case c.Compare < 0 || c.Compare > MaxNodes:
		return c, fmt.Errorf("a proxy compares 1 to %d nodes, not %d", MaxNodes, c.Compare)
	}
	if c.Compare == 0 {
		c.Compare = DefaultCompare
	}
	if c.WriteTo == 0 {
		c.WriteTo = 1
	}
	if c.Listen == "" {
		c.Listen = DefaultListen
	}
	if c.Logger == nil {
		c.Logger = slog.New(slog.DiscardHandler)
	}
	if c.Version == "" {
		c.Version = "unknown"
	}
	if c.Timeout == 0 {
		c.Timeout = api.DefaultReadTimeout
	}
	if err := c.checkNodes(); err != nil {
		return c, err
	}
	return c, c.checkAPI()
}

// certificate is the API's, nil without one.
func (c *Config) certificate() (*apiserver.Certificate, error) {
	if c.TLSCert == "" {
		return nil, nil
	}
	return apiserver.LoadCertificate(c.TLSCert, c.TLSKey, c.Logger)
}

// checkNodes refuses what is no address, and a node that is named twice: it would count twice.
func (c *Config) checkNodes() error {
	seen := map[string]bool{}
	for _, n := range c.Nodes {
		address, err := ParseNode(n.Address)
		switch {
		case err != nil:
			return err
		case address != n.Address:
			return fmt.Errorf("the address of a node is written %s, not %s", address, n.Address)
		case seen[address]:
			return fmt.Errorf("the node %s is given twice", address)
		}
		seen[address] = true
	}
	return nil
}

// checkAPI reads the names and origins of the API.
func (c *Config) checkAPI() error {
	for _, s := range c.Hosts {
		if _, err := api.ParseHost(s); err != nil {
			return fmt.Errorf("a name of the API: %w", err)
		}
	}
	origins := c.AllowOrigins
	c.AllowOrigins = nil // not in the caller's list
	for _, s := range origins {
		origin, err := api.ParseOrigin(s)
		if err != nil {
			return fmt.Errorf("an origin that may use the API: %w", err)
		}
		c.AllowOrigins = append(c.AllowOrigins, origin)
	}
	return nil
}
