package node

import (
	"testing"

	"github.com/lf-store/lf/protocol"
)

// TestRendezvousOff holds who takes no part in the public DHT.
func TestRendezvousOff(t *testing.T) {
	lead := []string{"/ip4/127.0.0.1/tcp/4001/p2p/QmNnooDu7bfjPFoTZYxMNLWUQJyrVwtbZg5gBMjTezGAJN"}
	for name, test := range map[string]struct {
		change func(*Config)
		want   bool
	}{
		"default profile": {func(*Config) {}, true},
		"server profile":  {func(c *Config) { c.Profile = ProfileServer }, true},
		"local profile":   {func(c *Config) { c.Profile = ProfileLocal }, false},
		"offline":         {func(c *Config) { c.Offline = true }, false},
		"private network": {func(c *Config) { c.Secret = new(protocol.Secret) }, false},
		"nobody leads":    {func(c *Config) { c.Rendezvous = nil }, false},
		"told not to":     {func(c *Config) { c.NoRendezvous = true }, false},
	} {
		c := Config{Profile: ProfileDefault, Rendezvous: lead}
		test.change(&c)
		if why := c.whyNoRendezvous(); (why == "") != test.want {
			t.Errorf("%s: %q", name, why)
		}
	}
}
