package hostile

import "github.com/libp2p/go-libp2p/core/network"

// fetchLacksListed wastes a request on each record that it lists, and keeps those from being asked that have it.
func fetchLacksListed(a *attacker) behavior {
	return behavior{attack: a.learn, reconcile: a.listTrue}
}

// listTrue answers each message with the true records that the attacker has heard of.
func (a *attacker) listTrue(s network.Stream) error {
	return a.reconcile(s, func(int) []byte { return list(a.memory.named(listed)) })
}
