package oracle

import (
	"slices"
	"time"

	"github.com/lf-store/lf/protocol"
)

// queue holds the words that wait to be said, by composite key, the keys in the order in which they
// came. It is bounded: what does not fit is not lost, as the machine looks at the same page of the
// store again.
type queue struct {
	limit, words int
	keys         []*waitingKey
	byKey        map[protocol.CompositeID]*waitingKey
}

// waitingKey is a composite key about which there are words to say.
type waitingKey struct {
	composite protocol.CompositeID
	words     []Word
	// after is the cursor from which the key is found again; at is when it was judged.
	after uint64
	at    time.Duration
}

func newQueue(limit int) queue {
	return queue{limit: limit, byKey: make(map[protocol.CompositeID]*waitingKey)}
}

// put replaces what waits about a composite key and reports whether there was room for all of it. A
// key that waits already keeps its turn.
func (q *queue) put(k waitingKey) bool {
	old := q.byKey[k.composite]
	room := q.limit - q.words
	if old != nil {
		room += len(old.words)
	}
	fits := len(k.words) <= room
	k.words = k.words[:min(len(k.words), room)]
	switch {
	case old == nil && len(k.words) == 0:
	case old == nil:
		q.keys = append(q.keys, &k)
		q.byKey[k.composite] = &k
		q.words += len(k.words)
	default:
		q.words += len(k.words) - len(old.words)
		*old = k
		q.sweep()
	}
	return fits
}

// sweep forgets the keys about which nothing is left to say.
func (q *queue) sweep() {
	q.keys = slices.DeleteFunc(q.keys, func(k *waitingKey) bool {
		if len(k.words) == 0 {
			delete(q.byKey, k.composite)
		}
		return len(k.words) == 0
	})
}

// first returns the words whose turn it is, at most n, in the order of a commentary, and when the
// oldest of them was decided.
func (q *queue) first(n int) (words []Word, decided time.Duration) {
	for i, k := range q.keys {
		if len(words) == n {
			break
		}
		if i == 0 || k.at < decided {
			decided = k.at
		}
		words = append(words, k.words[:min(len(k.words), n-len(words))]...)
	}
	slices.SortFunc(words, compareWords)
	return words, decided
}

// drop forgets words that were said.
func (q *queue) drop(words []Word) {
	for _, w := range words {
		if k := q.byKey[w.Composite]; k != nil {
			before := len(k.words)
			k.words = slices.DeleteFunc(k.words, func(x Word) bool { return x == w })
			q.words -= before - len(k.words)
		}
	}
	q.sweep()
}

// cursor is the least cursor from which all that waits is found again, at most pos.
func (q *queue) cursor(pos uint64) uint64 {
	for _, k := range q.keys {
		pos = min(pos, k.after)
	}
	return pos
}
