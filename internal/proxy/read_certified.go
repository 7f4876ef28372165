package proxy

import (
	"context"
	"fmt"

	lru "github.com/hashicorp/golang-lru/v2"

	"github.com/lf-store/lf/node/api"
	"github.com/lf-store/lf/protocol"
)

const (
	// rememberedOwners is how many owners' certificates a proxy remembers.
	rememberedOwners = 1024
	// maxProofs bounds the owners whose certificates are asked for because of one question. For
	// more of them the nodes' word counts.
	maxProofs = 64
)

// certified remembers certificates of owners, which were read from their records. Whether they were
// revoked is another matter.
type certified struct {
	cache *lru.Cache[protocol.Owner, []*protocol.Chain]
}

func newCertified() *certified {
	cache, err := lru.New[protocol.Owner, []*protocol.Chain](rememberedOwners)
	if err != nil {
		panic(err) // only a size below 1 is an error
	}
	return &certified{cache}
}

// proveCertified looks for a certificate's record of each owner that nodes call certified. A claim
// without such a proof does not count as certified. It returns what it did not find. Authorities
// that only the question names are the nodes' word.
func (s *Service) proveCertified(ctx context.Context, u *question, v *view, group []*view) (unproved []string) {
	if len(u.Authorities) > 0 {
		return nil
	}
	proofs := 0
	for i := range v.answers {
		a := &v.answers[i]
		changed := false
		for j := range a.standings {
			if !a.standings[j].Certified || s.known(a.claims[j].Owner, a.claims[j].Timestamp) {
				continue
			}
			if proofs++; proofs > maxProofs || s.find(ctx, a.claims[j].Record, group) {
				continue
			}
			a.standings[j].Certified, changed = false, true
			unproved = append(unproved, fmt.Sprintf("no certificate's record was found of owner %s", a.claims[j].Owner))
		}
		if !changed {
			continue
		}
		before := a.winner().Owner
		if a.rank(u.Policy); a.winner().Owner != before {
			a.older = nil // those of another owner
		}
	}
	return unproved
}

// known reports whether a remembered certificate of an owner was valid at a time.
func (s *Service) known(owner protocol.Owner, at uint64) bool {
	chains, _ := s.certified.cache.Get(owner)
	for _, c := range chains {
		if c.AuthorityAt(at, s.config.Network.Authorities()) != nil {
			return true
		}
	}
	return false
}

// find asks nodes for certificates of a record's owner, and reports whether one was valid when the
// record was made.
func (s *Service) find(ctx context.Context, r *protocol.Record, group []*view) bool {
	for _, v := range group {
		info, err := v.node.client.Owner(ctx, api.OwnerQuery{Owner: r.Owner})
		if err != nil {
			continue
		}
		var chains []*protocol.Chain
		for i := range info.Certificates {
			if c, err := s.chain(ctx, v.node, info.Certificates[i].Record); err == nil && c.Owner() == r.Owner {
				chains = append(chains, c)
			}
		}
		s.certified.cache.Add(r.Owner, chains)
		if s.known(r.Owner, r.Timestamp) {
			return true
		}
	}
	return false
}
