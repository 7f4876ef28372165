package stream

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	lru "github.com/hashicorp/golang-lru/v2"
	"github.com/libp2p/go-libp2p/core/host"
	"github.com/libp2p/go-libp2p/core/network"
	"github.com/libp2p/go-libp2p/core/peer"
	"github.com/prometheus/client_golang/prometheus"

	"github.com/lf-store/lf/internal/supervisor"
	"github.com/lf-store/lf/protocol"
	"github.com/lf-store/lf/sync/internal/penalty"
)

// Config is what a Limiter and a Dialer are made of.
type Config struct {
	Network   *protocol.Network
	Host      host.Host // a Dialer needs one
	Penalties *penalty.Penalties
	Group     *supervisor.Group // in which streams are served
	Log       *slog.Logger
	Times     *Times
	// Records is how many there are that a peer may lack; nil: few. It is called with a lock held.
	Records func() uint64
}

// Times are how long a stream may take. Tests change them before use.
type Times struct {
	Item  time.Duration
	Serve func(Service) time.Duration
}

// NewTimes returns the times that the limits say.
func NewTimes() *Times {
	return &Times{Item: ItemTime, Serve: func(s Service) time.Duration { return s.Time }}
}

// ItemDeadline is when the item that comes next must have come.
func (t *Times) ItemDeadline(ctx context.Context) time.Time {
	deadline := time.Now().Add(t.Item)
	if end, ok := ctx.Deadline(); ok && end.Before(deadline) {
		return end
	}
	return deadline
}

// Limiter is what all stream handlers share: resource scope, memory, deadline, the peer's rate and
// its number of streams. It is safe for concurrent use.
type Limiter struct {
	Config
	all *fairQueue // the units of all peers together
	// unearned are those of comparing for peers that neither fetched nor delivered as much.
	unearned *fairQueue
	results  *prometheus.CounterVec
	unserved atomic.Uint64

	mu      sync.Mutex
	budgets *lru.Cache[peer.ID, *budget]
	served  int // streams whose request has come
}

// budget is what one peer may use of this node.
type budget struct {
	served   spending       // see ServeRate
	open     int            // its streams, whether they have said what they want or not
	places   int            // of those that all share
	compares comparingSpent // see CompareBurst
	all      share          // of what all peers may have together
	unearned share          // of what they may have compared before they fetch or deliver
}

// ErrOverloaded ends a stream that is one too many.
var ErrOverloaded = errors.New("too many streams are being served")

// excess is a stream beyond a peer's share, which was reset: about 100 µs.
var excess = penalty.Minor{Weight: 1, Protocol: "streams", What: "it opens more streams than its share, again and again"}

// NewLimiter makes a limiter.
func NewLimiter(c Config) *Limiter {
	budgets, err := lru.New[peer.ID, *budget](maxBudgets)
	if err != nil {
		panic(err) // the size is above 0
	}
	return &Limiter{
		Config: c, budgets: budgets, all: newFairQueue(serveRateAll), unearned: newFairQueue(CompareRateAll),
		results: prometheus.NewCounterVec(prometheus.CounterOpts{Namespace: "lf", Subsystem: "sync",
			Name: "served_total", Help: "Streams served to peers, by service and result."}, []string{"service", "result"}),
	}
}

// Metrics are those of serving.
func (l *Limiter) Metrics() []prometheus.Collector { return []prometheus.Collector{l.results} }

// Unserved counts the streams and messages that were turned away.
func (l *Limiter) Unserved() uint64 { return l.unserved.Load() }

// Serving counts the streams whose request has come.
func (l *Limiter) Serving() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.served
}

// Open counts the streams of a peer.
func (l *Limiter) Open(p peer.ID) int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.budget(p).open
}

// Handler puts the limits before a service's handler.
func (l *Limiter) Handler(of Service, serve Handler) network.StreamHandler {
	return func(stream network.Stream) {
		accepted := l.Group.Go(func(ctx context.Context) error {
			l.Serve(ctx, of, stream, serve)
			return nil
		})
		if !accepted {
			_ = stream.Reset()
		}
	}
}

