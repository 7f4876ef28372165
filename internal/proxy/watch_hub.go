package proxy

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/lf-store/lf/internal/supervisor"
	"github.com/lf-store/lf/node/api"
)

const (
	// maxWatchers bounds the watchers of a proxy, maxWatchedKeys their keys.
	maxWatchers, maxWatchedKeys = 20_000, 200_000
	// gatherFor is how long keys of new watchers are gathered for one stream.
	gatherFor = 20 * time.Millisecond
	// lookEvery is how often the hub looks whether nodes and settings are as they were.
	lookEvery = 2 * time.Second
)

// hub follows nodes for all watchers. Watchers that ask the same way share streams: a proxy with
// thousands of watchers has few streams at each node.
type hub struct {
	service *Service
	ctx     context.Context //nolint:containedctx // of the streams, which outlive the call that needs them first
	stop    context.CancelCauseFunc
	parts   sync.WaitGroup
	asking  chan struct{} // has room for as many questions as may be under way
	shared  *sharer

	mu       sync.Mutex
	groups   map[string]*watchGroup
	watchers int
	keys     int
	looking  bool
}

// errHubClosed ends all streams with the proxy.
var errHubClosed = errors.New("the proxy is closing")

// maxQuestions is how many questions of watchers may be under way at once.
const maxQuestions = 32

func newHub(s *Service) *hub {
	h := &hub{service: s, groups: map[string]*watchGroup{}, asking: make(chan struct{}, maxQuestions)}
	h.shared = newSharer()
	h.ctx, h.stop = context.WithCancelCause(context.Background())
	return h
}

// close ends all streams and watchers.
func (h *hub) close() error {
	h.mu.Lock()
	h.stop(errHubClosed) // nothing is started after this
	h.mu.Unlock()
	h.shared.close()
	h.parts.Wait()
	return nil
}

// count counts the groups, the watchers and their keys.
func (h *hub) count() (groups, watchers, keys int) {
	h.mu.Lock()
	defer h.mu.Unlock()
	return len(h.groups), h.watchers, h.keys
}

// watchGroup is the keys that are watched under the same policy, oracles, authorities and owners.
type watchGroup struct {
	hub     *hub
	id      string
	filter  api.WatchRequest // without keys
	topics  map[string]*topic
	fresh   []*topic // without a stream yet
	streams []*nodeStreams
}

// topic is a key that watchers share.
type topic struct {
	id      string
	key     api.WatchKey
	streams *nodeStreams // nil: none yet
	// watchers are those of the key, and which of their keys it is.
	watchers map[*subscription][]int
}

// subscribe adds a watcher. filter has what the nodes are asked but for the keys, which name no
// names. topics are the keys as text. The caller must call leave in the end.
func (h *hub) subscribe(sub *subscription, filter api.WatchRequest, keys []api.WatchKey, topics []string) (group string, leave func(), err error) {
	text, err := json.Marshal(filter)
	if err != nil {
		return "", nil, fmt.Errorf("watch: %w", err)
	}
	id := string(text)
	h.mu.Lock()
	defer h.mu.Unlock()
	switch {
	case h.ctx.Err() != nil:
		return "", nil, closingError()
	case h.watchers >= maxWatchers, h.keys+len(keys) > maxWatchedKeys:
		return "", nil, api.Unavailable("this proxy has too many watchers: try again later, or ask another one")
	}
	g := h.groups[id]
	if g == nil {
		g = &watchGroup{hub: h, id: id, filter: filter, topics: map[string]*topic{}}
		h.groups[g.id] = g
	}
	h.watchers++
	h.keys += len(keys)
	for i, key := range keys {
		g.add(sub, i, key, topics[i])
	}
	g.gather()
	h.look()
	return g.id, sync.OnceFunc(func() { h.leave(g, sub, topics) }), nil
}

// topicOf is a key as text.
func topicOf(key api.WatchKey) string {
	text, err := json.Marshal(key)
	if err != nil {
		panic(err) // it came as JSON, or could
	}
	return string(text)
}

func closingError() error {
	return api.Unavailable("the proxy is closing: watch again, with the cursor of the last event")
}

func (g *watchGroup) add(sub *subscription, index int, key api.WatchKey, id string) {
	t := g.topics[id]
	if t == nil {
		t = &topic{id: id, key: key, watchers: map[*subscription][]int{}}
		g.topics[t.id] = t
		g.fresh = append(g.fresh, t)
	}
	t.watchers[sub] = append(t.watchers[sub], index)
}

func (h *hub) leave(g *watchGroup, sub *subscription, topics []string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.watchers--
	h.keys -= len(topics)
	for _, id := range topics {
		t := g.topics[id]
		if t == nil || t.watchers[sub] == nil { // a key that was named twice
			continue
		}
		if delete(t.watchers, sub); len(t.watchers) == 0 {
			g.drop(t)
		}
	}
	if len(g.topics) == 0 {
		delete(h.groups, g.id)
	}
}

