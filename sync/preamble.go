package lfsync

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	lru "github.com/hashicorp/golang-lru/v2"
	"github.com/libp2p/go-libp2p/core/network"
	"github.com/libp2p/go-libp2p/core/peer"
	libprotocol "github.com/libp2p/go-libp2p/core/protocol"
	"golang.org/x/time/rate"

	"github.com/lf-store/lf/protocol"
)

// streamProtocol is the name of one of the network's stream protocols, version 1.
func streamProtocol(n *protocol.Network, name string) libprotocol.ID {
	return libprotocol.ID("/lf/" + n.ID().String() + "/" + name + "/1")
}

// guard is the preamble that all stream handlers share: resource scope, memory, deadline, the
// peer's rate and number of streams.
type guard struct {
	sync    *Sync
	mu      sync.Mutex
	budgets *lru.Cache[peer.ID, *budget]
	served  int        // streams whose request has come
	all     *fairQueue // the units of all peers together
	// unearned are those of comparing for peers that neither fetched nor delivered as much.
	unearned *fairQueue
}

// budget is what one peer may use of this node.
type budget struct {
	units    *rate.Limiter  // see serveRate
	open     int            // its streams, whether they have said what they want or not
	places   int            // of those that all share
	compares comparingSpent // see compareBurst
	all      share          // of what all peers may have together
	unearned share          // of what they may have compared before they fetch or deliver
}

// errOverloaded ends a stream that is one too many.
var errOverloaded = errors.New("too many streams are being served")

func newGuard(s *Sync) *guard {
	return &guard{sync: s, budgets: newCache[peer.ID, *budget](maxBudgets), all: newFairQueue(serveRateAll),
		unearned: newFairQueue(compareRateAll)}
}

// visit is a stream being served.
type visit struct {
	network.Stream
	budget *budget
	guard  *guard
}

// begin takes one of the places that all peers share, and the memory to serve, once the request has
// come: a peer that opens streams and says nothing keeps the others from nothing.
func (v *visit) begin() (end func(), err error) {
	if err := v.Scope().ReserveMemory(serveMemory, network.ReservationPriorityMedium); err != nil {
		return nil, fmt.Errorf("reserve memory: %w", err)
	}
	if !v.guard.begin(v.budget) {
		v.Scope().ReleaseMemory(serveMemory)
		return nil, errOverloaded
	}
	return func() {
		v.guard.end(v.budget)
		v.Scope().ReleaseMemory(serveMemory)
	}, nil
}

// pay waits until the peer may have so many units more. It fails where that is not before the
// deadline.
func (v *visit) pay(ctx context.Context, units int) error {
	if err := v.budget.units.WaitN(ctx, min(units, serveBurst)); err != nil {
		return fmt.Errorf("rate limit: %w", err)
	}
	if err := v.guard.all.take(ctx, &v.budget.all, min(units, serveRateAll)); err != nil {
		return fmt.Errorf("rate limit of all peers: %w", err)
	}
	return nil
}

// handler wraps serve into the preamble. A serve that fails has its stream reset, one that does not
// has it closed.
func (g *guard) handler(service string, serve func(context.Context, *visit) error) network.StreamHandler {
	return func(stream network.Stream) {
		if !g.sync.begin() {
			_ = stream.Reset()
			return
		}
		defer g.sync.running.Done()
		g.handle(service, stream, serve)
	}
}

func (g *guard) handle(service string, stream network.Stream, serve func(context.Context, *visit) error) {
	ctx, done := context.WithTimeout(g.sync.ctx, g.timeOf(service))
	defer done()
	err := g.serve(ctx, service, stream, serve)
	if err == nil {
		err = stream.Close()
	} else {
		_ = stream.ResetWithError(resetCode(err))
	}
	g.sync.metrics.served(service, err)
	g.sync.blame(ctx, stream.Conn().RemotePeer(), service, err)
	if err != nil && ctx.Err() == nil {
		g.sync.log.Debug("could not serve a peer", "service", service, "peer", stream.Conn().RemotePeer(), "error", err)
	}
}

// timeOf is how long a stream of a service may be served.
func (g *guard) timeOf(service string) time.Duration {
	if service == reconcileService {
		return g.sync.timeouts.session
	}
	return g.sync.timeouts.serve
}

