package watch

import (
	"context"
	"sync"
	"time"

	"github.com/lf-store/lf/internal/watchstate"
	"github.com/lf-store/lf/node/api"
	"github.com/lf-store/lf/protocol"
	"github.com/lf-store/lf/store"
)

// Watcher is a request, ready to be served.
type Watcher struct {
	Request *api.WatchRequest
	Options Options
	Keys    []Key // one for each of the request
	// Show makes an answer of the API, with its composite key's ID, and with an explanation where
	// there is one.
	Show func(*store.Answer, protocol.Policy) *api.Answer
	// Stranger tells that it is not the node's user.
	Stranger bool
}

// Stream is what one watcher is told. It runs in the watcher's goroutine.
type Stream struct {
	engine  *engine
	watcher *Watcher
	state   *watchstate.State
	woken   chan struct{} // holds a token when there is something to do

	// the plan's
	group  *group
	exact  map[*entry]bool
	ranged map[*ranged]bool

	mu      sync.Mutex
	pending map[spot]*update
	order   []spot
	beats   map[spot]watchstate.Place // where a claim has a new pulse
	err     error
}

// spot is a composite key under one of the request's keys.
type spot struct {
	key       int
	composite protocol.CompositeID
}

// update is what is to be told at a spot.
type update struct {
	*Update
	ordinals []uint64
}

func newStream(e *engine, w *Watcher) *Stream {
	return &Stream{engine: e, watcher: w, woken: make(chan struct{}, 1)}
}

func (s *Stream) wake() {
	select {
	case s.woken <- struct{}{}:
	default:
	}
}

// fail ends the stream with an error.
func (s *Stream) fail(err error) {
	s.mu.Lock()
	if s.err == nil {
		s.err = err
	}
	s.mu.Unlock()
	s.wake()
}

// tell notes what the watcher is to be told. It takes the place of what waits there.
func (s *Stream) tell(sub *subscription, d Delivery) {
	at := spot{sub.key, d.Update.Composite}
	ordinals := d.Ordinals
	if ordinals == nil {
		ordinals = sub.ordinals
	}
	s.mu.Lock()
	if s.pending == nil {
		s.pending = map[spot]*update{}
	}
	if s.pending[at] == nil {
		s.order = append(s.order, at)
	} else {
		s.engine.hub.counts.coalesced.Add(1)
	}
	s.pending[at] = &update{d.Update, ordinals}
	s.mu.Unlock()
	s.wake()
}

// beat notes that a claim has a new pulse at a place.
func (s *Stream) beat(at watchstate.Place) {
	s.mu.Lock()
	if s.beats == nil {
		s.beats = map[spot]watchstate.Place{}
	}
	s.beats[spot{at.Key, at.Composite}] = at
	s.mu.Unlock()
	s.wake()
}

// takeBeats returns the places with a new pulse.
func (s *Stream) takeBeats() (places []watchstate.Place) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, at := range s.beats {
		places = append(places, at)
	}
	s.beats = nil
	return places
}

// take returns what waits, in the order in which it came first.
func (s *Stream) take() (list []*update, at []spot, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, spot := range s.order {
		if u := s.pending[spot]; u != nil {
			list, at = append(list, u), append(at, spot)
		}
	}
	s.pending, s.order = nil, nil
	return list, at, s.err
}

// forget drops what waits at a spot, because it was read otherwise.
func (s *Stream) forget(at spot) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.pending, at)
}

// Watch tells a watcher what changes until ctx ends, or send wants no more. It returns nil in the
// latter case.
func (h *Hub) Watch(ctx context.Context, w *Watcher, send func(*api.WatchEvent) bool) error {
	state, err := watchstate.New(w.Request, h.config.Database)
	if err != nil {
		return err
	}
	s, err := h.open(w)
	if err != nil {
		return err
	}
	defer h.close(s)
	s.state = state
	t := &teller{s, h, send, false}
	if err := t.begin(ctx); err != nil || t.enough {
		return err
	}
	for {
		if err := t.tellPending(); err != nil || t.enough {
			return err
		}
		if err := t.tellAlive(ctx); err != nil || t.enough {
			return err
		}
		if err := t.settle(ctx); err != nil || t.enough {
			return err
		}
		if err := s.wait(ctx, s.state.NextDue()); err != nil {
			return err
		}
	}
}

// wait returns when there is something to do.
func (s *Stream) wait(ctx context.Context, due time.Time) error {
	var settles <-chan time.Time
	if !due.IsZero() {
		timer := time.NewTimer(due.Sub(s.engine.hub.config.Clock()))
		defer timer.Stop()
		settles = timer.C
	}
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-s.woken:
	case <-settles:
	}
	return nil
}