// Serve serves a stream. It reports the violation that ended it, if one did.
func (l *Limiter) Serve(ctx context.Context, of Service, stream network.Stream, serve Handler) {
	closing := ctx
	ctx, done := context.WithTimeout(ctx, l.Times.Serve(of))
	defer done()
	err := l.serve(ctx, of, stream, serve)
	if err == nil {
		err = stream.Close()
	} else {
		_ = stream.ResetWithError(resetCode(err))
	}
	l.results.WithLabelValues(of.Scope(), resultOf(err)).Inc()
	p := stream.Conn().RemotePeer()
	if !l.Penalties.Report(p, of.Scope(), err) && closing.Err() == nil && Stalled(ctx, err) {
		l.Penalties.ProbeAndPenalize(p)
	}
	if err != nil && ctx.Err() == nil {
		l.Log.Debug("could not serve a peer", "service", of.Scope(), "peer", p, "error", err)
	}
}

// resultOf names how a served stream ended.
func resultOf(err error) string {
	switch {
	case err == nil:
		return "answered"
	case errors.Is(err, ErrOverloaded):
		return "overloaded"
	case penalty.ViolationIn(err) != nil:
		return "guilty"
	}
	return "failed"
}

func resetCode(err error) network.StreamErrorCode {
	switch {
	case errors.Is(err, ErrOverloaded):
		return network.StreamRateLimited
	case penalty.ViolationIn(err) != nil:
		return network.StreamProtocolViolation
	}
	return network.StreamNoError
}

func (l *Limiter) serve(ctx context.Context, of Service, stream network.Stream, serve Handler) error {
	p := stream.Conn().RemotePeer()
	b, err := l.enter(p)
	if err != nil {
		l.Penalties.ReportMinor(p, excess)
		return err
	}
	defer l.exit(b)
	release, err := secure(ctx, of, stream, of.Memory)
	if err != nil {
		return err
	}
	defer release()
	return serve(ctx, &Served{Stream: stream, budget: b, limiter: l})
}

// secure puts a stream under its service's limits, reserves memory, and ties it to the context and
// its deadline.
func secure(ctx context.Context, of Service, stream network.Stream, memory int) (release func(), err error) {
	scope := stream.Scope()
	if err := scope.SetService(of.Scope()); err != nil {
		return nil, fmt.Errorf("join service %s: %w", of.Scope(), err)
	}
	if err := scope.ReserveMemory(memory, network.ReservationPriorityMedium); err != nil {
		return nil, fmt.Errorf("reserve memory: %w", err)
	}
	deadline, _ := ctx.Deadline()
	if err := stream.SetDeadline(deadline); err != nil {
		scope.ReleaseMemory(memory)
		return nil, fmt.Errorf("set deadline: %w", err)
	}
	unwatch := context.AfterFunc(ctx, func() { _ = stream.Reset() })
	return func() {
		unwatch()
		scope.ReleaseMemory(memory)
	}, nil
}

// budget returns a peer's; the caller holds the lock.
func (l *Limiter) budget(p peer.ID) *budget {
	b, ok := l.budgets.Get(p)
	if !ok {
		b = new(budget)
		l.budgets.Add(p, b)
	}
	return b
}

// Earned notes that a peer has fetched or delivered records: it may compare more.
func (l *Limiter) Earned(p peer.ID, records int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.budget(p).compares.earn(records)
}

// ComparingSpent is how many units a peer had compared that nothing came of.
func (l *Limiter) ComparingSpent(p peer.ID) float64 {
	l.mu.Lock()
	defer l.mu.Unlock()
	spent := &l.budget(p).compares
	spent.refill(time.Now())
	return spent.units
}

// enter counts a peer's stream in, or turns it away.
func (l *Limiter) enter(p peer.ID) (*budget, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	b := l.budget(p)
	if b.open >= MaxServed {
		l.unserved.Add(1)
		return nil, ErrOverloaded
	}
	b.open++
	return b, nil
}

func (l *Limiter) exit(b *budget) {
	l.mu.Lock()
	defer l.mu.Unlock()
	b.open--
}

// begin counts in a stream whose request has come, unless all places are taken, or half of them and
// the peer has one.
func (l *Limiter) begin(b *budget) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if free := MaxServedAll - l.served; free == 0 || b.places > 0 && free <= MaxServedAll/2 {
		l.unserved.Add(1)
		return false
	}
	l.served++
	b.places++
	return true
}

func (l *Limiter) end(b *budget) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.served--
	b.places--
}
