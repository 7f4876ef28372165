package dnsserver

import (
	"container/list"
	"context"
	"errors"
	"fmt"
	"net/netip"
	"sync"
	"time"

	"github.com/lf-store/lf"
	"github.com/lf-store/lf/internal/dnszone"
	"github.com/lf-store/lf/internal/supervisor"
)

const (
	// answerWithin is how long a question waits for the node before it gets a stale answer (RFC
	// 8767, section 5).
	answerWithin = 1800 * time.Millisecond
	// loadWithin bounds a question to the node.
	loadWithin = 10 * time.Second
	// grace is how long an entry is true that nothing watches yet.
	grace = time.Second
	// retryAfter is the pause before a node that did not answer is asked again for an entry that is
	// there.
	retryAfter = 5 * time.Second
	// maxLoads bounds the questions to the node under way, maxShare those of one client network.
	maxLoads, maxShare = 256, 64
	// maxWaiting bounds the questions of clients that wait for the node. Others get what is known
	// at once, so that a flood of questions does not keep everybody waiting.
	maxWaiting = 256
	// emptyShare is the part of the cache that names without records may fill.
	emptyShare = 4
)

var (
	// errBusy says that too many questions wait for the node.
	errBusy = errors.New("too many questions wait for the node")
	// errAway says that the node does not answer, and that nothing is known of a name.
	errAway = errors.New("the node does not answer")
)

// state is what stands under a name.
type state struct {
	value *dnszone.Value // nil: nothing
	err   error          // why what stands there cannot be answered
	// recheck is when the node must be asked again, zero where the watch tells.
	recheck time.Time
}

// none reports whether nothing stands under the name.
func (s *state) none() bool { return s.value == nil && s.err == nil }

// entry is a name in the cache. The cache's lock guards it.
type entry struct {
	name    string
	zone    *dnszone.Zone
	key     lf.Key
	state   state
	loaded  bool      // the node has said what stands there
	known   time.Time // when that was last true for sure
	loading chan struct{}
	group   *group        // whose watch keeps it true, nil for none yet
	place   *list.Element // nil once it was dropped
}

// cache is what is known of names. Its methods are safe for concurrent use.
type cache struct {
	source  Source
	config  *Config
	read    *reader
	parts   *supervisor.Group
	watcher *watcher

	mu      sync.Mutex
	entries map[string]*entry
	full    *list.List // entries with something under their name, used last first
	empty   *list.List // and those without
	away    time.Time  // when the node last failed to answer
	changed time.Time  // when a name last changed
	loads   map[netip.Prefix]int
	loading int // the sum of loads
	waiting int
}

func newCache(config *Config, parts *supervisor.Group) *cache {
	c := &cache{
		source: config.Source, config: config, read: &reader{config}, parts: parts,
		entries: map[string]*entry{}, full: list.New(), empty: list.New(), loads: map[netip.Prefix]int{},
	}
	c.changed = time.Now()
	c.watcher = newWatcher(c)
	return c
}

// found is what a lookup says of a name. Stale tells that the node is away.
type found struct {
	state
	stale bool
}

// find returns what stands under names of a zone, in their order. What the cache does not know the
// node is asked for, in the name of a client network.
func (c *cache) find(ctx context.Context, client netip.Prefix, zone *dnszone.Zone, names []string) ([]found, error) {
	c.mu.Lock()
	entries, missing, err := c.lookUp(zone, names)
	if err != nil {
		c.mu.Unlock()
		return nil, err
	}
	c.load(client, missing)
	var wait []chan struct{}
	for _, e := range entries {
		if e.loading != nil && c.mustWait(e) {
			wait = append(wait, e.loading)
		}
	}
	if len(wait) > 0 && c.waiting < maxWaiting {
		c.waiting++
		c.mu.Unlock()
		c.await(ctx, wait)
		c.mu.Lock()
		c.waiting--
	}
	defer c.mu.Unlock()
	return c.results(entries)
}

// lookUp returns the entries of names, and those of them that the node is to be asked for.
func (c *cache) lookUp(zone *dnszone.Zone, names []string) (entries, missing []*entry, err error) {
	entries = make([]*entry, len(names))
	for i, name := range names {
		if entries[i], err = c.entry(zone, name); err != nil {
			return nil, nil, err
		}
	}
	for _, e := range entries {
		if e.loading == nil && !c.fresh(e) && c.mustWait(e) {
			missing = append(missing, e)
		}
	}
	return entries, missing, nil
}

// mustWait reports whether a question waits for the node. If the node is away, nobody waits whom a
// stale answer helps.
func (c *cache) mustWait(e *entry) bool { return !e.loaded || time.Since(c.away) >= retryAfter }

// fresh reports whether what an entry says is true now.
func (c *cache) fresh(e *entry) bool {
	if !e.loaded || (!e.state.recheck.IsZero() && time.Now().After(e.state.recheck)) {
		return false
	}
	return (e.group != nil && e.group.live) || time.Since(e.known) < grace
}

