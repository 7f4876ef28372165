package oracle

import (
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/lf-store/lf/protocol"
)

// world is a store with brute force in place of indexes, and a machine that has to say what there
// is to say about it.
type world struct {
	t      *rapid.T
	limits limits
	now    time.Duration // since the beginning of the world

	log      []string // the key that each record touched; the first has index 1
	keys     map[string]map[string]*testClaim
	said     map[string]map[string]bool
	accepted map[uint64]time.Duration // by timestamp, which no two records share
	order    []uint64

	machine *machine
	born    time.Duration // when the machine began
	disk    []byte
	healthy bool
}

// testClaim is an owner's claim as a store knows it; one that was released is not live.
type testClaim struct {
	live, late      bool
	seen, timestamp int
}

type scanResult struct {
	found []judged
	next  uint64
	err   error
}

var errTest = errors.New("out of order")

func newWorld(t *rapid.T) *world {
	l := defaultLimits(rapid.IntRange(1, 3).Draw(t, "perRecord"), rapid.IntRange(1, 4).Draw(t, "perHour"))
	l.queue, l.page, l.poll = rapid.IntRange(1, 5).Draw(t, "queue"), rapid.IntRange(1, 3).Draw(t, "page"), 24*time.Hour
	l.attempts = rapid.IntRange(1, 4).Draw(t, "attempts")
	w := &world{
		t: t, limits: l, keys: map[string]map[string]*testClaim{}, said: map[string]map[string]bool{},
		accepted: map[uint64]time.Duration{},
	}
	w.machine = newMachine(l, state{})
	return w
}

// first is the rule of criterion local, word for word.
func (w *world) first(key, owner string) bool {
	c := w.keys[key][owner]
	for other, d := range w.keys[key] {
		if other != owner && d.live && d.seen < c.seen && !(c.late && d.late && c.timestamp <= d.seen) {
			return false
		}
	}
	return true
}

func (w *world) judge(key string) judged {
	j := judged{Collision: Collision{Composite: testKey(key)}}
	for _, owner := range owners {
		if c := w.keys[key][owner]; c != nil && c.live {
			j.Claims = append(j.Claims, Claim{testOwner(owner), w.first(key, owner)})
		}
		if objects, ok := w.said[key][owner]; ok {
			j.said = append(j.said, Word{Composite: j.Composite, Owner: testOwner(owner), Objects: objects})
		}
	}
	return j
}

var (
	keys   = []string{"k", "l", "m", "n"}
	owners = []string{"a", "b", "c", "d"}
)

func (w *world) collisions(after uint64, limit int) (r scanResult) {
	r.next = after
	listed := map[string]bool{}
	for r.next < uint64(len(w.log)) {
		if key := w.log[r.next]; len(w.keys[key]) > 1 && !listed[key] {
			if len(r.found) == limit {
				return r
			}
			listed[key] = true
			r.found = append(r.found, w.judge(key))
		}
		r.next++
	}
	return r
}

// arrive adds a claim or a release.
func (w *world) arrive(release bool) {
	key, owner := rapid.SampledFrom(keys).Draw(w.t, "key"), rapid.SampledFrom(owners).Draw(w.t, "owner")
	w.machine.attached()
	if w.keys[key] == nil {
		w.keys[key] = map[string]*testClaim{}
	}
	c := w.keys[key][owner]
	if c == nil {
		c = &testClaim{}
		w.keys[key][owner] = c
	}
	w.log = append(w.log, key)
	switch seen := len(w.log); {
	case release:
		c.live = false
	case !c.live:
		*c = testClaim{live: true, seen: seen, late: rapid.Bool().Draw(w.t, "late"), timestamp: rapid.IntRange(0, seen).Draw(w.t, "timestamp")}
	}
}

