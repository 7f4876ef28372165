package proxy

import (
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/lf-store/lf/internal/watchstate"
	"github.com/lf-store/lf/node/api"
	"github.com/lf-store/lf/protocol"
)

const (
	// hintPatience is how long other nodes may take to tell the same as the first one. Then the
	// proxy asks all of them, and those that differ once more.
	hintPatience = 250 * time.Millisecond
	// minVainPause and maxVainPause bound how long a place is not asked about again that a node
	// gave a false hint about. The pause doubles each time.
	minVainPause = time.Second
	maxVainPause = time.Minute
	// maxHints is of how many places of one watcher hints are kept. Beyond that whole keys are
	// asked about.
	maxHints = 1000
)

// spot is a composite key under one of a watcher's keys.
type spot struct {
	key       int
	composite protocol.CompositeID
}

// hint is what nodes say of a spot since it was asked about last.
type hint struct {
	ordinals api.Uint64s
	said     map[*node]*protocol.ID // which record answers; nil: none
	since    time.Time
	certain  bool // to be asked about whatever was told
	again    bool // it was asked about in vain
}

// vain is a spot about which nodes have given false hints.
type vain struct {
	pause time.Duration
	until time.Time
}

// subscription is what nodes say of the keys of one watcher. A hint is never believed: it says what
// to ask about. Its methods are safe for concurrent use.
type subscription struct {
	signal chan struct{} // has room for one: there is something to look at

	mu    sync.Mutex
	hints map[spot]*hint
	vain  map[spot]*vain
	whole map[int]bool // keys to ask about as a whole
	// listed has the composite keys that nodes listed when their stream began.
	listed   map[int][]map[protocol.CompositeID]bool
	settings bool // the proxy's user has changed whom to believe
	failure  error
	// wholeAfter is when whole keys may be asked about again.
	wholeAfter time.Time
}

func newSubscription() *subscription {
	return &subscription{
		signal: make(chan struct{}, 1), hints: map[spot]*hint{}, vain: map[spot]*vain{}, whole: map[int]bool{},
		listed: map[int][]map[protocol.CompositeID]bool{},
	}
}

// wake has the watcher look.
func (s *subscription) wake() {
	select {
	case s.signal <- struct{}{}:
	default:
	}
}

// hear takes what a node tells of one composite key. certain says that it is to be asked about even
// if the watcher knows it.
func (s *subscription) hear(n *node, key int, e *api.WatchEvent, certain bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.whole[key] {
		return
	}
	at := spot{key, *e.Composite}
	h := s.hints[at]
	if h == nil {
		if len(s.hints) >= maxHints {
			s.askWhole(key)
			return
		}
		h = &hint{ordinals: e.Ordinals, said: map[*node]*protocol.ID{}, since: time.Now()}
		s.hints[at] = h
	}
	h.said[n] = nil
	if e.Answer != nil {
		h.said[n] = &e.Answer.Record
	}
	h.certain = h.certain || certain
	s.wake()
}

// hearAll takes which composite keys of a key a node has listed.
func (s *subscription) hearAll(key int, composites map[protocol.CompositeID]bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.listed[key] = append(s.listed[key], composites)
	s.wake()
}

// askAll has the first count keys asked about, each as a whole.
func (s *subscription) askAll(count int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for key := range count {
		s.askWhole(key)
	}
}

// askKey has a whole key asked about.
func (s *subscription) askKey(key int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.askWhole(key)
}

// pause has whole keys asked about not before a time.
func (s *subscription) pause(until time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.wholeAfter = until
}

// fail ends the watch.
func (s *subscription) fail(why error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.failure = why
	s.wake()
}

func (s *subscription) askWhole(key int) {
	s.whole[key] = true
	for at := range s.hints {
		if at.key == key {
			delete(s.hints, at)
		}
	}
	s.wake()
}

// changeSettings says that the proxy's user has changed whom to believe.
func (s *subscription) changeSettings() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.settings = true
	s.wake()
}

// taken is what a watcher must look at.
type taken struct {
	places   []takenPlace
	whole    []int
	settings bool
	failure  error
	next     time.Time // when there is more to take; zero: at the next signal
}

// takenPlace is a place to ask about. again says that this was in vain before.
type takenPlace struct {
	watchstate.Place
	again bool
}

// until notes when there is more to take.
func (t *taken) until(due time.Time) {
	if t.next.IsZero() || due.Before(t.next) {
		t.next = due
	}
}

// take returns what must be asked about now. Hints that say what was told anyway are dropped.
// nodes is how many nodes are followed.
func (s *subscription) take(now time.Time, told *watchstate.State, nodes int) (t taken) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.compareLists(now, told)
	if len(s.whole) > 0 && s.wholeAfter.After(now) {
		t.until(s.wholeAfter)
	} else if len(s.whole) > 0 {
		t.whole = slices.Sorted(maps.Keys(s.whole))
		clear(s.whole)
		s.wholeAfter = now.Add(minVainPause)
	}
	for at, h := range s.hints {
		if !h.certain && h.isTold(told, at) {
			delete(s.hints, at)
			continue
		}
		if due := s.due(at, h, nodes); due.After(now) {
			t.until(due)
			continue
		}
		delete(s.hints, at)
		t.places = append(t.places, takenPlace{watchstate.Place{Key: at.key, Composite: at.composite, Ordinals: h.ordinals}, h.again})
	}
	t.settings, s.settings = s.settings, false
	t.failure = s.failure
	return t
}

// compareLists makes hints of what was told, and what a node did not list.
func (s *subscription) compareLists(now time.Time, told *watchstate.State) {
	for key, lists := range s.listed {
		for _, place := range told.Places(key) {
			at := spot{key, place.Composite}
			if _, answers := told.Told(key, place.Composite); !answers || s.hints[at] != nil {
				continue
			}
			for _, list := range lists {
				if !list[place.Composite] {
					s.hints[at] = &hint{ordinals: place.Ordinals, said: map[*node]*protocol.ID{nil: nil}, since: now}
				}
			}
		}
	}
	clear(s.listed)
}

// isTold reports whether all nodes say what the watcher was told.
func (h *hint) isTold(told *watchstate.State, at spot) bool {
	record, answers := told.Told(at.key, at.composite)
	for _, said := range h.said {
		if (said != nil) != answers || answers && *said != record {
			return false
		}
	}
	return true
}

// due is when a spot is asked about: at once where most nodes say something of it.
func (s *subscription) due(at spot, h *hint, nodes int) time.Time {
	if len(h.said) >= majority(nodes) {
		return h.since
	}
	due := h.since.Add(hintPatience)
	if v := s.vain[at]; v != nil && v.until.After(due) {
		return v.until
	}
	return due
}

// asked notes what came of a hint: whether there was anything to tell. If not, the place is asked
// about once more: a node may have answered before it told. After that the hint was false.
func (s *subscription) asked(p takenPlace, now time.Time, news bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	at := spot{p.Key, p.Composite}
	switch {
	case news:
		delete(s.vain, at)
		return
	case !p.again && s.hints[at] == nil && !s.whole[p.Key]:
		s.hints[at] = &hint{ordinals: p.Ordinals, said: map[*node]*protocol.ID{}, since: now, certain: true, again: true}
		return
	}
	v := s.vain[at]
	if v == nil {
		if len(s.vain) >= maxHints {
			clear(s.vain) // a node that lies a lot costs a question each at worst
		}
		v = &vain{}
		s.vain[at] = v
	}
	v.pause = min(max(2*v.pause, minVainPause), maxVainPause)
	v.until = now.Add(v.pause)
}
