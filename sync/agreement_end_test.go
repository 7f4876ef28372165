package lfsync

import (
	"math/rand/v2"
	"slices"
	"sync/atomic"
	"testing"
	"time"

	"github.com/libp2p/go-libp2p/core/host"
	"github.com/libp2p/go-libp2p/core/network"
	"github.com/libp2p/go-libp2p/core/peer"
	"pgregory.net/rapid"

	"github.com/lf-store/lf/protocol"
	"github.com/lf-store/lf/sync/internal/negentropy"
)

// agreedLedger has one peer that agreed just now, at a time: it has as many records as this node,
// and some above the bound.
func agreedLedger(now time.Duration, own, ahead uint64) *ledger {
	l := newLedger()
	l.tell(now, own)
	l.peerUp("A")
	l.counted("A", own+ahead)
	l.completed("A", now, ahead)
	return l
}

func TestAgreementEnds(t *testing.T) {
	const now, own, ahead = time.Minute, 100, 7
	for name, c := range map[string]struct {
		does  func(l *ledger)
		holds bool
	}{
		"nothing happens":                       {func(*ledger) {}, true},
		"a comparison did not finish":           {func(l *ledger) { l.unfinished("A") }, false},
		"the next one finished":                 {func(l *ledger) { l.unfinished("A"); l.completed("A", now, ahead) }, true},
		"the surplus is what it was":            {func(l *ledger) { l.tell(now+time.Minute, own); l.counted("A", own+ahead); l.tell(now+time.Hour/6, own) }, true},
		"the surplus has grown just now":        {func(l *ledger) { l.counted("A", own+ahead+1) }, true},
		"it has grown, and we did not catch up": {func(l *ledger) { l.counted("A", own+ahead+1); l.tell(now+catchUpTime, own) }, false},
		"it has grown, and we caught up":        {func(l *ledger) { l.counted("A", own+ahead+1); l.tell(now+catchUpTime, own+1) }, true},
		"it grows and we follow": {func(l *ledger) {
			for i := range uint64(20) {
				l.tell(now+time.Duration(i)*catchUpTime, own+i)
				l.counted("A", own+ahead+i+1)
			}
		}, true},
		"it said so long ago, and a comparison finished since": {func(l *ledger) {
			l.counted("A", own+ahead+1)
			l.tell(now+time.Minute, own)
			l.completed("A", now+time.Minute, ahead+1)
		}, true},
		"much time has passed":     {func(l *ledger) { l.tell(now+3*paceMax, own) }, true},
		"too much time has passed": {func(l *ledger) { l.tell(now+3*paceMax+time.Second, own) }, false},
		"with two peers it takes twice as long": {func(l *ledger) {
			l.peerUp("B")
			l.tell(now+6*paceMax, own)
		}, true},
	} {
		l := agreedLedger(now, own, ahead)
		if c.does(l); l.agrees(l.peers["A"]) != c.holds {
			t.Errorf("%s: it agrees: %t", name, !c.holds)
		}
	}
}

// What a peer lists and cannot send now does not count as missing; the agreement with that peer
// alone stays open.
func TestWithheld(t *testing.T) {
	l := agreedLedger(0, 10, 0)
	l.peerUp("B")
	l.completed("B", 0, 0)
	a, b := protocol.ID{1}, protocol.ID{2}
	l.list("A", []protocol.ID{a, b}, nil)
	l.list("B", []protocol.ID{b}, nil)
	if n := l.withhold("A", []protocol.ID{a, b, {3}}); n != 2 || len(l.listed) != 1 || l.open("A") != 0 {
		t.Errorf("%d withheld, %d listed", n, len(l.listed))
	}
	l.attached([]Item{{ID: b}})
	l.completed("A", 1, 0)
	if l.agrees(l.peers["A"]) || !l.agrees(l.peers["B"]) || !l.synced(0) {
		t.Error("A agrees, or B does not, or this node is not in sync")
	}
	if n := l.withhold("A", []protocol.ID{a}); n != 1 {
		t.Errorf("%d withheld", n)
	}
	l.attached([]Item{{ID: a}})
	if !l.agrees(l.peers["A"]) || l.peers["A"].agreed != 1 {
		t.Error("A does not agree, though all is here")
	}
}

