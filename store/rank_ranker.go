package store

import (
	"context"
	"errors"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/lf-store/lf/protocol"
)

// ranker knows what is left to do in the table claims. Its goroutine has the writer do a portion at
// a time.
type ranker struct {
	due chan struct{} // holds a token when there may be something to do
	// noneCrowded saves queries a look-up for each key, while no key is crowded.
	noneCrowded atomic.Bool

	mu      sync.Mutex
	oracles []protocol.Owner
	elect   bool // oracles are to be those elected
	stale   []staleRank
	roots   []rootsEpoch
}

// staleRank says that leads of a crowded key's claims of one rank are far above their weights.
type staleRank struct{ crowd, rank int64 }

func newRanker() *ranker { return &ranker{due: make(chan struct{}, 1)} }

func (r *ranker) wake() {
	select {
	case r.due <- struct{}{}:
	default:
	}
}

// Elect says which oracles queries usually name, at most 64. Only with these oracles is a query
// about a key that many owners claim answered without ranking all claims. It returns at once, and
// the objections are counted in the background where they are others than before.
func (s *Store) Elect(oracles []protocol.Owner) {
	oracles = sortedOwners(oracles)
	if len(oracles) > maxOracles {
		return
	}
	s.ranker.mu.Lock()
	changed := !s.ranker.elect || !slices.Equal(oracles, s.ranker.oracles)
	s.ranker.oracles, s.ranker.elect = oracles, true
	s.ranker.mu.Unlock()
	if changed {
		s.ranker.wake()
	}
}

// refresh has leads of claims lowered by and by, and refreshRoots those of roots.
func (r *ranker) refresh(stale staleRank)       { refreshIn(r, &r.stale, stale) }
func (r *ranker) refreshRoots(stale rootsEpoch) { refreshIn(r, &r.roots, stale) }

func refreshIn[T comparable](r *ranker, list *[]T, stale T) {
	r.mu.Lock()
	known := slices.Contains(*list, stale) || len(*list) >= maxStale
	if !known {
		*list = append(*list, stale)
	}
	r.mu.Unlock()
	if !known {
		r.wake()
	}
}

// lowest does what is first in a list, takes it off once it is done, and reports whether there is
// more to do.
func lowest[T comparable](r *ranker, list *[]T, lower func(T) (done bool, err error)) (more bool, err error) {
	r.mu.Lock()
	if len(*list) == 0 {
		r.mu.Unlock()
		return false, nil
	}
	first := (*list)[0]
	r.mu.Unlock()
	done, err := lower(first)
	if err != nil || !done {
		return !done, err
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	*list = slices.DeleteFunc(*list, func(s T) bool { return s == first })
	return len(*list) > 0, nil
}

// runRanker does what there is to do until the store closes.
func (s *Store) runRanker() {
	defer close(s.rankerDone)
	for {
		select {
		case <-s.quit:
			return
		case <-s.ranker.due:
		}
		for more := true; more; {
			began := time.Now()
			err := s.change(context.Background(), func(t *tx) (err error) {
				more, err = t.rankSome()
				return err
			})
			switch {
			case errors.Is(err, ErrClosed):
				return
			case err != nil:
				s.options.Logger.Warn("rank claims: try again later", "error", err)
				more = false
			}
			select { // as long again is left to others
			case <-s.quit:
				return
			case <-time.After(min(time.Since(began), maxRankPause)):
			}
		}
	}
}

// rankSome does a portion of what there is to do and reports whether there is more.
func (t *tx) rankSome() (more bool, err error) {
	r := t.store.ranker
	r.mu.Lock()
	oracles, elect := r.oracles, r.elect
	r.mu.Unlock()
	if elect {
		if err := t.elect(oracles); err != nil {
			return false, err
		}
	}
	if more, err = t.rankStep(); err != nil {
		return more, err
	}
	claims, err := lowest(r, &r.stale, t.refresh)
	if err != nil {
		return false, err
	}
	roots, err := lowest(r, &r.roots, t.lowerRoots)
	return more || claims || roots, err
}
