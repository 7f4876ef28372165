package oracle

import (
	"context"
	"errors"
	"fmt"
	"math"

	"github.com/lf-store/lf/protocol"
)

// errNoCertificate is why an oracle is silent on a network that asks for certificates.
var errNoCertificate = errors.New("this network takes records of certified owners only, and this node's key has no valid certificate: " +
	"have one made for it (lf owner csr, lf owner authorize)")

// compose makes a record of words, signed and paid, with a timestamp above after.
func (c *Commentator) compose(ctx context.Context, words []Word, after uint64) (*protocol.Record, error) {
	params := c.config.Network.Params()
	now := c.wall()
	links, err := c.config.Store.Links(ctx, max(wantLinks, int(params.MinLinks)), now, c.owner)
	switch {
	case err != nil:
		return nil, fmt.Errorf("cannot choose links: %w", err)
	case params.AuthRequired && !links.Certified:
		return nil, errNoCertificate
	}
	timestamp := max(now, links.Newest, after+1)
	if timestamp > min(now+params.ClockDrift, protocol.MaxTimestamp) {
		return nil, fmt.Errorf("the last commentary or the records to link are %d s ahead of this node's clock, more than the network allows: check the clock",
			(timestamp-now)/1000)
	}
	value, err := protocol.EncodeCommentary(words)
	if err != nil {
		return nil, fmt.Errorf("encode a commentary: %w", err)
	}
	network := c.config.Network
	r, err := network.Compose(protocol.Draft{
		Type: protocol.TypeCommentary, Owner: c.owner, Timestamp: timestamp, Links: links.IDs, Value: value,
	})
	if err != nil {
		return nil, fmt.Errorf("compose a commentary: %w", err)
	}
	if r, err = network.Sign(r, c.config.Key); err != nil {
		return nil, fmt.Errorf("sign a commentary: %w", err)
	}
	return c.pay(ctx, r, links.Certified)
}

// pay adds the work: a multiple of what the network asks of this oracle.
func (c *Commentator) pay(ctx context.Context, r *protocol.Record, certified bool) (*protocol.Record, error) {
	network, solve := c.config.Network, c.config.Solver(ctx)
	if certified {
		return network.PayCertified(r, multiple(network.CertifiedEffort(r), c.config.Overload), solve)
	}
	return network.Pay(r, multiple(network.RequiredEffort(r), c.config.Overload), solve)
}

func multiple(effort, times uint32) uint32 {
	return uint32(min(uint64(effort)*uint64(times), math.MaxUint32)) // bounded in this line
}
