package proxy

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"sync"
	"time"

	"github.com/lf-store/lf/internal/supervisor"
	"github.com/lf-store/lf/node/api"
	"github.com/lf-store/lf/protocol"
)

const (
	// minFollowPause and maxFollowPause bound the time until a node is followed again whose stream
	// ended. The pause doubles with each stream that ended soon.
	minFollowPause = time.Second
	maxFollowPause = time.Minute
	// pollEvery is how often watchers ask by themselves while no node tells them anything.
	pollEvery = 10 * time.Second
)

// nodeStreams are the streams of the same keys at several nodes. If one node hides a change,
// another one tells it. Their keys never change: new streams replace them.
type nodeStreams struct {
	group  *watchGroup
	topics []*topic        // in the order of the request
	full   bool            // with more keys there might be too many answers
	gone   int             // keys that nobody watches any more; guarded by the hub
	ctx    context.Context //nolint:containedctx // ends all of these streams
	cancel func()

	mu     sync.Mutex
	places []followedNode
	pauses map[*node]*followPause
	heard  time.Time // when a node told something last, or the keys were asked about without that
}

// followedNode is one of the nodes that are followed now.
type followedNode struct {
	node  *node // nil: none
	leave func()
	tells bool // its stream has begun
}

// followPause is how long a node is not followed.
type followPause struct {
	until time.Time
	pause time.Duration
}

func newNodeStreams(g *watchGroup, topics []*topic, full bool) *nodeStreams {
	c := g.hub.service.config
	s := &nodeStreams{group: g, topics: topics, full: full, places: make([]followedNode, min(c.Compare, len(c.Nodes))), pauses: map[*node]*followPause{}, heard: time.Now()}
	s.ctx, s.cancel = context.WithCancel(g.hub.ctx)
	for _, t := range topics {
		t.streams = s
	}
	return s
}

func (s *nodeStreams) start() {
	for i := range s.places {
		s.group.hub.parts.Go(func() { s.follow(i) })
	}
}

// living are the keys that somebody watches. The hub must be locked.
func (s *nodeStreams) living() (list []*topic) {
	for _, t := range s.topics {
		if len(t.watchers) > 0 {
			list = append(list, t)
		}
	}
	return list
}

// follow follows one node after the other, as one of several that are followed at once.
func (s *nodeStreams) follow(place int) {
	for s.ctx.Err() == nil {
		ctx, n := s.choose(place)
		if n == nil {
			_ = supervisor.Sleep(s.ctx, minFollowPause)
			continue
		}
		begun := time.Now()
		err := s.read(ctx, n)
		left := ctx.Err() != nil
		s.release(place)
		switch {
		case s.ctx.Err() != nil:
			return
		case left: // the node is passed over
		case isTooLarge(err):
			s.group.split(s, err)
			return
		default:
			s.pause(n, time.Since(begun), err)
		}
	}
}

// choose takes the first node that nobody else of these streams follows.
func (s *nodeStreams) choose(place int) (context.Context, *node) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, n := range s.group.hub.service.nodes.answering() {
		if p := s.pauses[n]; p != nil && time.Now().Before(p.until) {
			continue
		}
		if slices.ContainsFunc(s.places, func(f followedNode) bool { return f.node == n }) {
			continue
		}
		ctx, cancel := context.WithCancel(s.ctx)
		s.places[place] = followedNode{node: n, leave: cancel}
		return ctx, n
	}
	return nil, nil
}

func (s *nodeStreams) release(place int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.places[place].leave()
	s.places[place] = followedNode{}
}

// leaveBadNodes leaves the nodes that are passed over now, because they are not in sync, say.
func (s *nodeStreams) leaveBadNodes() {
	good := s.group.hub.service.nodes.answering()
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, f := range s.places {
		if f.node != nil && !slices.Contains(good, f.node) {
			f.leave()
		}
	}
}

// isDeaf reports, every [pollEvery], that no node tells anything: all refuse more streams, say.
// Then the watchers must ask by themselves.
func (s *nodeStreams) isDeaf(now time.Time) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if slices.ContainsFunc(s.places, func(f followedNode) bool { return f.tells }) {
		s.heard = now
	}
	if now.Sub(s.heard) < pollEvery {
		return false
	}
	s.heard = now
	return true
}

// tells notes that a node's stream has begun.
func (s *nodeStreams) tells(n *node) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for i := range s.places {
		if s.places[i].node == n {
			s.places[i].tells = true
		}
	}
}

