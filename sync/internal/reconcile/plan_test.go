package reconcile

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/libp2p/go-libp2p/core/peer"
	"pgregory.net/rapid"

	"github.com/lf-store/lf/sync/internal/negentropy"
)

// tickEvery is how often the driver tells the time.
const tickEvery = 200 * time.Millisecond

// dropHalt drops the request to halt a session that has ended.
func (a *planner) dropHalt(id sessionID) {
	a.out = slices.DeleteFunc(a.out, func(d action) bool { return d == halt{id} })
}

// timetable drives an planner with peers that come, go, answer well or ill, and serve themselves.
type timetable struct {
	a        *planner
	now      time.Duration
	peers    []peer.ID
	up       map[peer.ID]time.Duration // since when
	compared map[peer.ID]time.Duration // when a session with it began last, since it came
	accused  map[peer.ID]time.Duration
	open     map[sessionID]*dueSession
	demanded time.Duration
}

type dueSession struct {
	compare
	deep, halted bool
}

func newTimetable(t *rapid.T) *timetable {
	m := &timetable{
		up: make(map[peer.ID]time.Duration), compared: make(map[peer.ID]time.Duration),
		accused: make(map[peer.ID]time.Duration), open: make(map[sessionID]*dueSession),
	}
	seed := rapid.Uint64().Draw(t, "seed")
	for i := range rapid.IntRange(1, 12).Draw(t, "peers") {
		m.peers = append(m.peers, peer.ID(fmt.Sprintf("%02d", 2*i)))
	}
	self := peer.ID(fmt.Sprintf("%02d", 1+2*rapid.IntRange(0, 12).Draw(t, "self")))
	m.a = newPlanner(defaultLimits(), self, rand.New(rand.NewPCG(seed, 0)))
	m.a.banned = func(p peer.ID) bool { return m.now < m.accused[p] }
	m.a.rebuilt()
	return m
}

func (m *timetable) peer(t *rapid.T) peer.ID { return rapid.SampledFrom(m.peers).Draw(t, "peer") }

// obey takes up the actions, and holds what must be true of them.
func (m *timetable) obey(t *rapid.T) {
	for _, d := range m.a.take() {
		switch d := d.(type) {
		case compare:
			if to, ok := m.accused[d.peer]; ok && m.now < to {
				t.Fatalf("%s is guilty until %s and compared with at %s", d.peer, to, m.now)
			}
			if _, ok := m.up[d.peer]; !ok {
				t.Fatalf("%s is not there", d.peer)
			}
			for _, s := range m.open {
				if s.peer == d.peer {
					t.Fatalf("two sessions with %s", d.peer)
				}
			}
			m.open[d.session] = &dueSession{compare: d}
			m.compared[d.peer] = m.now
		case halt:
			if m.open[d.session] == nil {
				t.Fatalf("session %d is over", d.session)
			}
			m.open[d.session].halted = true
		}
	}
	if len(m.open) > m.a.limits.sessions {
		t.Fatalf("%d sessions at once", len(m.open))
	}
	deep := 0
	for _, s := range m.open {
		if s.deep {
			deep++
		}
	}
	if deep > 1 {
		t.Fatal("two long sessions at once")
	}
}

func (m *timetable) pass(t *rapid.T) {
	m.elapse(t, time.Duration(rapid.Int64Range(1, int64(20*time.Second)).Draw(t, "passes")))
}

func (m *timetable) elapse(t *rapid.T, d time.Duration) {
	for end := m.now + d; m.now < end; {
		m.now = min(end, m.now+tickEvery)
		m.a.tick(m.now)
		m.obey(t)
	}
}

func (m *timetable) comeOrGo(t *rapid.T) {
	p := m.peer(t)
	if _, ok := m.up[p]; ok {
		delete(m.up, p)
		delete(m.compared, p)
		m.a.peerDown(p)
	} else {
		m.up[p] = m.now
		m.a.peerUp(p)
	}
	m.obey(t)
}

func (m *timetable) deepen(t *rapid.T) {
	for _, s := range m.sorted() {
		if !s.deep && rapid.Bool().Draw(t, "deep") {
			if s.deep = m.a.deepen(s.session); !s.deep {
				m.end(s, outcome{result: resultInterrupted, done: negentropy.Bound{Timestamp: s.from.Timestamp + 1}, listed: 600})
			}
			m.obey(t)
		}
	}
}

func (m *timetable) sorted() []*dueSession {
	var all []*dueSession
	for _, s := range m.open {
		all = append(all, s)
	}
	slices.SortFunc(all, func(a, b *dueSession) int { return int(a.session) - int(b.session) })
	return all
}

func (m *timetable) end(s *dueSession, o outcome) {
	delete(m.open, s.session)
	if o.result == resultViolation {
		m.accused[s.peer] = m.now + 15*time.Second
		m.a.ban(s.peer)
		m.a.dropHalt(s.session)
	}
	m.a.ended(s.session, o)
}