// Listings end for everybody with what the clock or the rules refuse, and whoever listed it where
// it does not belong is found.
func TestDismiss(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		l := newLedger()
		l.tell(time.Second, 1)
		at := rapid.Uint64Range(0, 20).Draw(t, "time")
		var liars []peer.ID
		for _, p := range []peer.ID{"A", "B", "C"} {
			l.peerUp(p)
			l.completed(p, 0, 0)
			i := negentropy.Interval{First: rapid.Uint64Range(0, 20).Draw(t, "first"), Last: rapid.Uint64Range(0, 20).Draw(t, "last")}
			if rapid.Bool().Draw(t, "lists") {
				l.list(p, []protocol.ID{{1}}, []negentropy.Interval{i})
				if at < i.First || at > i.Last {
					liars = append(liars, p)
				}
			}
		}
		if got := l.dismiss([]Item{{ID: protocol.ID{1}, Timestamp: at}, {ID: protocol.ID{2}}}); !slices.Equal(got, liars) {
			t.Fatalf("%q listed it where it is not, want %q", got, liars)
		}
		if len(l.listed) > 0 || l.agreeing(0) != 3 {
			t.Fatalf("%d are still listed", len(l.listed))
		}
	})
}

// A peer that agreed and is busy from then on agrees no more: this node cannot know what it lacks.
func TestNeverComparedAgain(t *testing.T) {
	w := newWorld(t, nil)
	n := w.hurried(t)
	n.hasten()
	var busy atomic.Bool
	bad := w.comparable(t, func(network.Stream, []byte, int) []byte {
		if busy.Load() {
			return appendFrame(nil, frame{})
		}
		return appendFrame(nil, frame{count: 3, message: []byte{0x61}})
	})
	connect(t, n.host, bad)
	synced(t, n)
	busy.Store(true)
	eventually(t, "it does not say that it is in sync", func() bool { return n.Status().Sync.State == StateComparing })
	busy.Store(false)
	synced(t, n)
}

// displaced is a host that has a record and lists it at another time than the record's.
func (w *world) displaced(t *testing.T, chain []*protocol.Record, r *protocol.Record, at uint64) host.Host {
	t.Helper()
	set := new(negentropy.Tree)
	for _, known := range slices.Concat(w.network.Genesis(), chain) {
		set.Insert(negentropy.Item{Timestamp: known.Timestamp, ID: known.ID()})
	}
	set.Insert(negentropy.Item{Timestamp: at, ID: r.ID()})
	h := w.comparable(t, func(_ network.Stream, message []byte, _ int) []byte {
		reply, err := negentropy.Respond(set, message, maxMessage)
		if err != nil {
			return nil
		}
		return appendFrame(nil, frame{count: uint64(set.Len()), message: reply.Message})
	})
	h.SetStreamHandler(fetchProtocol(w.network), func(s network.Stream) {
		defer s.Close()
		req, err := readRequest(s)
		if err != nil {
			return
		}
		for range req.IDs { // it is asked for nothing else
			_, _ = writeItem(s, r)
		}
	})
	return h
}

// A peer that lists a record outside its range is banned, whether the record is of use or far ahead
// of the clock. What is ahead is neither missing nor kept.
func TestListedOutsideItsRange(t *testing.T) {
	for name, ahead := range map[string]time.Duration{"a record of now": 0, "a record far ahead": 48 * time.Hour} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, nil)
			chain := w.chain(t, 100)
			d := w.draft(chain[99])
			d.Timestamp += uint64(ahead.Milliseconds())
			r := w.finish(t, d)
			n := w.hurried(t)
			n.load(t, chain...)
			bad := w.displaced(t, chain, r, chain[10].Timestamp)
			connect(t, n.host, bad)
			eventually(t, "it is banned", func() bool { return n.isGuilty(bad.ID()) })
			if here := n.store.State(r.ID()) == Attached; here != (ahead == 0) {
				t.Errorf("the record is here: %t", here)
			}
			if st := n.Status(); st.Sync.Missing != 0 || st.Wanted != 0 {
				t.Errorf("%+v", st)
			}
		})
	}
}

