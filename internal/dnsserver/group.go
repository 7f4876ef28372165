package dnsserver

import (
	"cmp"
	"context"
	"time"

	"github.com/lf-store/lf"
)

const (
	// firstPause and lastPause bound the pause before a watch is begun again that has failed.
	firstPause, lastPause = 250 * time.Millisecond, 5 * time.Second
	// smallGroup is how many names a group must have to be worth thinning out.
	smallGroup = 64
)

// group is a watch of many names with one stream. The cache's lock guards it.
type group struct {
	cache    *cache
	entries  []*entry
	dropped  int      // entries that are in the cache no more
	replaces []*group // which it ends when it knows all its names
	live     bool     // what its entries say is true
	ctx      context.Context
	end      func()      // ends ctx, and so run
	cut      func(error) // ends the stream under way; nil before the first
}

func newGroup(c *cache, entries []*entry, replaces []*group) *group {
	g := &group{cache: c, entries: entries, replaces: replaces}
	g.ctx, g.end = context.WithCancel(context.Background())
	return g
}

// count is how many of the names are in the cache.
func (g *group) count() int { return len(g.entries) - g.dropped }

func (g *group) isThin() bool { return len(g.entries) >= smallGroup && 2*g.dropped > len(g.entries) }

// present are the entries that are in the cache.
func (g *group) present() (entries []*entry) {
	for _, e := range g.entries {
		if e.place != nil {
			entries = append(entries, e)
		}
	}
	return entries
}

// endAll ends groups, and those that they were to take the place of.
func endAll(groups []*group) {
	for _, g := range groups {
		g.end()
		endAll(g.replaces)
		g.replaces = nil
	}
}

// run watches until the parent or the group ends. After a failure it begins again.
func (g *group) run(parent context.Context) error {
	defer context.AfterFunc(parent, g.end)()
	for pause := firstPause; ; pause = min(2*pause, lastPause) {
		began := time.Now()
		g.away(g.stream(g.ctx))
		if time.Since(began) > lastPause {
			pause = firstPause
		}
		select {
		case <-g.ctx.Done():
			return nil
		case <-time.After(pause):
		}
	}
}

// stream takes the events of one watch until it fails.
func (g *group) stream(ctx context.Context) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	g.cache.mu.Lock()
	g.cut = cancel
	g.cache.mu.Unlock()
	keys := make([]lf.Key, len(g.entries))
	for i, e := range g.entries {
		keys[i] = e.key
	}
	first, listed := make([]state, len(keys)), false // nothing stands where no answer comes
	// Before all was told a watch goes on by itself. Afterwards it would not say since when what
	// it told is true again.
	options := []lf.WatchOption{lf.OnAway(func(err error) {
		if listed {
			cancel(err)
		}
	})}
	for _, option := range g.cache.config.Options {
		options = append(options, option)
	}
	for event, err := range g.cache.source.WatchMany(ctx, keys, options...) {
		if err != nil {
			return cmp.Or(context.Cause(ctx), err)
		}
		switch event.Kind {
		case lf.EventAnswer, lf.EventDeleted, lf.EventGone:
		case lf.EventPresent:
			g.takeOver(first)
			listed = true
			continue
		default:
			continue
		}
		s, err := g.cache.read.event(ctx, g.entries[event.Asked], &event)
		if err != nil {
			return err
		}
		if !listed {
			first[event.Asked] = s
			continue
		}
		g.changed(g.entries[event.Asked], s)
	}
	return nil
}

// takeOver takes what stands under the names at the start, and ends the groups before.
func (g *group) takeOver(first []state) {
	c := g.cache
	c.mu.Lock()
	defer c.mu.Unlock()
	if g.ctx.Err() != nil {
		return // another group has taken over
	}
	for i, e := range g.entries {
		if e.place == nil {
			continue
		}
		c.set(e, first[i])
		e.group = g
	}
	g.live, c.away = true, time.Time{}
	endAll(g.replaces)
	g.replaces = nil
}

// changed takes what stands under a name now.
func (g *group) changed(e *entry, s state) {
	c := g.cache
	c.mu.Lock()
	defer c.mu.Unlock()
	if e.group == g && e.place != nil {
		c.set(e, s)
		c.changed = time.Now()
	}
}

// away notes that nothing keeps the entries true from now on.
func (g *group) away(err error) {
	c := g.cache
	c.mu.Lock()
	defer c.mu.Unlock()
	if g.ctx.Err() == nil && (g.live || !lf.IsAway(err)) {
		c.config.Logger.Warn("the watch of names has ended, and begins again: until then answers may be stale", "names", g.count(), "error", err)
	}
	if !g.live {
		return
	}
	g.live = false
	now := time.Now()
	for _, e := range g.entries {
		if e.group == g {
			e.known = now
		}
	}
}
