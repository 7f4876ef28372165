package reconcile

import (
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/libp2p/go-libp2p/core/peer"
	"pgregory.net/rapid"

	"github.com/lf-store/lf/internal/intake"
	"github.com/lf-store/lf/protocol"
	"github.com/lf-store/lf/sync/internal/negentropy"
)

// agreedOnce has one peer that agreed just now, at a time: it has as many records as this node,
// and some above the bound.
func agreedOnce(now time.Duration, own, ahead uint64) *agreements {
	l := newAgreements()
	l.tell(now, own)
	l.peerUp("A")
	l.counted("A", own+ahead)
	l.completed("A", now, ahead)
	return l
}

func TestAgreementEnds(t *testing.T) {
	const now, own, ahead = time.Minute, 100, 7
	for name, c := range map[string]struct {
		does  func(l *agreements)
		holds bool
	}{
		"nothing happens":             {func(*agreements) {}, true},
		"a comparison did not finish": {func(l *agreements) { l.unfinished("A") }, false},
		"the next one finished":       {func(l *agreements) { l.unfinished("A"); l.completed("A", now, ahead) }, true},
		"the surplus is what it was": {func(l *agreements) {
			l.tell(now+time.Minute, own)
			l.counted("A", own+ahead)
			l.tell(now+time.Hour/6, own)
		}, true},
		"the surplus has grown just now":        {func(l *agreements) { l.counted("A", own+ahead+1) }, true},
		"it has grown, and we did not catch up": {func(l *agreements) { l.counted("A", own+ahead+1); l.tell(now+catchUpTime, own) }, false},
		"it has grown, and we caught up":        {func(l *agreements) { l.counted("A", own+ahead+1); l.tell(now+catchUpTime, own+1) }, true},
		"it grows and we follow": {func(l *agreements) {
			for i := range uint64(20) {
				l.tell(now+time.Duration(i)*catchUpTime, own+i)
				l.counted("A", own+ahead+i+1)
			}
		}, true},
		"it said so long ago, and a comparison finished since": {func(l *agreements) {
			l.counted("A", own+ahead+1)
			l.tell(now+time.Minute, own)
			l.completed("A", now+time.Minute, ahead+1)
		}, true},
		"much time has passed":     {func(l *agreements) { l.tell(now+3*intervalMax, own) }, true},
		"too much time has passed": {func(l *agreements) { l.tell(now+3*intervalMax+time.Second, own) }, false},
		"with two peers it takes twice as long": {func(l *agreements) {
			l.peerUp("B")
			l.tell(now+6*intervalMax, own)
		}, true},
	} {
		l := agreedOnce(now, own, ahead)
		if c.does(l); l.agrees(l.peers["A"]) != c.holds {
			t.Errorf("%s: it agrees: %t", name, !c.holds)
		}
	}
}

// Listings end for everybody with what the clock or the rules refuse, and whoever listed it where
// it does not belong is found.
func TestDismiss(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		l := newAgreements()
		l.tell(time.Second, 1)
		at := rapid.Uint64Range(0, 20).Draw(t, "time")
		var violators []peer.ID
		for _, p := range []peer.ID{"A", "B", "C"} {
			l.peerUp(p)
			l.completed(p, 0, 0)
			i := negentropy.Interval{First: rapid.Uint64Range(0, 20).Draw(t, "first"), Last: rapid.Uint64Range(0, 20).Draw(t, "last")}
			if rapid.Bool().Draw(t, "lists") {
				l.list(p, []protocol.ID{{1}}, []negentropy.Interval{i})
				if at < i.First || at > i.Last {
					violators = append(violators, p)
				}
			}
		}
		if got := l.dismiss([]intake.Item{{ID: protocol.ID{1}, Timestamp: at}, {ID: protocol.ID{2}}}); !slices.Equal(got, violators) {
			t.Fatalf("%q listed it where it is not, want %q", got, violators)
		}
		if len(l.listed) > 0 || l.agreeing(0) != 3 {
			t.Fatalf("%d are still listed", len(l.listed))
		}
	})
}

// A comparison that goes on where it was cut off is no agreement by itself when records that were
// listed before had not come. It is followed by a whole one.
func TestGoesOnAfterListingsWereLost(t *testing.T) {
	a := newPlanner(defaultLimits(), "A", rand.New(rand.NewPCG(1, 0)))
	a.rebuilt()
	begun := func(want compare) compare {
		t.Helper()
		a.tick(a.now + tickEvery)
		actions := a.take()
		if len(actions) != 1 {
			t.Fatalf("%v", actions)
		}
		d := actions[0].(compare)
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
	a.ended(d.session, outcome{result: resultCut, done: half, listed: 600})
	a.tick(a.now + a.limits.retryMax)
	a.peerUp("B")
	d = begun(compare{from: half, partial: true})
	a.ended(d.session, outcome{result: resultDiffering, done: negentropy.Infinity})
	d = begun(compare{})
	a.ended(d.session, outcome{result: resultEqual, done: negentropy.Infinity})
	if p := a.byPeer["B"]; p.fresh != d.since || !p.compared {
		t.Errorf("%+v", p)
	}
}

// What a peer lists and cannot send now does not count as missing; the agreement with that peer
// alone stays open.
func TestWithheld(t *testing.T) {
	l := agreedOnce(0, 10, 0)
	l.peerUp("B")
	l.completed("B", 0, 0)
	a, b := protocol.ID{1}, protocol.ID{2}
	l.list("A", []protocol.ID{a, b}, nil)
	l.list("B", []protocol.ID{b}, nil)
	if n := l.withhold("A", []protocol.ID{a, b, {3}}); n != 2 || len(l.listed) != 1 || l.open("A") != 0 {
		t.Errorf("%d withheld, %d listed", n, len(l.listed))
	}
	l.attached([]intake.Item{{ID: b}})
	l.completed("A", 1, 0)
	if l.agrees(l.peers["A"]) || !l.agrees(l.peers["B"]) || !l.synced(0) {
		t.Error("A agrees, or B does not, or this node is not in sync")
	}
	if n := l.withhold("A", []protocol.ID{a}); n != 1 {
		t.Errorf("%d withheld", n)
	}
	l.attached([]intake.Item{{ID: a}})
	if !l.agrees(l.peers["A"]) || l.peers["A"].agreed != 1 {
		t.Error("A does not agree, though all is here")
	}
}
