package watch

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"github.com/lf-store/lf/node/api"
	"github.com/lf-store/lf/protocol"
	"github.com/lf-store/lf/store"
)

// Store is the part of a store that a hub needs.
type Store interface {
	Query(context.Context, store.Query) (store.Answers, error)
	Observe(func(*store.Changes)) (cancel func())
}

// Config is what a [Hub] works with.
type Config struct {
	Store Store
	// Settings returns the node's policy and the oracles that its user has elected. Sync returns
	// how the node stands to its peers, as a status has it.
	Settings func() (protocol.Policy, []protocol.Owner)
	Sync     func() string
	// Fail makes an error of the store one for the watcher.
	Fail func(error) error
	// Database is the name of the database that answers.
	Database string
	Clock    func() time.Time
	Logger   *slog.Logger
}

// Hub serves the watchers of a node. While there are none, it costs nothing. It is safe for
// concurrent use.
type Hub struct {
	config  Config
	reading chan struct{} // taken by each stream that reads
	counts  counts

	mu     sync.Mutex
	engine *engine // nil while nobody watches
	closed bool
}

// counts are what the metrics tell.
type counts struct {
	streams, strangers atomic.Int64
	coalesced, asked   atomic.Uint64
	events             [8]atomic.Uint64 // in the order of eventNames
}

// New returns a hub. It starts nothing until somebody watches.
func New(c Config) *Hub {
	return &Hub{config: c, reading: make(chan struct{}, readersAtOnce)}
}

// errClosing ends streams.
func errClosing() error { return api.Unavailable("the node is closing") }

// Close ends all streams. It returns when the hub does nothing any more.
func (h *Hub) Close() {
	h.mu.Lock()
	h.closed = true
	e := h.engine
	h.mu.Unlock()
	if e != nil {
		e.endAll(errClosing())
		e.stop()
		<-e.done
	}
}

// Pulsed says that a claim under a composite key has a new pulse. It does not wait.
func (h *Hub) Pulsed(of protocol.CompositeID) {
	h.mu.Lock()
	e := h.engine
	h.mu.Unlock()
	if e != nil {
		e.pulsed(of)
	}
}

// open adds a stream. The first one starts an engine.
func (h *Hub) open(w *Watcher) (*Stream, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	switch {
	case h.closed:
		return nil, errClosing()
	case h.counts.streams.Load() >= maxStreams, w.Stranger && h.counts.strangers.Load() >= maxStreams/2:
		return nil, api.Unavailable("this node has as many watchers as it can serve: try again later, or ask another node")
	}
	if h.engine == nil {
		h.engine = startEngine(h)
	}
	s, err := h.engine.open(w)
	if err != nil {
		h.rest()
		return nil, err
	}
	h.counts.streams.Add(1)
	if w.Stranger {
		h.counts.strangers.Add(1)
	}
	return s, nil
}

// close removes a stream. The last one stops the engine.
func (h *Hub) close(s *Stream) {
	h.mu.Lock()
	defer h.mu.Unlock()
	s.engine.close(s)
	h.counts.streams.Add(-1)
	if s.watcher.Stranger {
		h.counts.strangers.Add(-1)
	}
	h.rest()
}

// rest stops an engine without streams.
func (h *Hub) rest() {
	if e := h.engine; e != nil && e.isIdle() {
		h.engine = nil
		e.stop()
	}
}

// query asks about keys. Answers of contested keys explain; with explain all do. A key that is too
// expensive to rank has an error of its own. What is known is not read from the disk.
func (h *Hub) query(ctx context.Context, o *Options, keys [][]protocol.SelectorPoint, known map[uint64]*protocol.Record, explain bool) (*Answers, error) {
	q, policy := h.about(o)
	q.Explain, q.ExplainContested, q.Known = explain, true, known
	found := &Answers{ByKey: map[int]*store.Answer{}, Policy: policy}
	at := make([]int, len(keys))
	for i := range keys {
		at[i] = i
	}
	return found, h.look(ctx, q, keys, at, found)
}

// about returns a query with options, and the policy in effect.
func (h *Hub) about(o *Options) (store.Query, protocol.Policy) {
	policy, oracles := h.config.Settings()
	q := store.Query{Owners: o.Owners, Policy: o.Policy, Oracles: o.Oracles, Authorities: o.Authorities}
	if q.Policy == nil {
		q.Policy = policy
	}
	if o.OwnOracles {
		q.Oracles = oracles
	}
	return q, q.Policy.Total()
}

// look asks the store about keys, whose places in the answers are given. Keys that are together too
// expensive are asked about in two halves.
func (h *Hub) look(ctx context.Context, q store.Query, keys [][]protocol.SelectorPoint, at []int, into *Answers) error {
	q.Keys = keys
	result, err := h.config.Store.Query(ctx, q)
	switch {
	case errors.Is(err, store.ErrTooBroad) && len(keys) > 1:
		half := len(keys) / 2
		if err := h.look(ctx, q, keys[:half], at[:half], into); err != nil {
			return err
		}
		return h.look(ctx, q, keys[half:], at[half:], into)
	case errors.Is(err, store.ErrTooBroad):
		if into.Failed == nil {
			into.Failed = map[int]error{}
		}
		into.Failed[at[0]] = h.config.Fail(err)
		return nil
	case err != nil:
		return h.config.Fail(err)
	}
	h.counts.asked.Add(uint64(len(keys)))
	for i := range result.Keys {
		into.ByKey[at[result.Keys[i].Asked]] = &result.Keys[i]
	}
	return nil
}
