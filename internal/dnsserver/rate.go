package dnsserver

import (
	"net/netip"
	"sync"
	"time"

	lru "github.com/hashicorp/golang-lru/v2"
	"golang.org/x/time/rate"
)

// ratedNetworks is how many client networks are counted at once.
const ratedNetworks = 1 << 14

// verdict says what a question by UDP gets.
type verdict int

const (
	rateAnswer verdict = iota
	rateCut            // an answer without records: the client asks again by TCP
	rateDrop           // nothing
)

// rates bounds the answers by UDP. Who asks can lie about where the answer goes. So a flood of
// questions must not become a flood of answers to somebody else.
type rates struct {
	perSecond int

	mu       sync.Mutex
	networks *lru.Cache[netip.Prefix, *[2]*rate.Limiter]
}

func newRates(perSecond int) *rates {
	networks, err := lru.New[netip.Prefix, *[2]*rate.Limiter](ratedNetworks)
	if err != nil {
		panic(err) // the size is above 0
	}
	return &rates{perSecond: perSecond, networks: networks}
}

// take counts a question of a network.
func (r *rates) take(client netip.Prefix) verdict {
	r.mu.Lock()
	defer r.mu.Unlock()
	limits, known := r.networks.Get(client)
	if !known {
		limits = &[2]*rate.Limiter{}
		for i := range limits {
			limits[i] = rate.NewLimiter(rate.Limit(r.perSecond), r.perSecond)
		}
		r.networks.Add(client, limits)
	}
	now := time.Now()
	switch {
	case limits[0].AllowN(now, 1):
		return rateAnswer
	case limits[1].AllowN(now, 1):
		return rateCut
	}
	return rateDrop
}
