package pulse

import (
	"context"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"runtime"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/libp2p/go-libp2p/core/peer"

	"github.com/lf-store/lf/internal/intake"
	"github.com/lf-store/lf/internal/supervisor"
	"github.com/lf-store/lf/protocol"
	"github.com/lf-store/lf/sync/internal/stream"
)

// Store is what pulses need of a store. It is safe for concurrent use.
type Store interface {
	// PulsedRecord returns an attached record, and whether it may have pulses as far as other
	// records say. It reports false where the record is not here, or damaged.
	PulsedRecord(ctx context.Context, id protocol.ID) (intake.Pulsed, bool, error)
	// Pulses yields the pulses that are kept, each with its record.
	Pulses(ctx context.Context, yield func(protocol.Pulse, intake.Pulsed)) error
	// KeepPulses keeps pulses, each in place of the one of the same record, and forgets those of
	// the records with other indices.
	KeepPulses(ctx context.Context, keep []intake.KeptPulse, forget []uint64) error
}

// Config is what a Keeper is made of.
type Config struct {
	Network *protocol.Network
	Store   Store
	// Publish gossips a pulse to the mesh.
	Publish func(ctx context.Context, data []byte)
	// Relayed reports whether a peer is reached through a relay only.
	Relayed func(peer.ID) bool
	Dialer  *stream.Dialer
	Group   *supervisor.Group // in which peers are asked and pushed to
	Clock   func() time.Time
	Log     *slog.Logger
}

// Keeper decides about pulses, and keeps the newest of each claim. It is safe for concurrent use.
type Keeper struct {
	c       Config
	started time.Time
	metrics *metrics
	cores   chan struct{} // a token for each core that verifies pulses: others need the rest
	waiting chan struct{} // a token for each pulse that waits for one or is on it
	dropped atomic.Uint64 // for want of a core, or for relayed peers
	loaded  chan struct{} // closed when what was kept before a restart is back

	mu        sync.Mutex
	plan      *plan
	asks      *asks
	outboxes  map[peer.ID]*outbox // of the peers that are reached through a relay only
	answers   *answerLimits
	followers []func(Claim)
}

// New makes a keeper. Run brings back what was kept before.
func New(c Config) *Keeper {
	k := &Keeper{
		c: c, started: time.Now(), plan: newPlan(c.Network, maxClaims), asks: newAsks(rand.Float64), outboxes: map[peer.ID]*outbox{},
		cores: make(chan struct{}, max(1, runtime.GOMAXPROCS(0)/2)), waiting: make(chan struct{}, maxWaiting), answers: newAnswerLimits(),
		loaded: make(chan struct{}),
	}
	k.metrics = newMetrics(k)
	return k
}

func (k *Keeper) elapsed() time.Duration { return time.Since(k.started) }

// load brings back what was kept before a restart. Meanwhile newer pulses may come.
func (k *Keeper) load(ctx context.Context) {
	defer close(k.loaded)
	now := k.c.Clock()
	err := k.c.Store.Pulses(ctx, func(p protocol.Pulse, r intake.Pulsed) {
		f := factsOf(k.c.Network, r, now)
		k.mu.Lock()
		defer k.mu.Unlock()
		k.plan.restore(p, f, k.plan.inTime(p.Second, source{answered: true}, now))
	})
	if err != nil && ctx.Err() == nil {
		k.c.Log.Error("could not read the pulses from before the start: those of peers will do", "error", err)
	}
}

// waitLoaded waits until what was kept before a restart is back.
func (k *Keeper) waitLoaded(ctx context.Context) error {
	select {
	case <-k.loaded:
		return nil
	case <-ctx.Done():
		return fmt.Errorf("wait for the pulses from before the start: %w", context.Cause(ctx))
	}
}

func (k *Keeper) isLoaded() bool {
	select {
	case <-k.loaded:
		return true
	default:
		return false
	}
}

// Newest returns the newest pulse of a claim. The claim may have been released since: then it says
// nothing, unless it is of a record that stands. After a start it waits for what was kept.
func (k *Keeper) Newest(ctx context.Context, c Claim) (protocol.Pulse, bool, error) {
	if err := k.waitLoaded(ctx); err != nil {
		return protocol.Pulse{}, false, err
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	e := k.plan.claims[c]
	if e == nil || e.Second+keepSeconds < k.second() {
		return protocol.Pulse{}, false, nil
	}
	return e.Pulse, true, nil
}

func (k *Keeper) second() uint64 { return uint64(max(0, k.c.Clock().Unix())) }

// Follow has fn told of each claim with a new pulse. fn is quick.
func (k *Keeper) Follow(fn func(Claim)) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.followers = append(slices.Clip(k.followers), fn)
}

// Count is how many claims have a pulse.
func (k *Keeper) Count() int {
	k.mu.Lock()
	defer k.mu.Unlock()
	return len(k.plan.claims)
}

// Dropped counts the pulses that were given up because a queue was full.
func (k *Keeper) Dropped() uint64 { return k.dropped.Load() }

// Meet tells whether a peer speaks the protocol.
func (k *Keeper) Meet(p peer.ID, speaks bool) {
	relayed := speaks && k.c.Relayed(p)
	k.mu.Lock()
	defer k.mu.Unlock()
	k.asks.meet(p, speaks, k.elapsed())
	switch o := k.outboxes[p]; {
	case relayed && o == nil:
		k.outboxes[p] = newOutbox()
	case !relayed && o != nil:
		delete(k.outboxes, p)
	}
}

// Run brings back the pulses from before a restart. Then it saves new ones now and then and forgets
// old ones, until its context ends.
func (k *Keeper) Run(ctx context.Context) error {
	k.load(ctx)
	tick := time.NewTicker(saveEvery)
	defer tick.Stop()
	for {
		select {
		case <-tick.C:
			k.save(ctx)
		case <-ctx.Done():
			ctx, done := context.WithTimeout(context.WithoutCancel(ctx), storeTime)
			defer done()
			k.save(ctx)
			return nil
		}
	}
}

// save writes to the disk what has changed.
func (k *Keeper) save(ctx context.Context) {
	k.mu.Lock()
	k.plan.expire(k.second())
	keep, forget := k.plan.save()
	k.mu.Unlock()
	if len(keep) == 0 && len(forget) == 0 {
		return
	}
	if err := k.c.Store.KeepPulses(ctx, keep, forget); err != nil {
		k.c.Log.Error("could not save pulses", "pulses", len(keep), "error", err)
	}
}
