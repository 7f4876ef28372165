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

// ranker is what waits to be done in the table claims by the store's own doing. Its goroutine has the writer do a portion at a time.
type ranker struct {
	wake chan struct{} // holds a token when there may be something to do
	// noneCrowded saves queries a look-up for each key, while no key is crowded.
	noneCrowded atomic.Bool

	mu      sync.Mutex
	oracles []protocol.Owner
	elect   bool // oracles are to be those elected
	stale   []staleRank
}

// staleRank says that leads of a crowded key's claims of one rank are far above their weights.
type staleRank struct{ crowd, rank int64 }

func newRanker() *ranker { return &ranker{wake: make(chan struct{}, 1)} }

func (r *ranker) rouse() {
	select {
	case r.wake <- struct{}{}:
	default:
	}
}

// Elect says which oracles queries usually name, at most 64: only with these does a query about a key that many owners claim not
// have to rank all claims. It returns at once, and the objections are counted in the background where they are others than before.
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
		s.ranker.rouse()
	}
}

// refresh has leads lowered by and by.
func (r *ranker) refresh(stale staleRank) {
	r.mu.Lock()
	known := slices.Contains(r.stale, stale) || len(r.stale) >= maxStale
	if !known {
		r.stale = append(r.stale, stale)
	}
	r.mu.Unlock()
	if !known {
		r.rouse()
	}
}

// tend does what there is to do until the store closes.
func (s *Store) tend() {
	defer close(s.tended)
	s.ranker.rouse() // what was left when the store closed
	for {
		select {
		case <-s.quit:
			return
		case <-s.ranker.wake:
		}
		for more := true; more; {
			began := time.Now()
			err := s.change(context.Background(), func(t *tx) (err error) {
				more, err = t.tend()
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

// tend does a portion of what there is to do and reports whether there is more.
func (t *tx) tend() (more bool, err error) {
	r := t.store.ranker
	r.mu.Lock()
	oracles, elect := r.oracles, r.elect
	var stale staleRank
	refresh := len(r.stale) > 0
	if refresh {
		stale = r.stale[0]
	}
	r.mu.Unlock()
	if elect {
		if err := t.elect(oracles); err != nil {
			return false, err
		}
	}
	if more, err = t.rankStep(); err != nil || !refresh {
		return more, err
	}
	done, err := t.refresh(stale)
	if done && err == nil {
		r.mu.Lock()
		r.stale = slices.DeleteFunc(r.stale, func(s staleRank) bool { return s == stale })
		more = more || len(r.stale) > 0
		r.mu.Unlock()
	}
	return more || !done, err
}