// entry returns the entry of a name, used last. A new one may cost another its place.
func (c *cache) entry(zone *dnszone.Zone, name string) (*entry, error) {
	if e := c.entries[name]; e != nil {
		c.listOf(e).MoveToFront(e.place)
		return e, nil
	}
	key, err := zone.Key(name)
	if err != nil {
		return nil, err
	}
	e := &entry{name: name, zone: zone, key: key}
	c.entries[name] = e
	e.place = c.empty.PushFront(e)
	c.makeRoom()
	return e, nil
}

// listOf is the list in which an entry has its place.
func (c *cache) listOf(e *entry) *list.List {
	if e.state.none() {
		return c.empty
	}
	return c.full
}

// makeRoom drops entries that were used long ago. A flood of questions for names that nobody has
// set drops no other ones.
func (c *cache) makeRoom() {
	for len(c.entries) > c.config.Entries {
		oldest := c.full.Back()
		if oldest == nil || c.empty.Len() > c.config.Entries/emptyShare {
			oldest = c.empty.Back()
		}
		e := oldest.Value.(*entry) // nothing else is in the lists
		c.listOf(e).Remove(oldest)
		e.place = nil
		delete(c.entries, e.name)
		if e.group != nil {
			c.watcher.dropped(e.group)
		}
	}
}

// set notes what stands under a name now.
func (c *cache) set(e *entry, s state) {
	before := c.listOf(e)
	e.state, e.loaded, e.known = s, true, time.Now()
	if after := c.listOf(e); e.place != nil && after != before {
		before.Remove(e.place)
		e.place = after.PushFront(e)
	}
}

// load has the node asked for entries, which are loading then. Where too much is under way they are
// not.
func (c *cache) load(client netip.Prefix, entries []*entry) {
	if len(entries) == 0 || c.loading >= maxLoads || c.loads[client] >= maxShare {
		return
	}
	done := make(chan struct{})
	began := c.parts.Go(func(ctx context.Context) error {
		defer close(done)
		c.ask(ctx, entries)
		c.mu.Lock()
		defer c.mu.Unlock()
		for _, e := range entries {
			e.loading = nil
		}
		c.loading--
		if c.loads[client]--; c.loads[client] == 0 {
			delete(c.loads, client)
		}
		return nil
	})
	if !began {
		return // the server is closing
	}
	c.loading++
	c.loads[client]++
	for _, e := range entries {
		e.loading = done
	}
}

// ask asks the node for entries, and has those watched that it answers.
func (c *cache) ask(ctx context.Context, entries []*entry) {
	ctx, cancel := context.WithTimeout(ctx, loadWithin)
	defer cancel()
	keys := make([]lf.Key, len(entries))
	for i, e := range entries {
		keys[i] = e.key
	}
	states := make([]state, 0, len(entries))
	for l, err := range c.source.GetMany(ctx, keys, c.config.Options...) {
		var s state
		if err == nil {
			s, err = c.read.lookup(ctx, entries[len(states)], l)
		}
		if err != nil {
			c.failed(ctx, err)
			return
		}
		states = append(states, s)
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.away = time.Time{}
	for i, s := range states {
		c.set(entries[i], s)
	}
	c.watcher.add(entries)
}

// failed notes that the node did not answer.
func (c *cache) failed(ctx context.Context, err error) {
	if ctx.Err() == nil || errors.Is(ctx.Err(), context.DeadlineExceeded) {
		c.config.Logger.Debug("the node did not answer", "error", err)
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.away = time.Now()
}

// await waits until loads have ended, but not for long.
func (c *cache) await(ctx context.Context, loads []chan struct{}) {
	late := time.NewTimer(answerWithin)
	defer late.Stop()
	for _, done := range loads {
		select {
		case <-done:
		case <-ctx.Done():
			return
		case <-late.C:
			c.mu.Lock()
			c.away = time.Now()
			c.mu.Unlock()
			return
		}
	}
}

// results are what entries say.
func (c *cache) results(entries []*entry) ([]found, error) {
	all := make([]found, len(entries))
	for i, e := range entries {
		switch {
		case c.fresh(e):
			all[i].state = e.state
		case e.loaded && time.Since(e.known) <= c.config.Stale:
			all[i] = found{e.state, true}
		case e.loading == nil && c.away.IsZero():
			return nil, fmt.Errorf("%s: %w", e.name, errBusy)
		default:
			return nil, fmt.Errorf("%s: %w", e.name, errAway)
		}
	}
	return all, nil
}

// serial tells the states of a zone apart: the second of the last change.
func (c *cache) serial() uint32 {
	c.mu.Lock()
	defer c.mu.Unlock()
	return uint32(c.changed.Unix())
}
