package proxy

import (
	lru "github.com/hashicorp/golang-lru/v2"

	"github.com/lf-store/lf/protocol"
)

// rememberedCertificates is how many certificates, and how many lists of revocations, a proxy
// remembers.
const rememberedCertificates = 1024

// certificates remembers what certificates and revocations say, by the records that carry them.
type certificates struct {
	network *protocol.Network
	chains  *lru.Cache[protocol.ID, knownChain]
	lists   *lru.Cache[protocol.ID, *revocations]
}

// knownChain is a certificate, the network's authorities that it is good for, and the ID of the
// value that it was read from.
type knownChain struct {
	*protocol.Chain
	by    []*protocol.Authority
	value protocol.ValueID
}

// revocations are what a record revokes: from which date on each certificate is not to be believed.
type revocations struct {
	since map[protocol.Issue]uint64
	own   bool // the record is the issuer's own
}

func newCertificates(n *protocol.Network) *certificates {
	chains, err := lru.New[protocol.ID, knownChain](rememberedCertificates)
	if err != nil {
		panic(err) // only a size below 1 is an error
	}
	lists, err := lru.New[protocol.ID, *revocations](rememberedCertificates)
	if err != nil {
		panic(err)
	}
	return &certificates{n, chains, lists}
}

// chain reads the certificates in a checked record. An error is a [forgedError].
func (c *certificates) chain(r *protocol.Record) (known knownChain, err error) {
	if r.Type != protocol.TypeCertificate {
		return known, forged("record %s is a %s, and no certificate", r.ID(), r.Type)
	}
	chain, err := protocol.ParseChain(r.ValueBytes())
	if err != nil {
		return known, forged("record %s: %w", r.ID(), err)
	}
	known = knownChain{Chain: chain, value: r.Value.ID} // it has one: the chain
	authorities := c.network.Authorities()
	for i, a := range authorities {
		if chain.Authority(authorities[i:i+1]) != nil {
			known.by = append(known.by, a)
		}
	}
	c.chains.Add(r.ID(), known)
	return known, nil
}

// authorityAt returns the network's authority by which a chain is valid at a time, nil if there is
// none.
func (k *knownChain) authorityAt(at uint64) *protocol.Authority {
	for _, a := range k.by {
		if k.ValidAt(at, a) {
			return a
		}
	}
	return nil
}

// revocations reads what a checked record revokes. A list counts for the network's authorities, or
// for others too, and then it is read each time. An error is a [forgedError].
func (c *certificates) revocations(r *protocol.Record, authorities []*protocol.Authority, others bool) (*revocations, error) {
	if r.Type != protocol.TypeRevocation {
		return nil, forged("record %s is a %s, and revokes nothing", r.ID(), r.Type)
	}
	l, err := protocol.ParseRevocations(r.ValueBytes())
	if err != nil {
		return nil, forged("record %s: %w", r.ID(), err)
	}
	key, counts := l.Signer(r.Owner, authorities)
	if !counts {
		return nil, forged("record %s does not tell whose revocations it has, so it revokes nothing", r.ID())
	}
	list := &revocations{since: map[protocol.Issue]uint64{}, own: key == r.Owner}
	for _, e := range l.Effective() {
		list.since[protocol.Issue{Issuer: l.Issuer(), Serial: e.Serial, Key: key}] = e.Since
	}
	if !others {
		c.lists.Add(r.ID(), list)
	}
	return list, nil
}
