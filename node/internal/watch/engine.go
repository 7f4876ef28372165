package watch

import (
	"context"
	"errors"
	"slices"
	"sync"
	"time"

	"github.com/lf-store/lf/internal/watchstate"
	"github.com/lf-store/lf/node/api"
	"github.com/lf-store/lf/protocol"
	"github.com/lf-store/lf/store"
)

// engine is a hub at work: a plan, and the goroutine that asks.
type engine struct {
	hub    *Hub
	ctx    context.Context
	stop   context.CancelFunc
	cancel func() // ends that the store tells changes
	due    chan struct{}
	done   chan struct{} // closed by the goroutine
	// slowAfter is when what can wait may go on. It is the goroutine's.
	slowAfter time.Time

	mu      sync.Mutex
	plan    *Plan
	streams map[*Stream]bool
	sync    string
	policy  protocol.Policy // the settings when they were looked at last
	oracles []protocol.Owner
}

func startEngine(h *Hub) *engine {
	e := &engine{hub: h, due: make(chan struct{}, 1), done: make(chan struct{}), plan: NewPlan(), streams: map[*Stream]bool{}}
	e.ctx, e.stop = context.WithCancel(context.Background())
	e.sync = h.config.Sync()
	e.policy, e.oracles = h.config.Settings()
	e.cancel = h.config.Store.Observe(e.changed)
	go e.run()
	return e
}

// changed is called on the store's writer.
func (e *engine) changed(c *store.Changes) {
	e.mu.Lock()
	e.plan.Changed(c)
	full := e.plan.takeFull()
	e.mu.Unlock()
	for _, s := range full {
		s.fail(watchstate.TooMany())
	}
	e.wake()
}

// pulsed tells the streams that want to know what is alive under a composite key.
func (e *engine) pulsed(of protocol.CompositeID) {
	e.mu.Lock()
	beats := e.plan.Pulsed(of)
	e.mu.Unlock()
	for i := range beats {
		beats[i].Stream.beat(beats[i].at)
	}
}

func (e *engine) wake() {
	select {
	case e.due <- struct{}{}:
	default:
	}
}

func (e *engine) isIdle() bool {
	e.mu.Lock()
	defer e.mu.Unlock()
	return len(e.streams) == 0
}

func (e *engine) open(w *Watcher) (*Stream, error) {
	s := newStream(e, w)
	e.mu.Lock()
	defer e.mu.Unlock()
	most := maxPlaces
	if w.Stranger {
		most /= 2
	}
	if e.plan.places+len(w.Keys) > most {
		return nil, api.Unavailable("this node's watchers watch as many keys as it can serve: try again later, or ask another node")
	}
	e.streams[s] = true
	e.plan.subscribe(s, w.Options, w.Keys, w.Request)
	return s, nil
}

func (e *engine) close(s *Stream) {
	e.mu.Lock()
	defer e.mu.Unlock()
	delete(e.streams, s)
	e.plan.unsubscribe(s)
}

func (e *engine) all() []*Stream {
	e.mu.Lock()
	defer e.mu.Unlock()
	list := make([]*Stream, 0, len(e.streams))
	for s := range e.streams {
		list = append(list, s)
	}
	return list
}

func (e *engine) endAll(err error) {
	for _, s := range e.all() {
		s.fail(err)
	}
}

// run asks what the plan wants to know, until the engine is stopped.
func (e *engine) run() {
	defer close(e.done)
	defer e.cancel()
	ticks := time.NewTicker(tick)
	defer ticks.Stop()
	rested := time.NewTimer(0) // when what can wait may go on
	defer rested.Stop()
	for {
		select {
		case <-e.ctx.Done():
			return
		case <-ticks.C:
			e.tick()
		case <-e.due:
		case <-rested.C:
		}
		for e.ask() && e.ctx.Err() == nil {
		}
		if rest := time.Until(e.slowAfter); rest > 0 {
			rested.Reset(rest)
		}
	}
}

// tick looks at what nobody tells: the settings, and the state of the synchronization.
func (e *engine) tick() {
	sync := e.hub.config.Sync()
	policy, oracles := e.hub.config.Settings()
	e.mu.Lock()
	other := (sync == api.SyncSynced) != (e.sync == api.SyncSynced)
	e.sync = sync
	if !slices.Equal(policy, e.policy) || !slices.Equal(oracles, e.oracles) {
		e.policy, e.oracles = policy, oracles
		e.plan.Settings()
	}
	e.mu.Unlock()
	if other {
		for _, s := range e.all() {
			s.wake()
		}
	}
}

// ask does the next portion, and reports whether there was one. What can wait leaves three times
// as much time to others.
func (e *engine) ask() bool {
	began := time.Now()
	e.mu.Lock()
	a := e.plan.Next(!began.Before(e.slowAfter))
	e.mu.Unlock()
	if a == nil {
		return false
	}
	if err := e.perform(a); err != nil {
		e.mu.Lock()
		e.plan.Failed(a)
		e.mu.Unlock()
		e.slowAfter = time.Now().Add(tick)
		if e.ctx.Err() == nil && !errors.Is(err, store.ErrClosed) {
			e.hub.config.Logger.Warn("watchers are told later: the store cannot be asked", "error", err)
		}
		return true
	}
	if a.Slow {
		e.slowAfter = time.Now().Add(min(slowRest*time.Since(began), maxPause))
	}
	return true
}

func (e *engine) perform(a *Ask) error {
	if a.Range != nil {
		keys, err := e.list(a)
		if err != nil {
			return err
		}
		e.mu.Lock()
		e.plan.Listed(a, keys)
		full := e.plan.takeFull()
		e.mu.Unlock()
		for _, s := range full {
			s.fail(watchstate.TooMany())
		}
		return nil
	}
	found, err := e.hub.query(e.ctx, a.Options, a.Keys, a.Known, false)
	if err != nil {
		return err
	}
	e.mu.Lock()
	deliveries := e.plan.Answered(a, found)
	e.mu.Unlock()
	for _, d := range deliveries {
		for i := range d.To {
			if d.Failed != nil {
				d.To[i].stream.fail(d.Failed)
			} else {
				d.To[i].stream.tell(&d.To[i], d)
			}
		}
	}
	return nil
}

// list returns all composite keys of a range that have an answer.
func (e *engine) list(a *Ask) (keys [][]protocol.SelectorPoint, err error) {
	q, _ := e.hub.about(a.Options)
	q.Where, q.Open, q.Limit = a.Range.Where, a.Range.Open, api.MaxLimit
	for {
		result, err := e.hub.config.Store.Query(e.ctx, q)
		if err != nil {
			return nil, err
		}
		for i := range result.Keys {
			if k := &result.Keys[i]; k.Damaged == nil {
				keys = append(keys, pointsOf(k.Claims[0].Record))
			}
		}
		if !result.More || len(keys) > api.MaxWatchAnswers {
			return keys, nil
		}
		q.After = &result.Keys[len(result.Keys)-1].Position
	}
}
