package lfsync

import (
	"cmp"
	"container/heap"
	"context"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/sync/semaphore"

	"github.com/lf-store/lf/protocol"
)

// line is where fetched records stand between their answers and the store. They come by several
// answers at once and in batches that several cores verify, so out of order; they leave in the
// order of their timestamps, which has parents first, and each only when none of its ancestors is
// on its way: what reaches the store is attached there at once, and hardly any record becomes
// pending. One goroutine, write, takes them to the store, many in a transaction, while others are
// read and verified.
//
// A record here is being checked, blocked (by ancestors that are on their way), or ready. What may
// be in it at a time is bounded by room. When somebody waits for room, or too long has passed, the
// blocked ones go to the store as they are: nothing here waits for ever.
type line struct {
	room    *semaphore.Weighted // bytes of memory
	waiters atomic.Int32        // who wait for room
	wake    chan struct{}       // has a token when there may be something to write

	mu      sync.Mutex // guards what follows; it may be taken inside Sync.mu, never around it
	inside  map[protocol.ID]*parcel
	blocked map[protocol.ID][]*parcel // by the ancestor that each waits for
	ready   parcelHeap
}

// parcel is a fetched record on its way.
type parcel struct {
	record *protocol.Record
	from   Source
	depth  int   // of what it reveals as missing
	asked  bool  // it was asked for, and did not come as an ancestor
	size   int64 // memory
	needs  int   // ancestors that block it
	ready  bool
	since  time.Time // when it was blocked
}

func newLine() *line {
	return &line{
		room: semaphore.NewWeighted(fetchBytes), wake: make(chan struct{}, 1),
		inside: make(map[protocol.ID]*parcel), blocked: make(map[protocol.ID][]*parcel),
	}
}

// reserve waits for so much room.
func (l *line) reserve(ctx context.Context, size int64) error {
	if l.room.TryAcquire(size) {
		return nil
	}
	l.waiters.Add(1)
	defer l.waiters.Add(-1)
	l.rouse()
	return l.room.Acquire(ctx, size)
}

// enter takes in records that are about to be checked, and returns them without those that are here
// already.
func (l *line) enter(ps []*parcel) []*parcel {
	l.mu.Lock()
	defer l.mu.Unlock()
	return slices.DeleteFunc(ps, func(p *parcel) bool {
		id := p.record.ID()
		if l.inside[id] != nil {
			l.room.Release(p.size)
			return true
		}
		l.inside[id] = p
		return false
	})
}

// pass has records that are valid wait for the store. coming reports, of an ID, whether it is asked
// for.
func (l *line) pass(ps []*parcel, coming func(protocol.ID) bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	// parents first: they are here before their children look for them
	slices.SortFunc(ps, compareParcels)
	now := time.Now()
	for _, p := range ps {
		for _, link := range p.record.Links {
			if before := l.inside[link]; before != nil && !before.ready || before == nil && coming(link) {
				l.blocked[link] = append(l.blocked[link], p)
				p.needs++
			}
		}
		p.since = now
		if p.needs == 0 {
			l.makeReady(p)
		}
	}
	l.rouse()
}

// leave takes out records that turned out to be invalid, or known.
func (l *line) leave(ps []*parcel) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, p := range ps {
		delete(l.inside, p.record.ID())
		l.room.Release(p.size)
		l.unblock(p.record.ID())
	}
	l.rouse()
}

// forgo tells of records that need not be waited for.
func (l *line) forgo(ids []protocol.ID) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, id := range ids {
		if l.inside[id] == nil {
			l.unblock(id)
		}
	}
	l.rouse()
}

// makeReady lets a record go to the store, and after it what waits for nothing else.
func (l *line) makeReady(p *parcel) {
	p.ready = true
	heap.Push(&l.ready, p)
	l.unblock(p.record.ID())
}

func (l *line) unblock(id protocol.ID) {
	waiting := l.blocked[id]
	delete(l.blocked, id)
	for _, p := range waiting {
		if p.needs--; p.needs == 0 && !p.ready {
			l.makeReady(p)
		}
	}
}

// take takes out what goes to the store next, as much as is put at a time. Its room is still taken.
func (l *line) take() []*parcel {
	l.mu.Lock()
	defer l.mu.Unlock()
	if len(l.ready) == 0 && l.waiters.Load() > 0 {
		l.flush()
	}
	var taken []*parcel
	for bytes := 0; len(l.ready) > 0 && len(taken) < maxPut && bytes < maxPutBytes; {
		p := heap.Pop(&l.ready).(*parcel)
		delete(l.inside, p.record.ID())
		bytes += p.record.WireSize()
		taken = append(taken, p)
	}
	if len(l.ready) > 0 {
		l.rouse()
	}
	return taken
}

// age lets go whatever is blocked if some record has been for too long.
func (l *line) age(now time.Time) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, waiting := range l.blocked {
		if now.Sub(waiting[0].since) >= blockTime {
			l.flush()
			return
		}
	}
}

// flush lets go whatever is blocked.
func (l *line) flush() {
	for _, waiting := range l.blocked {
		for _, p := range waiting {
			if !p.ready {
				p.ready = true
				heap.Push(&l.ready, p)
			}
		}
	}
	clear(l.blocked)
}

// rouse has the writer look.
func (l *line) rouse() {
	select {
	case l.wake <- struct{}{}:
	default:
	}
}

// parcelHeap orders records by time, and by ID so that the order is total.
type parcelHeap []*parcel

func (h parcelHeap) Len() int           { return len(h) }
func (h parcelHeap) Less(i, j int) bool { return compareParcels(h[i], h[j]) < 0 }
func (h parcelHeap) Swap(i, j int)      { h[i], h[j] = h[j], h[i] }

// Push is heap.Interface's.
func (h *parcelHeap) Push(x any) { *h = append(*h, x.(*parcel)) }

// Pop is heap.Interface's.
func (h *parcelHeap) Pop() any {
	old := *h
	p := old[len(old)-1]
	old[len(old)-1] = nil
	*h = old[:len(old)-1]
	return p
}

func compareParcels(a, b *parcel) int {
	x, y := a.record, b.record
	return cmp.Or(cmp.Compare(x.Timestamp, y.Timestamp), x.ID().Compare(y.ID()))
}