func (m *timetable) finish(t *rapid.T) {
	for _, s := range m.sorted() {
		o := outcome{result: result(rapid.IntRange(0, len(resultNames)-1).Draw(t, "result"))}
		if s.halted {
			o.result = resultInterrupted
		}
		if o.result != resultEqual {
			o.listed = rapid.IntRange(0, 3).Draw(t, "listed")
			o.done = negentropy.Bound{Timestamp: s.from.Timestamp + rapid.Uint64Range(0, 3).Draw(t, "done")}
		}
		m.end(s, o)
		m.obey(t)
	}
}

func (m *timetable) served(t *rapid.T) {
	how := rapid.IntRange(0, 2).Draw(t, "how")
	m.a.served(m.peer(t), how == 0, how == 1)
	m.obey(t)
}

func (m *timetable) accuse(t *rapid.T) {
	p := m.peer(t)
	m.accused[p] = m.now + 15*time.Second
	m.a.ban(p)
	m.obey(t)
}

func (m *timetable) demand(t *rapid.T) {
	m.demanded = m.now
	m.a.demand()
	m.obey(t)
}

// settle ends all sessions well until nothing is under way.
func (m *timetable) settle(t *rapid.T) (sessions int) {
	for len(m.open) > 0 {
		for _, s := range m.sorted() {
			m.end(s, outcome{result: resultEqual, done: negentropy.Infinity})
			sessions++
		}
		m.obey(t)
	}
	return sessions
}

// Whatever happens, sessions are bounded, only one is long, and a guilty peer is left alone. Once
// all is well, everybody is compared with, and then it becomes quiet.
func TestPlanHolds(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		m := newTimetable(t)
		t.Repeat(map[string]func(*rapid.T){
			"come or go": m.comeOrGo, "pass": m.pass, "deepen": m.deepen, "finish": m.finish, "served": m.served,
			"accuse": m.accuse, "demand": m.demand, "": func(*rapid.T) {},
		})
		m.quieten(t)
	})
}

func (m *timetable) quieten(t *rapid.T) {
	for range 20 * 5 * 60 { // twenty minutes: every pause is over
		m.elapse(t, tickEvery)
		m.settle(t)
	}
	m.demand(t)
	for range 50 {
		m.elapse(t, tickEvery)
		m.settle(t)
	}
	for p := range m.up {
		if at, ok := m.compared[p]; !ok || at < m.demanded {
			t.Fatalf("%s was not compared with", p)
		}
	}
	if len(m.a.sessions) > 0 || m.a.leader != 0 {
		t.Fatalf("%d sessions are left, %d leads", len(m.a.sessions), m.a.leader)
	}
	sessions := 0
	for range 60 * 60 * 5 {
		m.elapse(t, tickEvery)
		sessions += m.settle(t)
	}
	if most := int(time.Hour / (m.a.limits.intervalMax * 3 / 4)); sessions > most+6 {
		t.Fatalf("%d sessions in a quiet hour", sessions)
	}
}

// Of two nodes that meet, each is compared with, once by either and a second time, within seconds.
func TestPlanMeets(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		m := newTimetable(t)
		for range m.peers {
			p := m.peer(t)
			if _, up := m.up[p]; !up {
				m.up[p] = m.now
				m.a.peerUp(p)
			}
			m.obey(t)
		}
		for range int((m.a.limits.connectWait + 2*time.Second) / tickEvery) {
			m.elapse(t, tickEvery)
			m.settle(t)
		}
		for p := range m.up {
			if _, ok := m.compared[p]; !ok {
				t.Fatalf("%s was not compared with", p)
			}
		}
		m.elapse(t, m.a.limits.connectWait+m.a.limits.connectAgain)
		for p, at := range m.up {
			if m.compared[p] < at+m.a.limits.connectAgain && m.a.byPeer[p].session == 0 {
				t.Fatalf("%s was not compared with again", p)
			}
		}
	})
}

// Between the violation and ban no session begins with a peer, also where it came again meanwhile.
func TestNothingComparedBeforeBan(t *testing.T) {
	for _, again := range []bool{false, true} {
		a := newPlanner(defaultLimits(), "a", rand.New(rand.NewPCG(0, 0)))
		a.rebuilt()
		a.peerUp("b")
		if a.take(); len(a.sessions) != 1 {
			t.Fatalf("%d sessions", len(a.sessions))
		}
		if again {
			a.peerDown("b")
			a.peerUp("b")
		}
		a.banned = func(peer.ID) bool { return true }
		a.ended(a.last, outcome{result: resultViolation})
		if a.take(); len(a.sessions) > 0 {
			t.Errorf("%d sessions after a violation; came again: %t", len(a.sessions), again)
		}
	}
}
