package dnsserver

import (
	"context"
	"errors"
	"time"

	"github.com/lf-store/lf"
)

const (
	// probeEvery is how often the node is asked for something whose watches are silent, probeWithin
	// how long it has to answer.
	probeEvery, probeWithin = 5 * time.Second, 5 * time.Second
)

// probe asks the node for a name now and then. A silent watch is no proof that nothing changes. A
// proxy keeps it while none of its own nodes answers, and a node that hangs keeps it, too.
func (c *cache) probe(ctx context.Context) error {
	for {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(probeEvery):
		}
		key, live := c.probed()
		if !live {
			continue
		}
		err := c.probeKey(ctx, key)
		if ctx.Err() == nil && err != nil && (errors.Is(err, errAway) || lf.IsAway(err)) {
			c.config.Logger.Warn("the node does not answer: until it does answers are stale", "error", err)
			c.cutWatches()
		}
	}
}

// probed returns a key that is watched, false where nothing is.
func (c *cache) probed() (key lf.Key, live bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, g := range c.watcher.groups {
		if g.live {
			return g.entries[0].key, true
		}
	}
	return key, false
}

func (c *cache) probeKey(ctx context.Context, key lf.Key) error {
	inner, cancel := context.WithTimeout(ctx, probeWithin)
	defer cancel()
	for _, err := range c.source.GetMany(inner, []lf.Key{key}, c.config.Options...) {
		if inner.Err() != nil {
			return errAway
		}
		return err
	}
	return nil
}

// cutWatches ends the streams of all groups, which begin again when the node answers.
func (c *cache) cutWatches() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.away = time.Now()
	for _, g := range c.watcher.groups {
		if g.cut != nil {
			g.cut(errAway)
		}
	}
}
