package node

import (
	"errors"
	"fmt"
	"log/slog"
	"net/netip"
	"time"

	"github.com/lf-store/lf/node/api"
	"github.com/lf-store/lf/node/home"
	"github.com/lf-store/lf/node/internal/p2p"
	"github.com/lf-store/lf/protocol"
)

// Config is what a node is made of. Home and Network must be given.
type Config struct {
	Home    *home.Home
	Network *protocol.Network
	// Seeds are multiaddrs with a peer's ID at their end. Without any, a node finds those on the
	// local network, and whom it met before.
	Seeds []string
	// NetworkSeeds are those of the network's file, which the home keeps with the network for the
	// next start; none: those that it has stay.
	NetworkSeeds []string
	// Rendezvous are peers that lead into the public DHT, where nodes of this network find each
	// other; none: the node takes no part in it. A node of the profile local, of a private network
	// or offline takes none in any case.
	Rendezvous []string
	// NoRendezvous takes no part in the public DHT, whoever leads there.
	NoRendezvous bool
	// Listen are the multiaddrs to listen on for peers; none: the profile's.
	Listen []string
	// APIListen is the host and port that the API listens on; "": api.DefaultAddress.
	APIListen string
	// APIHosts are further names by which clients may call the API, as api.ParseHost takes them.
	// APIAllowOrigins are the origins whose pages may talk to it. APIPrivate asks for the token for
	// reads, too; otherwise APIPublic lets everybody read, and not only this machine.
	APIHosts, APIAllowOrigins []string
	APIPrivate, APIPublic     bool
	// APIRate is how many requests a second an address may make without a token; 0: any number.
	// APITrustedProxies are proxies in front, whose X-Forwarded-For header names the client.
	APIRate           int
	APITrustedProxies []netip.Prefix
	Profile           p2p.Profile
	// Offline keeps the node to itself: it neither listens for peers nor dials any.
	Offline bool
	// Announce are further multiaddrs under which the node can be reached, which it cannot find out
	// by itself. A port that a router forwards is one.
	Announce []string
	// NoMDNS does not look for nodes on the local network, NoPortMapping does not ask the router
	// for open ports; only the profile default does either. NoRelayService does not relay for
	// others when the node can be reached by everybody.
	NoMDNS, NoPortMapping, NoRelayService bool
	// Secret is the key of a private network, without which nobody can connect; nil: everybody may.
	Secret *protocol.Secret
	// Policy is by what claims are ranked where a query does not say; none: as the home says, else
	// protocol.DefaultPolicy.
	Policy protocol.Policy
	Oracle OracleConfig
	// Logger, Version and Clock may be nil or "": no logs, "unknown", the system's clock.
	Logger  *slog.Logger
	Version string
	Clock   func() time.Time
	// Upgrading is told how many records of an older version's database are up to date; nil: nobody
	// is.
	Upgrading func(done, total uint64)
	// Testbed makes the node one of a testbed; nil: it is none.
	Testbed *Testbed
	// Threads is how many threads solve proofs of work for the API; 0: all cores but one.
	Threads int
}

// OracleConfig says whether and how the node is an oracle: one that publishes commentary on the
// collisions it sees, signed by the node's identity.
type OracleConfig struct {
	Enabled bool
	// PerHour bounds the records of commentary that are published in an hour; 0: a sound number.
	PerHour int
}

// whyNoRendezvous says why the node takes no part in the public DHT, "" if it does.
func (c *Config) whyNoRendezvous() string {
	switch {
	case c.Offline:
		return "the node is offline"
	case c.Profile == p2p.ProfileLocal:
		return "the profile local talks to nobody outside of this computer"
	case c.Secret != nil:
		return api.WhyPrivate
	case c.NoRendezvous:
		return "the node was told so (--no-rendezvous)"
	case len(c.Rendezvous) == 0:
		return api.WhyNotNamed
	}
	return ""
}

// checkAPI reads the names and origins of the API.
func (c *Config) checkAPI() error {
	for _, s := range c.APIHosts {
		if _, err := api.ParseHost(s); err != nil {
			return fmt.Errorf("a name of the API: %w", err)
		}
	}
	origins := c.APIAllowOrigins
	c.APIAllowOrigins = nil // not in the caller's list
	for _, s := range origins {
		origin, err := api.ParseOrigin(s)
		if err != nil {
			return fmt.Errorf("an origin that may use the API: %w", err)
		}
		c.APIAllowOrigins = append(c.APIAllowOrigins, origin)
	}
	return nil
}

func (c Config) withDefaults() (Config, error) {
	if c.Home == nil || c.Network == nil {
		return c, errors.New("a node needs a home and a network")
	}
	var err error
	if c.Profile, err = p2p.ParseProfile(string(c.Profile)); err != nil {
		return c, err
	}
	if len(c.Policy) > 0 {
		if err := c.Policy.Check(); err != nil {
			return c, err
		}
	}
	if c.APIListen == "" {
		c.APIListen = api.DefaultAddress
	}
	if err := c.checkAPI(); err != nil {
		return c, err
	}
	if c.Logger == nil {
		c.Logger = slog.New(slog.DiscardHandler)
	}
	if c.Version == "" {
		c.Version = "unknown"
	}
	if c.Clock == nil {
		c.Clock = time.Now
	}
	if c.Testbed != nil {
		return c, c.Testbed.apply(&c)
	}
	return c, nil
}
