package node

import (
	"context"
	"time"

	"github.com/libp2p/go-libp2p/core/peer"

	"github.com/lf-store/lf/node/api"
)

// Seeds implements api.Service.
func (s *service) Seeds(ctx context.Context) (*api.Seeds, error) {
	// as the keeper has them, which there is none of offline
	seeds, err := parseSeeds(s.config.Seeds, s.host.ID(), s.config.Profile)
	if err != nil {
		return nil, err
	}
	out := &api.Seeds{Seeds: []api.Seed{}, Offline: s.config.Offline, Rendezvous: s.rendezvousFacts()}
	with := s.seedContacts()
	for _, at := range seeds {
		out.Seeds = append(out.Seeds, s.seedReport(at, with[at.ID]))
	}
	if r := s.instruments.rendezvous; r != nil {
		for _, at := range r.lead {
			out.Seeds = append(out.Seeds, s.leadReport(at))
		}
	}
	if k := s.instruments.known; k != nil {
		out.Known = k.count()
	}
	return out, ctx.Err()
}

// seedContacts is how the keeper gets on with the seeds.
func (s *service) seedContacts() map[peer.ID]contact {
	with := map[peer.ID]contact{}
	if s.keeper == nil {
		return with
	}
	for _, f := range s.keeper.facts() {
		with[f.peer] = f.contact
	}
	return with
}

// seedReport adds to what the keeper says whether a seed is of this network at all, once it had the
// time to say so.
func (s *service) seedReport(at peer.AddrInfo, c contact) api.Seed {
	if c.connected && time.Since(c.since) > guestGrace && !speaks(s.host, s.config.Network, at.ID) {
		c.problem = "it answers, and is no node of this network: is this the right seed?"
	}
	return c.report(api.KindSeed, at)
}

// leadReport goes by the host where a peer of the public DHT is connected: that DHT dials its peers
// by itself, too.
func (s *service) leadReport(at peer.AddrInfo) api.Seed {
	c := s.instruments.rendezvous.contact(at.ID)
	for _, conn := range s.host.Network().ConnsToPeer(at.ID) {
		if opened := conn.Stat().Opened; !c.connected || opened.Before(c.since) {
			c = contact{connected: true, since: opened}
		}
	}
	return c.report(api.KindRendezvous, at)
}

func (c *contact) report(kind string, at peer.AddrInfo) api.Seed {
	out := api.Seed{
		Kind: kind, Peer: at.ID.String(), Addresses: []string{}, State: c.state(),
		Since: millis(c.since), Failures: c.failures, NextDial: millis(c.due), Error: c.problem,
	}
	for _, a := range at.Addrs {
		out.Addresses = append(out.Addresses, a.String())
	}
	return out
}

func (c *contact) state() string {
	switch {
	case c.connected:
		return api.SeedConnected
	case c.dialing:
		return api.SeedDialing
	case c.problem != "":
		return api.SeedFailing
	}
	return api.SeedWaiting
}
