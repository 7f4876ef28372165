package push

import (
	"slices"
	"time"

	lru "github.com/hashicorp/golang-lru/v2"

	"github.com/lf-store/lf/protocol"
)

// Announcement is a record to push. The frame must not change any more.
type Announcement struct {
	ID    protocol.ID
	Frame []byte
}

// queue holds the announcements that wait for one peer.
type queue struct {
	waiting []Announcement
	bytes   int
	due     time.Time     // when they are announced
	sooner  chan struct{} // has a token when due has changed
	running bool          // somebody announces them
	// known are records that the peer was told of, or that it announced or sent itself: there is no
	// need to tell it.
	known *lru.Cache[protocol.ID, struct{}]
}

func newQueue() *queue {
	return &queue{sooner: make(chan struct{}, 1), known: newCache[protocol.ID, struct{}](MaxKnown)}
}

func newCache[K comparable, V any](size int) *lru.Cache[K, V] {
	c, err := lru.New[K, V](size)
	if err != nil {
		panic(err) // the sizes are constants above 0
	}
	return c
}

// isKnown reports whether a record need not be added: the peer knows it, or it waits already. What
// waits must not be announced twice, whatever known has forgotten.
func (q *queue) isKnown(id protocol.ID) bool {
	return q.known.Contains(id) || slices.ContainsFunc(q.waiting, func(a Announcement) bool { return a.ID == id })
}

// isFull reports whether there is no room for a record.
func (q *queue) isFull(a Announcement) bool {
	return len(q.waiting) >= MaxQueue || q.bytes+len(a.Frame) > MaxBytes
}

// add has a record wait until a time at most.
func (q *queue) add(a Announcement, due time.Time) {
	q.known.Add(a.ID, struct{}{})
	if len(q.waiting) == 0 || due.Before(q.due) {
		q.due = due
		select {
		case q.sooner <- struct{}{}:
		default:
		}
	}
	q.waiting, q.bytes = append(q.waiting, a), q.bytes+len(a.Frame)
}

// markKnown notes that the peer has these records.
func (q *queue) markKnown(ids []protocol.ID) {
	for _, id := range ids {
		q.known.Add(id, struct{}{})
	}
	q.waiting = slices.DeleteFunc(q.waiting, func(a Announcement) bool {
		has := slices.Contains(ids, a.ID)
		if has {
			q.bytes -= len(a.Frame)
		}
		return has
	})
}

// take takes out what one announcement holds.
func (q *queue) take() []Announcement {
	n := min(len(q.waiting), MaxPushed)
	batch := q.waiting[:n:n]
	q.waiting = q.waiting[n:]
	for _, a := range batch {
		q.bytes -= len(a.Frame)
	}
	return batch
}

// drop drops what waits and forgets what the peer knows. It returns how many announcements that
// were.
func (q *queue) drop() int {
	n := len(q.waiting)
	q.waiting, q.bytes = nil, 0
	q.known.Purge()
	return n
}
