package dnsserver

import (
	"context"
	"slices"
	"time"

	"github.com/lf-store/lf/node/api"
)

// gather is how long new names are gathered for one watch.
const gather = 100 * time.Millisecond

// watcher keeps the entries of a cache true, by watches of the node. It has the cache's lock.
type watcher struct {
	cache  *cache
	wake   chan struct{}
	added  []*entry // in no group yet
	groups []*group // the youngest last, without those that another one takes the place of
	thin   bool     // a group has lost most of its entries
	most   int      // names in a group
}

func newWatcher(c *cache) *watcher {
	most := api.MaxWatchKeys
	for _, z := range c.config.Zones {
		most = min(most, api.MaxKeySelectors/z.Names())
	}
	return &watcher{cache: c, wake: make(chan struct{}, 1), most: most}
}

// add takes in entries that the node has answered.
func (w *watcher) add(entries []*entry) {
	for _, e := range entries {
		if e.group == nil && !slices.Contains(w.added, e) {
			w.added = append(w.added, e)
		}
	}
	w.rouse()
}

// dropped notes that an entry of a group is in the cache no more.
func (w *watcher) dropped(g *group) {
	if g.dropped++; g.isThin() {
		w.thin = true
		w.rouse()
	}
}

func (w *watcher) rouse() {
	select {
	case w.wake <- struct{}{}:
	default:
	}
}

// run begins watches of what was added until the context ends.
func (w *watcher) run(ctx context.Context) error {
	for {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-w.wake:
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(gather):
		}
		for _, g := range w.regroup() {
			w.cache.parts.Go(g.run)
		}
	}
}

// regroup makes groups of what was added. A new group takes the place of younger ones that are not
// much larger, so that there are few. A name changes its group as often as the number of names
// doubles.
func (w *watcher) regroup() (begun []*group) {
	c := w.cache
	c.mu.Lock()
	defer c.mu.Unlock()
	fresh := slices.DeleteFunc(w.added, func(e *entry) bool { return e.place == nil || e.group != nil })
	w.added = nil
	var replaced []*group
	if w.thin {
		w.thin = false
		w.groups = slices.DeleteFunc(w.groups, func(g *group) bool {
			if !g.isThin() || g.count()+len(fresh) > w.most {
				return false
			}
			fresh, replaced = append(fresh, g.present()...), append(replaced, g)
			return true
		})
	}
	for len(fresh) > w.most {
		begun = append(begun, w.begin(fresh[:w.most], nil))
		fresh = fresh[w.most:]
	}
	for n := len(w.groups); n > 0; n = len(w.groups) {
		g := w.groups[n-1]
		if g.count() > 2*len(fresh) || g.count()+len(fresh) > w.most {
			break
		}
		fresh, replaced, w.groups = append(fresh, g.present()...), append(replaced, g), w.groups[:n-1]
	}
	if len(fresh) == 0 {
		endAll(replaced)
		return begun
	}
	return append(begun, w.begin(fresh, replaced))
}

// begin makes a group that takes the place of others once it knows what stands under its names.
func (w *watcher) begin(entries []*entry, replaces []*group) *group {
	g := newGroup(w.cache, slices.Clone(entries), replaces)
	w.groups = append(w.groups, g)
	return g
}
