package hostile

import (
	"github.com/libp2p/go-libp2p/core/network"

	"github.com/lf-store/lf/protocol"
)

// fetchLacksListed lists records and does not send them. Each costs a request, and keeps the target
// from asking a peer that has it.
func fetchLacksListed(a *attacker) behavior {
	return behavior{attack: a.learn, reconcile: a.listTrue}
}

// listTrue answers each message with the true records that the attacker has heard of, and a few
// that it makes up. A target that has the true ones asks nobody for them.
func (a *attacker) listTrue(s network.Stream) error {
	return a.reconcile(s, func(_ int, end uint64) []byte {
		named := a.memory.named(listed - inventions)
		for range inventions {
			named = append(named, protocol.ID(a.noise(idSize)))
		}
		return list(end, named)
	})
}

// inventions is how many IDs it makes up.
const inventions = 4