// fails draws whether something goes wrong, and lets some time pass.
func (w *world) fails(what string, longest time.Duration) bool {
	if w.healthy {
		return false
	}
	w.now += time.Duration(rapid.Int64Range(0, int64(longest)).Draw(w.t, what+" takes"))
	return rapid.IntRange(0, 3).Draw(w.t, what+" fails") == 0
}

// crash ends the process, perhaps, and begins another one with what was saved.
func (w *world) crash() bool {
	if w.healthy || rapid.IntRange(0, 15).Draw(w.t, "crash") > 0 {
		return false
	}
	w.restart()
	return true
}

func (w *world) restart() {
	w.now += time.Duration(rapid.Int64Range(0, int64(10*time.Minute)).Draw(w.t, "down"))
	w.born = w.now
	var s state
	if w.disk != nil {
		var err error
		if s, err = decodeState(w.disk, testOwner("me"), w.wall()); err != nil {
			w.t.Fatal(err)
		}
	}
	w.machine = newMachine(w.limits, s)
}

func (w *world) wall() time.Time { return time.UnixMilli(1_800_000_000_000).Add(w.now) }

// run drives the machine for a while, or until it has nothing left to say when that is 0.
func (w *world) run(d time.Duration) {
	end := w.now + d
	for range 100_000 {
		w.machine.tick(w.now - w.born)
		a := w.machine.next()
		if pause, ok := a.(wait); ok {
			until := w.born + pause.until
			if until <= w.now {
				w.t.Fatalf("waits until %s at %s", until, w.now)
			}
			if d == 0 && w.machine.waiting() == 0 && !w.machine.lags && w.machine.flight == nil {
				return
			}
			if d > 0 && until >= end {
				w.now = max(w.now, end)
				return
			}
			w.now = until
			if !w.healthy && rapid.IntRange(0, 2).Draw(w.t, "meanwhile") == 0 {
				w.arrive(rapid.Bool().Draw(w.t, "release"))
			}
			continue
		}
		if !w.crash() {
			w.perform(a)
		}
	}
	w.t.Fatalf("no end: %d wait, %s", w.machine.waiting(), w.machine.silent())
}

// perform does what the machine wants and tells it, unless a crash comes between.
func (w *world) perform(a action) {
	var answer func()
	switch a := a.(type) {
	case scan:
		r := w.collisions(a.after, a.limit)
		if w.fails("scan", time.Second) {
			r = scanResult{err: errTest}
		}
		answer = func() { w.machine.scanned(r.found, r.next, r.err) }
	case prepare:
		answer = func() { w.machine.prepared(a.words, a.after+1, nil) }
		if w.fails("work", 2*time.Minute) {
			answer = func() { w.machine.prepared(nil, 0, errTest) }
		}
	case save:
		answer = func() { w.machine.saved(a.state, errTest) }
		if !w.fails("save", time.Second) {
			w.disk = must(encodeState(testOwner("me"), a.state, w.now-w.born, w.wall()))
			answer = func() { w.machine.saved(a.state, nil) }
		}
	case submit:
		answer = w.submit()
	}
	if !w.crash() {
		w.machine.tick(w.now - w.born)
		answer()
	}
}

func must(raw []byte, err error) []byte {
	if err != nil {
		panic(err)
	}
	return raw
}

// submit accepts the record or not, and says so or not.
func (w *world) submit() func() {
	refused := w.fails("submit", 10*time.Second)
	if !refused {
		w.accept(w.machine.timestamp, w.machine.flight.words)
	}
	if refused || w.fails("answer", time.Second) {
		return func() { w.machine.submitted(errTest) }
	}
	return func() { w.machine.submitted(nil) }
}

