package apiserver

import (
	"net/http"
	"net/netip"
	"time"
)

// Limits that a test looks at.
const MaxQueryBody, MaxSetBody = maxQueryBody, maxSetBody

// NewRateLimit shows the limit by addresses to tests.
func NewRateLimit(perSecond int) *rateLimit { return newRateLimit(perSecond) }

// Take counts a request.
func (l *rateLimit) Take(from netip.Addr, now time.Time) time.Duration { return l.take(from, now) }

// Len counts the addresses.
func (l *rateLimit) Len() int { return l.addresses.Len() }

// ClientAddress is what a guard with these proxies takes for the client.
func ClientAddress(proxies []netip.Prefix, r *http.Request) netip.Addr {
	a, _ := (&guard{proxies: proxies}).clientAddress(r)
	return a
}

// Prefers is what a Prefer header says.
func Prefers(h http.Header) (async bool, wait time.Duration) {
	p := preferences(h)
	return p.async, p.wait
}

// AcceptsEvents reports whether an Accept header names events.
var AcceptsEvents = acceptsEvents
