package api

import "context"

// Seeds are a node's bootstrap sources and their state.
type Seeds struct {
	Seeds      []Seed          `json:"seeds" doc:"the seeds of the network or of the node's settings, bootstrap peers of the public DHT if the node takes part in it, and peers added by hand"`
	Known      int             `json:"known" doc:"peers of the network that the node remembers, those of earlier runs included; 0 offline"`
	Rendezvous RendezvousFacts `json:"rendezvous" doc:"in the public DHT, where nodes of the network meet that know nobody"`
	Offline    bool            `json:"offline,omitempty" doc:"the node dials none of them"`
}

// Seed is one peer that leads to others.
type Seed struct {
	Kind       string   `json:"kind" enum:"seed,rendezvous,added" doc:"seed: of this network, the node stays connected to it; added: the same, added by hand; rendezvous: a bootstrap peer of the public DHT, the node asks three of them at random"`
	Peer       string   `json:"peer" doc:"peer ID"`
	Addresses  []string `json:"addresses" doc:"multiaddrs, without the peer ID"`
	State      string   `json:"state" enum:"connected,dialing,failing,waiting" doc:"failing: it did not answer when it was dialed last; waiting: it was not dialed yet, or it answered, and the connection has ended"`
	Since      uint64   `json:"since,omitempty" doc:"when it was connected, if it is, else when it was last heard of, ms since the Unix epoch; absent: not since the node started"`
	Failures   int      `json:"failures,omitempty" doc:"failed dials since it was heard of, or since the network of this computer changed"`
	NextDial   uint64   `json:"nextDial,omitempty" doc:"when the node dials a seed again, ms since the Unix epoch"`
	Error      string   `json:"error,omitempty" doc:"what is wrong, in one line"`
	Remembered bool     `json:"remembered,omitempty" doc:"of one added by hand: the node connects to it again after a restart"`
}

// The kinds of a Seed.
const (
	KindSeed       = "seed"
	KindRendezvous = "rendezvous"
	KindAdded      = "added"
)

// The states of a Seed.
const (
	SeedConnected = "connected"
	SeedDialing   = "dialing"
	SeedFailing   = "failing"
	SeedWaiting   = "waiting"
)

// Why a node takes no part in the public DHT, where its network alone tells that.
const (
	WhyPrivate  = "the network is private"
	WhyNotNamed = "this is not the default network, and no peer of the public DHT was named (lf node --rendezvous)"
)

// Seeds implements [Service].
func (c *Client) Seeds(ctx context.Context) (*Seeds, error) {
	var s Seeds
	return ok(&s, c.get(ctx, "/v1/seeds", &s))
}