// drop forgets a key that nobody watches any more. Streams most of whose keys are gone are replaced
// by smaller ones.
func (g *watchGroup) drop(t *topic) {
	delete(g.topics, t.id)
	if t.streams == nil {
		g.fresh = slices.DeleteFunc(g.fresh, func(f *topic) bool { return f == t })
		return
	}
	s := t.streams
	if s.gone++; 2*s.gone >= len(s.topics) {
		g.end(s)
		g.fresh = append(g.fresh, s.living()...)
		g.gather()
	}
}

// gather opens a stream for the keys that have none, a moment later.
func (g *watchGroup) gather() {
	if len(g.fresh) == 0 || g.hub.ctx.Err() != nil {
		return
	}
	g.hub.parts.Go(func() {
		if supervisor.Sleep(g.hub.ctx, gatherFor) != nil {
			return
		}
		g.hub.mu.Lock()
		defer g.hub.mu.Unlock()
		if g.hub.ctx.Err() == nil {
			g.open()
		}
	})
}

// open puts the keys that have no stream into one, together with those of smaller streams. So each
// key changes streams a few times at most, and there are few streams.
func (g *watchGroup) open() {
	topics := g.fresh
	g.fresh = nil
	topics = slices.DeleteFunc(topics, func(t *topic) bool { return g.topics[t.id] != t || t.streams != nil })
	for again := len(topics) > 0; again; {
		again = false
		for _, s := range g.streams {
			if living := s.living(); !s.full && len(living) <= 2*len(topics) && fits(topics, living) {
				g.end(s)
				topics, again = append(topics, living...), true
				break
			}
		}
	}
	for len(topics) > 0 {
		n := firstThatFit(topics)
		g.follow(topics[:n:n], false)
		topics = topics[n:]
	}
}

// fits reports whether keys are not too many for one request.
func fits(lists ...[]*topic) bool {
	keys, selectors := 0, 0
	for _, list := range lists {
		keys += len(list)
		for _, t := range list {
			selectors += len(t.key.Selectors)
		}
	}
	return keys <= api.MaxWatchKeys && selectors <= api.MaxKeySelectors
}

func firstThatFit(topics []*topic) int {
	n := min(len(topics), api.MaxWatchKeys)
	for !fits(topics[:n]) {
		n--
	}
	return n
}

// follow opens a stream at each of several nodes.
func (g *watchGroup) follow(topics []*topic, full bool) {
	s := newNodeStreams(g, topics, full)
	g.streams = append(g.streams, s)
	s.start()
}

func (g *watchGroup) end(s *nodeStreams) {
	s.cancel()
	g.streams = slices.DeleteFunc(g.streams, func(other *nodeStreams) bool { return other == s })
	for _, t := range s.topics {
		if t.streams == s {
			t.streams = nil
		}
	}
}

// split replaces a stream under whose keys more answers are than one stream may have.
func (g *watchGroup) split(s *nodeStreams, why error) {
	g.hub.mu.Lock()
	defer g.hub.mu.Unlock()
	if !slices.Contains(g.streams, s) || g.hub.ctx.Err() != nil {
		return
	}
	living := s.living()
	g.end(s)
	if len(living) == 1 {
		for sub := range living[0].watchers {
			sub.fail(why)
		}
		return
	}
	for _, half := range [][]*topic{living[:len(living)/2], living[len(living)/2:]} {
		if len(half) > 0 {
			g.follow(half, true)
		}
	}
}

// look watches the nodes and the settings while there are watchers.
func (h *hub) look() {
	if h.looking {
		return
	}
	h.looking = true
	h.parts.Go(func() {
		before := h.state()
		for supervisor.Sleep(h.ctx, lookEvery) == nil {
			now := h.state()
			if !h.compare(before, now) {
				return
			}
			before = now
		}
	})
}

// hubState is what all watchers must know of.
type hubState struct{ sync, settings string }

func (h *hub) state() hubState {
	whom, _ := h.service.trust.Effective()
	settings, err := json.Marshal(whom)
	if err != nil {
		h.service.log.Error("watchers do not learn of new settings", "error", err)
	}
	return hubState{h.service.syncState(), string(settings)}
}

// compare tells watchers what has changed. It reports whether there are any.
func (h *hub) compare(before, now hubState) bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, g := range h.groups {
		for _, s := range g.streams {
			s.leaveBadNodes()
			if s.isDeaf(time.Now()) {
				s.askAll()
			}
		}
		if before == now {
			continue
		}
		for _, t := range g.topics {
			for sub := range t.watchers {
				if sub.wake(); before.settings != now.settings {
					sub.changeSettings()
				}
			}
		}
	}
	h.looking = len(h.groups) > 0
	return h.looking
}

// syncState is how the proxy stands: in sync as long as one node is.
func (s *Service) syncState() string {
	if len(s.nodes.in(api.NodeSynced)) > 0 {
		return api.SyncSynced
	}
	for _, n := range s.nodes.in(api.NodeUnsynced) {
		if known := n.known(); known.status != nil {
			return known.status.Sync.State
		}
	}
	return api.SyncAlone
}