// memoryOf is what a stream of a service holds while nothing is asked.
func memoryOf(service string) int {
	switch service {
	case reconcileService:
		return servingMemory
	case clockService:
		return clockMemory
	}
	return requestMemory // a push that announces is no larger than a request
}

func (g *guard) serve(ctx context.Context, service string, stream network.Stream, serve func(context.Context, *visit) error) error {
	b, err := g.enter(stream.Conn().RemotePeer())
	if err != nil {
		g.sync.conduct.bother(stream.Conn().RemotePeer(), nuisanceStream)
		return err
	}
	defer g.exit(b)
	release, err := secure(ctx, service, stream, memoryOf(service))
	if err != nil {
		return err
	}
	defer release()
	return serve(ctx, &visit{Stream: stream, budget: b, guard: g})
}

// secure puts a stream under its service's limits, reserves memory, and ties it to the context and
// its deadline.
func secure(ctx context.Context, service string, stream network.Stream, memory int) (release func(), err error) {
	scope := stream.Scope()
	if err := scope.SetService(service); err != nil {
		return nil, fmt.Errorf("join service %s: %w", service, err)
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
func (g *guard) budget(p peer.ID) *budget {
	b, ok := g.budgets.Get(p)
	if !ok {
		b = &budget{units: rate.NewLimiter(serveRate, serveBurst)}
		g.budgets.Add(p, b)
	}
	return b
}

// mayCompare reports whether a peer may have another message compared. One that compares again and
// again, and fetches and delivers nothing, is a nuisance.
func (v *visit) mayCompare() bool {
	g := v.guard
	g.mu.Lock()
	left := v.budget.compares.left(time.Now())
	g.mu.Unlock()
	if !left {
		g.sync.metrics.unserved.Add(1)
		g.sync.conduct.bother(v.Conn().RemotePeer(), nuisanceJunk)
	}
	return left
}

// payCompared pays for a message that was compared.
func (v *visit) payCompared(ctx context.Context, units int) error {
	v.guard.mu.Lock()
	unearned := v.budget.compares.spend(time.Now(), units)
	v.guard.mu.Unlock()
	if unearned > 0 {
		if err := v.guard.unearned.take(ctx, &v.budget.unearned, min(unearned, compareRateAll)); err != nil {
			return fmt.Errorf("rate limit of comparing: %w", err)
		}
	}
	return v.pay(ctx, units)
}

// fruit notes that a peer has fetched or delivered records.
func (g *guard) fruit(p peer.ID, records int) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.budget(p).compares.earn(records)
}

// enter counts a peer's stream in, or turns it away.
func (g *guard) enter(p peer.ID) (*budget, error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	b := g.budget(p)
	if b.open >= maxServed {
		g.sync.metrics.unserved.Add(1)
		return nil, errOverloaded
	}
	b.open++
	return b, nil
}

func (g *guard) exit(b *budget) {
	g.mu.Lock()
	defer g.mu.Unlock()
	b.open--
}

// begin counts in a stream whose request has come, unless all places are taken, or half of them and
// the peer has one.
func (g *guard) begin(b *budget) bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	if free := maxServedAll - g.served; free == 0 || b.places > 0 && free <= maxServedAll/2 {
		g.sync.metrics.unserved.Add(1)
		return false
	}
	g.served++
	b.places++
	return true
}

func (g *guard) end(b *budget) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.served--
	b.places--
}

// turnedAway reports whether the other side reset a stream because it serves as many as it can.
func turnedAway(err error) bool {
	var reset *network.StreamError
	return errors.As(err, &reset) && reset.Remote && reset.ErrorCode == network.StreamRateLimited
}

func resetCode(err error) network.StreamErrorCode {
	var fault *guiltyError
	switch {
	case errors.Is(err, errOverloaded):
		return network.StreamRateLimited
	case errors.As(err, &fault):
		return network.StreamProtocolViolation
	default:
		return network.StreamNoError
	}
}

// itemDeadline is when the item that comes next must have come.
func (s *Sync) itemDeadline(ctx context.Context) time.Time {
	t := time.Now().Add(s.timeouts.item)
	if end, ok := ctx.Deadline(); ok && end.Before(t) {
		return end
	}
	return t
}