// An initiator whose clock is a little ahead lists what this node holds. It is not missing, and
// nobody is to blame.
func TestOverlapIsHeld(t *testing.T) {
	w := newWorld(t, nil)
	ahead := func(d time.Duration) func(*Config) {
		return func(c *Config) { c.PubSub, c.Clock = nil, func() time.Time { return time.Now().Add(d) } }
	}
	drift := time.Duration(w.network.Params().ClockDrift) * time.Millisecond
	a, b := w.newNode(t, ahead(drift/2)), w.newNode(t, ahead(0))
	d := w.draft()
	d.Timestamp = uint64(time.Now().Add(drift * 5 / 4).UnixMilli())
	r := w.finish(t, d)
	chain := w.chain(t, 100) // enough to be divided: then the initiator lists
	a.load(t, append(chain, r)...)
	b.load(t, chain...)
	connect(t, a.host, b.host)
	a.hasten()
	eventually(t, "b holds the record", func() bool { return b.store.State(r.ID()) == Held })
	synced(t, a, b)
	if st := b.Status(); st.Sync.Missing != 0 || b.isGuilty(a.host.ID()) {
		t.Errorf("%+v", st)
	}
}

// A peer that lists what it says it cannot send keeps this node neither out of sync nor busy. It is
// not banned, and left alone for long when it says so of very many.
func TestListsWhatItCannotSend(t *testing.T) {
	for name, count := range map[string]int{"some": 500, "very many": 20_000} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, nil)
			n := w.hurried(t)
			n.hasten()
			set := madeUp(count)
			bad := w.comparable(t, func(_ network.Stream, message []byte, _ int) []byte {
				reply, err := negentropy.Respond(set, message, maxMessage)
				if err != nil {
					return nil
				}
				return appendFrame(nil, frame{count: uint64(count), message: reply.Message})
			})
			bad.SetStreamHandler(fetchProtocol(w.network), func(s network.Stream) {
				defer s.Close()
				req, err := readRequest(s)
				if err != nil {
					return
				}
				for range req.IDs {
					_, _ = writeDamaged(s)
				}
			})
			connect(t, n.host, bad)
			w.honestConverges(t, n)
			left := func() bool {
				n.comparer.mu.Lock()
				defer n.comparer.mu.Unlock()
				a := n.comparer.agenda.byPeer[bad.ID()]
				return a != nil && a.pausedTo-n.comparer.agenda.now > withheldPause/2
			}
			eventually(t, "it is in sync, and knows that one peer does not agree", func() bool {
				st := n.Status().Sync
				return st.State == StateSynced && st.Agreeing == 1 && st.Peers == 2 && st.Missing == 0
			})
			if count > maxWithheld {
				eventually(t, "it is left alone", left)
			} else if left() {
				t.Error("it is left alone")
			}
			if n.isGuilty(bad.ID()) {
				t.Error("it is banned")
			}
		})
	}
}

// A comparison that goes on where it was cut off is no agreement by itself when records that were
// listed before had not come. It is followed by a whole one.
func TestGoesOnAfterListingsWereLost(t *testing.T) {
	a := newAgenda(defaultAgendaLimits(), "A", rand.New(rand.NewPCG(1, 0)))
	a.rebuilt()
	begun := func(want compare) compare {
		t.Helper()
		a.tick(a.now + tickEvery)
		duties := a.take()
		if len(duties) != 1 {
			t.Fatalf("%v", duties)
		}
		d := duties[0].(compare)
		if d.from != want.from || d.partial != want.partial {
			t.Fatalf("%+v, want %+v", d, want)
		}
		return d
	}
	half := negentropy.Bound{Timestamp: 500}
	a.peerUp("B")
	d := begun(compare{})
	a.lose("B")
	a.peerDown("B")
	a.ended(d.session, outcome{ending: endedCut, done: half, listed: 600})
	a.tick(a.now + a.limits.retryMax)
	a.peerUp("B")
	d = begun(compare{from: half, partial: true})
	a.ended(d.session, outcome{ending: endedDiffering, done: negentropy.Infinity})
	d = begun(compare{})
	a.ended(d.session, outcome{ending: endedEqual, done: negentropy.Infinity})
	if p := a.byPeer["B"]; p.fresh != d.since || !p.compared {
		t.Errorf("%+v", p)
	}
}
