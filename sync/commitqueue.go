package lfsync

import (
	"cmp"
	"context"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/sync/semaphore"

	"github.com/lf-store/lf/internal/heap"
	"github.com/lf-store/lf/protocol"
)

// commitQueue is where fetched records stand between their answers and the store. They come out of
// order, by several answers at once and in batches that several cores verify. They leave in the
// order of their timestamps, which has parents first, and none leaves before an ancestor that is on
// its way. So the store attaches them at once, and hardly any record becomes pending. One
// goroutine, write, takes them to the store, many in a transaction, while others are read and
// verified.
//
// A record here is being checked, blocked (by ancestors that are on their way), or ready. What may
// be in it at a time is bounded by room. When somebody waits for room, or too long has passed, the
// blocked ones go to the store as they are: nothing here waits without limit.
type commitQueue struct {
	room    *semaphore.Weighted // bytes of memory
	waiters atomic.Int32        // who wait for room
	wakes   chan struct{}       // has a token when there may be something to write

	mu      sync.Mutex // guards what follows; it may be taken inside Sync.mu, never around it
	inside  map[protocol.ID]*incoming
	blocked map[protocol.ID][]*incoming // by the ancestor that each waits for
	ready   *heap.Heap[*incoming]       // by time
}

// queued is what the commit queue notes of a record.
type queued struct {
	size  int64 // memory
	needs int   // ancestors that block it
	ready bool
	since time.Time // when it was blocked
}

func newCommitQueue() *commitQueue {
	return &commitQueue{
		room: semaphore.NewWeighted(fetchBytes), wakes: make(chan struct{}, 1),
		inside: make(map[protocol.ID]*incoming), blocked: make(map[protocol.ID][]*incoming),
		ready: heap.New(func(a, b *incoming) bool { return compareIncoming(a, b) < 0 }, nil),
	}
}

// reserve waits for so much room.
func (q *commitQueue) reserve(ctx context.Context, size int64) error {
	if q.room.TryAcquire(size) {
		return nil
	}
	q.waiters.Add(1)
	defer q.waiters.Add(-1)
	q.wake()
	return q.room.Acquire(ctx, size)
}

// enter takes in records that are about to be checked, and returns them without those that are here
// already.
func (q *commitQueue) enter(batch []*incoming) []*incoming {
	q.mu.Lock()
	defer q.mu.Unlock()
	return slices.DeleteFunc(batch, func(in *incoming) bool {
		id := in.record.ID()
		if q.inside[id] != nil {
			q.room.Release(in.size)
			return true
		}
		q.inside[id] = in
		return false
	})
}

// pass has records that are valid wait for the store. coming reports, of an ID, whether it is asked
// for.
func (q *commitQueue) pass(batch []*incoming, coming func(protocol.ID) bool) {
	q.mu.Lock()
	defer q.mu.Unlock()
	// parents first: they are here before their children look for them
	slices.SortFunc(batch, compareIncoming)
	now := time.Now()
	for _, in := range batch {
		for _, link := range in.record.Links {
			if before := q.inside[link]; before != nil && !before.ready || before == nil && coming(link) {
				q.blocked[link] = append(q.blocked[link], in)
				in.needs++
			}
		}
		in.since = now
		if in.needs == 0 {
			q.makeReady(in)
		}
	}
	q.wake()
}

// leave takes out records that turned out to be invalid, or known.
func (q *commitQueue) leave(batch []*incoming) {
	q.mu.Lock()
	defer q.mu.Unlock()
	for _, in := range batch {
		delete(q.inside, in.record.ID())
		q.room.Release(in.size)
		q.unblock(in.record.ID())
	}
	q.wake()
}

// skip tells of records that need not be waited for.
func (q *commitQueue) skip(ids []protocol.ID) {
	q.mu.Lock()
	defer q.mu.Unlock()
	for _, id := range ids {
		if q.inside[id] == nil {
			q.unblock(id)
		}
	}
	q.wake()
}

// makeReady lets a record go to the store, and after it what waits for nothing else.
func (q *commitQueue) makeReady(in *incoming) {
	in.ready = true
	q.ready.Push(in)
	q.unblock(in.record.ID())
}

func (q *commitQueue) unblock(id protocol.ID) {
	waiting := q.blocked[id]
	delete(q.blocked, id)
	for _, in := range waiting {
		if in.needs--; in.needs == 0 && !in.ready {
			q.makeReady(in)
		}
	}
}

// take takes out what goes to the store next, as much as is put at a time. Its room is still taken.
func (q *commitQueue) take() []*incoming {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.ready.Len() == 0 && q.waiters.Load() > 0 {
		q.flush()
	}
	var taken []*incoming
	for bytes := 0; q.ready.Len() > 0 && len(taken) < maxPut && bytes < maxPutBytes; {
		in := q.ready.Pop()
		delete(q.inside, in.record.ID())
		bytes += in.record.WireSize()
		taken = append(taken, in)
	}
	if q.ready.Len() > 0 {
		q.wake()
	}
	return taken
}

// flushStale lets go whatever is blocked if some record has been for too long.
func (q *commitQueue) flushStale(now time.Time) {
	q.mu.Lock()
	defer q.mu.Unlock()
	for _, waiting := range q.blocked {
		if now.Sub(waiting[0].since) >= blockTime {
			q.flush()
			return
		}
	}
}

// flush lets go whatever is blocked.
func (q *commitQueue) flush() {
	for _, waiting := range q.blocked {
		for _, in := range waiting {
			if !in.ready {
				in.ready = true
				q.ready.Push(in)
			}
		}
	}
	clear(q.blocked)
}

// wake has the writer look.
func (q *commitQueue) wake() {
	select {
	case q.wakes <- struct{}{}:
	default:
	}
}

// compareIncoming orders records by time, and by ID so that the order is total.
func compareIncoming(a, b *incoming) int {
	x, y := a.record, b.record
	return cmp.Or(cmp.Compare(x.Timestamp, y.Timestamp), x.ID().Compare(y.ID()))
}
