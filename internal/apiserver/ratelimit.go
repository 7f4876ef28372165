package apiserver

import (
	"net/http"
	"net/netip"
	"time"

	lru "github.com/hashicorp/golang-lru/v2"
	"golang.org/x/time/rate"

	"github.com/lf-store/lf/internal/ui"
	"github.com/lf-store/lf/node/api"
)

const (
	// rateBurst is how many seconds' worth of requests an address may make at once after a pause. A
	// page with its parts needs that, or a program at its start.
	rateBurst = 5
	// maxAddresses is how many addresses are told apart, at about 200 bytes each. Of more, those
	// that asked longest ago are forgotten.
	maxAddresses = 16 << 10
	// siteBits is how much of an IPv6 address counts: a user has a /64 and may use all of it.
	siteBits = 64
)

// rateLimit bounds the requests of callers without a token, by their addresses. It is safe for
// concurrent use.
type rateLimit struct {
	perSecond int
	addresses *lru.Cache[netip.Prefix, *rate.Limiter]
}

// newRateLimit returns nil, which limits nothing, for 0.
func newRateLimit(perSecond int) *rateLimit {
	if perSecond <= 0 {
		return nil
	}
	addresses, err := lru.New[netip.Prefix, *rate.Limiter](maxAddresses)
	if err != nil {
		panic(err) // only a size below 1 is an error
	}
	return &rateLimit{perSecond, addresses}
}

// take counts a request. It returns 0, or how long to wait before the next one.
func (l *rateLimit) take(from netip.Addr, now time.Time) time.Duration {
	site := siteOf(from)
	limiter, ok := l.addresses.Get(site)
	if !ok {
		limiter = rate.NewLimiter(rate.Limit(l.perSecond), l.perSecond*rateBurst)
		if earlier, ok, _ := l.addresses.PeekOrAdd(site, limiter); ok {
			limiter = earlier
		}
	}
	one := limiter.ReserveN(now, 1)
	wait := one.DelayFrom(now)
	if wait > 0 {
		one.CancelAt(now)
	}
	return wait
}

// siteOf is what of an address tells users apart. All callers whose address is not known are one.
func siteOf(a netip.Addr) netip.Prefix {
	bits := a.BitLen()
	if a.Is6() {
		bits = siteBits
	}
	site, err := a.Prefix(bits)
	if err != nil {
		return netip.Prefix{}
	}
	return site
}

// checkRate refuses a request of a caller without a token that makes too many.
func (h *Handler) checkRate(r *http.Request) error {
	// the files of the page cost nothing, and are many at once
	if h.rate == nil || isProbe(r) || ui.Has(r.URL.Path) || h.guard.isHolder(r) {
		return nil
	}
	from, _ := h.guard.clientAddress(r)
	wait := h.rate.take(from, time.Now())
	if wait == 0 {
		return nil
	}
	return api.TooMany(wait, "more than %d requests a second without a token: wait, or show a token", h.rate.perSecond)
}