// accept checks that a record says something, and only what was not said, and that the limits are
// kept.
func (w *world) accept(timestamp uint64, words []Word) {
	if _, known := w.accepted[timestamp]; known {
		return
	}
	if len(words) == 0 || len(words) > w.limits.perRecord || !slices.IsSortedFunc(words, compareWords) {
		w.t.Fatalf("a record of %s", printWords(words))
	}
	if n := len(w.order); n > 0 && timestamp <= w.order[n-1] {
		w.t.Fatalf("a record of %d after one of %d", timestamp, w.order[n-1])
	}
	w.within(w.limits.perHour, time.Hour)
	w.within(1, w.limits.gap)
	w.order, w.accepted[timestamp] = append(w.order, timestamp), w.now
	for _, word := range words {
		key, owner := nameOf(word.Composite), nameOf(word.Owner)
		if w.said[key][owner] == word.Objects {
			w.t.Fatalf("said again: %s", printWords([]Word{word}))
		}
		if w.said[key] == nil {
			w.said[key] = map[string]bool{}
		}
		w.said[key][owner] = word.Objects
	}
}

// within checks that fewer than n records came within the last d.
func (w *world) within(n int, d time.Duration) {
	if i := len(w.order) - n; i >= 0 {
		if passed := w.now - w.accepted[w.order[i]]; passed < d {
			w.t.Fatalf("record %d comes %s after record %d", len(w.order), passed, i)
		}
	}
}

func (w *world) check() {
	for _, key := range keys {
		if len(w.keys[key]) < 2 {
			if len(w.said[key]) > 0 {
				w.t.Fatalf("words about %s, which one owner alone claims", key)
			}
			continue
		}
		for owner, c := range w.keys[key] {
			if objects := w.said[key][owner]; c.live && objects == w.first(key, owner) {
				w.t.Fatalf("key %s, owner %s: objects %t, first %t", key, owner, objects, w.first(key, owner))
			}
		}
	}
}

// TestSaysWhatThereIs holds that in the end the words are those that brute force finds, whatever
// arrives, fails and dies on the way. On the way the limits are kept and nothing is said twice.
func TestSaysWhatThereIs(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		w := newWorld(t)
		for i := range rapid.IntRange(1, 30).Draw(t, "steps") {
			switch command := rapid.SampledFrom([]string{"claim", "claim", "claim", "release", "run", "run", "restart"}).Draw(t, fmt.Sprint(i)); command {
			case "claim", "release":
				w.arrive(command == "release")
			case "run":
				w.run(time.Duration(rapid.Int64Range(1, int64(time.Hour)).Draw(t, "run")))
			case "restart":
				w.restart()
			}
		}
		w.healthy = true
		w.run(0)
		w.check()
	})
}

// TestNothingIsLostInTheQueue: with more to say than any queue holds, all of it is said.
func TestNothingIsLostInTheQueue(t *testing.T) {
	l := defaultLimits(14, MaxPerHour)
	l.queue, l.poll = 50, 24*time.Hour
	m := newMachine(l, state{})
	const owners = 1000
	var claims []Claim
	for i := range owners {
		claims = append(claims, Claim{testOwner(fmt.Sprint(i)), i == 0})
	}
	said := map[protocol.Owner]bool{}
	var now time.Duration
	for len(said) < owners-1 {
		m.tick(now)
		switch a := m.next().(type) {
		case wait:
			if now = a.until; now > 24*time.Hour {
				t.Fatalf("%d words said, %d wait", len(said), m.waiting())
			}
		case scan:
			j := judged{Collision: Collision{testKey("k"), claims}}
			for o := range said {
				j.said = append(j.said, Word{Composite: j.Composite, Owner: o, Objects: true})
			}
			if a.after == 1 {
				j.Claims = nil
			}
			m.scanned([]judged{j}, 1, nil)
		case prepare:
			m.prepared(a.words, a.after+1, nil)
		case save:
			m.saved(a.state, nil)
		case submit:
			for _, w := range m.flight.words {
				said[w.Owner] = true
			}
			m.submitted(nil)
		}
		if m.queue.words > l.queue {
			t.Fatalf("%d words in a queue of %d", m.queue.words, l.queue)
		}
	}
}
