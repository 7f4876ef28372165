package apiwriter

import (
	"context"
	"crypto/rand"
	"sync"
	"time"

	"github.com/lf-store/lf/internal/caller"
	"github.com/lf-store/lf/internal/embedder"
	"github.com/lf-store/lf/internal/workqueue"
	"github.com/lf-store/lf/node/api"
	"github.com/lf-store/lf/protocol"
)

// turnWithin is how long a turn is kept for a client that composes a record: a few round trips of a
// bad connection.
const turnWithin = 15 * time.Second

// Worker implements Work of api.Service. Its methods are safe for concurrent use.
type Worker struct {
	network *protocol.Network
	pool    *workqueue.Pool
	proofs  *Proofs

	mu    sync.Mutex
	turns map[string]*heldTurn
}

// heldTurn is a turn that waits for its client to come with a record.
type heldTurn struct {
	turn   *workqueue.Turn
	client string
	expiry *time.Timer
}

// NewWorker returns a worker with the threads of a pool. It remembers what it found in proofs.
func NewWorker(n *protocol.Network, pool *workqueue.Pool, proofs *Proofs) *Worker {
	return &Worker{network: n, pool: pool, proofs: proofs, turns: map[string]*heldTurn{}}
}

// Work implements api.Service. Its errors may be those of package workqueue.
func (w *Worker) Work(ctx context.Context, by workqueue.Client, r api.WorkRequest) (*api.WorkResult, error) {
	if err := r.Check(w.network); err != nil {
		return nil, err
	}
	if len(r.Worked) == 0 {
		return w.giveTurn(ctx, by, r.Effort)
	}
	work, err := w.Prove(ctx, by, [32]byte(r.Worked), r.Effort, r.Turn, nil)
	if err != nil {
		return nil, err
	}
	return api.NewWorkResult(work), nil
}

// Prove returns the proof for the hash of a signed record. It works for each hash once. turn is the
// turn that the client was given, "" for none. begin may be nil: it is called when the turn has
// come, unless the proof is known, and may refuse the work.
func (w *Worker) Prove(ctx context.Context, by workqueue.Client, worked [32]byte, effort uint32, turn string, begin func() error) (work protocol.Work, err error) {
	if known, ok := w.proofs.Get(worked, effort); ok {
		w.drop(by, turn)
		return known, nil
	}
	t, err := w.Turn(ctx, by, effort, turn)
	if err != nil {
		return work, err
	}
	defer t.Leave()
	if begin != nil {
		if err := begin(); err != nil {
			return work, err
		}
	}
	if work, err = t.Solve(ctx, w.network.WorkChallenge(worked), effort); err == nil {
		w.proofs.Add(worked, work)
	}
	return work, err
}

// ClientOf is who asks for work in a request: the holders of each limited token, each client of a
// proxy, or the user.
func ClientOf(ctx context.Context) workqueue.Client {
	by := caller.Of(ctx)
	return workqueue.Client{Name: by.Name, EffortPerHour: by.EffortPerHour}
}

// TakeTurn waits for the turn of a record of the caller's that takes this effort. It is what
// [embedder.Hooks] want.
func (w *Worker) TakeTurn(ctx context.Context, effort uint32) (embedder.Turn, error) {
	turn, err := w.pool.TakeTurn(ctx, ClientOf(ctx), effort)
	if err != nil {
		return nil, err // and no turn, which is not a nil *workqueue.Turn
	}
	return turn, nil
}

// giveTurn waits for a turn and keeps it for the client.
func (w *Worker) giveTurn(ctx context.Context, by workqueue.Client, effort uint32) (*api.WorkResult, error) {
	turn, err := w.pool.TakeTurn(ctx, by, effort)
	if err != nil {
		return nil, err
	}
	id := rand.Text()
	w.mu.Lock()
	defer w.mu.Unlock()
	w.turns[id] = &heldTurn{turn: turn, client: by.Name, expiry: time.AfterFunc(turnWithin, func() { w.drop(by, id) })}
	return &api.WorkResult{Effort: effort, Turn: id, TurnMS: uint64(turnWithin.Milliseconds())}, nil
}

// Turn returns the turn that a client was given, or waits for a new one where id is "". The caller
// must Leave.
func (w *Worker) Turn(ctx context.Context, by workqueue.Client, effort uint32, id string) (*workqueue.Turn, error) {
	if id == "" {
		return w.pool.TakeTurn(ctx, by, effort)
	}
	if held := w.take(by, id); held != nil {
		return held, nil
	}
	return nil, api.Conflict("the turn has passed: it is kept for %s. Take another one", turnWithin)
}

func (w *Worker) take(by workqueue.Client, id string) *workqueue.Turn {
	w.mu.Lock()
	defer w.mu.Unlock()
	held, ok := w.turns[id]
	if !ok || held.client != by.Name {
		return nil
	}
	delete(w.turns, id)
	held.expiry.Stop()
	return held.turn
}

// drop gives a turn up that nobody comes for.
func (w *Worker) drop(by workqueue.Client, id string) {
	if turn := w.take(by, id); turn != nil {
		turn.Leave()
	}
}