// pause keeps a node from being followed for a while, whose stream ended.
func (s *nodeStreams) pause(n *node, lived time.Duration, err error) {
	s.group.hub.service.nodes.check(s.ctx, n) // a stream may end though its node is well
	s.group.hub.service.log.Info("a node's stream of events ended", "node", n.address, "error", err)
	s.mu.Lock()
	defer s.mu.Unlock()
	p := s.pauses[n]
	if p == nil || lived > maxFollowPause {
		p = &followPause{}
		s.pauses[n] = p
	}
	p.pause = min(max(2*p.pause, minFollowPause), maxFollowPause)
	p.until = time.Now().Add(p.pause)
}

func isTooLarge(err error) bool {
	var e *api.Error
	return errors.As(err, &e) && e.Status == http.StatusRequestEntityTooLarge
}

// read passes on what a node tells, until its stream ends.
func (s *nodeStreams) read(ctx context.Context, n *node) error {
	r := s.group.filter
	for _, t := range s.topics {
		r.Keys = append(r.Keys, t.key)
	}
	listing, listed := make([]map[protocol.CompositeID]bool, len(s.topics)), 0
	for i := range listing {
		listing[i] = map[protocol.CompositeID]bool{}
	}
	begun := false
	for e, err := range n.client.Watch(ctx, r) {
		if err != nil {
			return err
		}
		if !begun {
			begun = true
			s.tells(n)
		}
		switch e.Event {
		case api.WatchAnswer, api.WatchDeleted, api.WatchGone, api.WatchContested, api.WatchAlive, api.WatchLapsed:
			if err := s.check(e); err != nil {
				return fmt.Errorf("the node tells what makes no sense: %w", err)
			}
			if listing != nil {
				listing[e.Key][*e.Composite] = true
				if listed++; listed > 2*api.MaxWatchAnswers {
					return errors.New("the node lists more than it may")
				}
			}
			// Of contests before the stream began the node tells nothing. Of pulses each node knows
			// other ones.
			pulsed := e.Event == api.WatchAlive || e.Event == api.WatchLapsed
			s.tell(n, e, e.Event == api.WatchContested || pulsed || listing != nil && r.Contested)
		case api.WatchSync:
			if e.Listed && listing != nil {
				s.tellLists(listing)
				listing = nil
			}
		}
	}
	return errors.New("the stream of events ended")
}

// check refuses what is about no key that was asked for.
func (s *nodeStreams) check(e *api.WatchEvent) error {
	if e.Key < 0 || e.Key >= len(s.topics) || e.Composite == nil {
		return fmt.Errorf("an event about key %d", e.Key)
	}
	selectors := s.topics[e.Key].key.Selectors
	if len(e.Ordinals) != len(selectors) {
		return fmt.Errorf("an event with %d ordinals, want %d", len(e.Ordinals), len(selectors))
	}
	for i, o := range e.Ordinals {
		if o < uint64(selectors[i].From) || o > uint64(selectors[i].To) {
			return fmt.Errorf("an event about ordinal %d, want one from %d to %d", o, selectors[i].From, selectors[i].To)
		}
	}
	if (e.Event == api.WatchAnswer || e.Event == api.WatchDeleted) && e.Answer == nil {
		return errors.New("an answer without an answer")
	}
	return nil
}

// tell has watchers look at what a node tells. certain says that they ask even if they know it.
func (s *nodeStreams) tell(n *node, e *api.WatchEvent, certain bool) {
	s.group.hub.mu.Lock()
	defer s.group.hub.mu.Unlock()
	t := s.topics[e.Key]
	if t.streams != s {
		return
	}
	for sub, keys := range t.watchers {
		for _, key := range keys {
			sub.hear(n, key, e, certain)
		}
	}
}

// askAll has all watchers ask by themselves. The hub must be locked.
func (s *nodeStreams) askAll() {
	for _, t := range s.topics {
		for sub, keys := range t.watchers {
			for _, key := range keys {
				sub.askKey(key)
			}
		}
	}
}

func (s *nodeStreams) tellLists(listing []map[protocol.CompositeID]bool) {
	s.group.hub.mu.Lock()
	defer s.group.hub.mu.Unlock()
	for i, t := range s.topics {
		if t.streams != s {
			continue
		}
		for sub, keys := range t.watchers {
			for _, key := range keys {
				sub.hearAll(key, listing[i])
			}
		}
	}
}
