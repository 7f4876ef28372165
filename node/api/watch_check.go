package api

import (
	"time"

	"github.com/lf-store/lf/protocol"
)

// Limits of a watch.
const (
	// MaxWatchKeys is how many keys a stream may name, MaxWatchAnswers how many composite keys may
	// have an answer under them.
	MaxWatchKeys    = 1000
	MaxWatchAnswers = 10000
	// DefaultSettled is what a SettledAfter of 0 stands for, MaxSettled the largest one.
	DefaultSettled = 30 * time.Second
	MaxSettled     = 24 * time.Hour
)

// Check says what is wrong with a request, nil if nothing is; see [Query.Check].
func (r *WatchRequest) Check() error {
	if len(r.Keys) == 0 || len(r.Keys) > MaxWatchKeys {
		return Invalid("%d keys, want 1 to %d", len(r.Keys), MaxWatchKeys)
	}
	selectors, names := 0, 0
	for i := range r.Keys {
		if err := checkRanges(r.Keys[i].Selectors); err != nil {
			return r.wrong(i, err)
		}
		for _, s := range r.Keys[i].Selectors {
			if s.Name != "" {
				names++
			}
		}
		selectors += len(r.Keys[i].Selectors)
	}
	if selectors > MaxKeySelectors || names > MaxKeyNames {
		return Invalid("the keys have %d selectors, %d of them by name: at most %d and %d are allowed", selectors, names, MaxKeySelectors, MaxKeyNames)
	}
	if r.Settled() > MaxSettled {
		return Invalid("settledAfter must be 0 to %d ms", MaxSettled.Milliseconds())
	}
	if r.Alive > MaxAlive {
		return Invalid("alive must be at most %d s: nodes forget a pulse after a day", MaxAlive)
	}
	if _, err := ParseWatchCursor(r.After); err != nil {
		return err
	}
	q := r.Query(0)
	return q.Check()
}

// wrong says which key is wrong, where there are several.
func (r *WatchRequest) wrong(i int, err error) error {
	if len(r.Keys) == 1 {
		return err
	}
	return Invalid("key %d: %v", i, err)
}

// CheckAlive says what is wrong with Alive on a network, nil if nothing is; see [Query.CheckAlive].
func (r *WatchRequest) CheckAlive(n *protocol.Network) error {
	q := Query{Alive: r.Alive}
	return q.CheckAlive(n)
}

// Settled is how long an answer must not change to be called settled.
func (r *WatchRequest) Settled() time.Duration {
	if r.SettledAfter == 0 {
		return DefaultSettled
	}
	return time.Duration(r.SettledAfter) * time.Millisecond
}

// Query is what asks for the answers under one of the keys.
func (r *WatchRequest) Query(key int) Query {
	k := &r.Keys[key]
	return Query{
		Selectors: k.Selectors, Open: k.Open, Owners: r.Owners, Policy: r.Policy, Oracles: r.Oracles, Authorities: r.Authorities,
		Decrypt: r.Decrypt, MaskingKey: r.MaskingKey, Frames: r.Frames,
	}
}
