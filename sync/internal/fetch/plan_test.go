package fetch

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/libp2p/go-libp2p/core/peer"
	"pgregory.net/rapid"

	"github.com/lf-store/lf/protocol"
)

// simulation drives a planner among peers that have random subsets of the records, come and go,
// lose requests and lie. It checks every action, and that in the end all is fetched that any peer
// has.
type simulation struct {
	t           *rapid.T
	s           *planner
	now         time.Duration
	all         []protocol.ID
	peers       []peer.ID
	has         map[peer.ID]map[protocol.ID]bool
	up          map[peer.ID]bool
	here        map[protocol.ID]bool // fetched, or came otherwise
	needed      map[protocol.ID]bool // what the store says is missing: all that was ever wanted
	outstanding map[requestID]sendRequest
	turn        int
	bans        map[peer.ID]time.Duration // until when
}

func newSimulation(t *rapid.T) *simulation {
	l := defaultLimits()
	l.wanted = rapid.IntRange(3, 40).Draw(t, "wanted")
	l.named = rapid.IntRange(3, 40).Draw(t, "named")
	l.namedEach = rapid.IntRange(1, l.named).Draw(t, "namedEach")
	l.requests = rapid.IntRange(1, 6).Draw(t, "requests")
	l.perPeer = rapid.IntRange(1, 3).Draw(t, "perPeer")
	l.batch = rapid.IntRange(1, 8).Draw(t, "batch")
	l.firstBatch = rapid.IntRange(1, l.batch).Draw(t, "firstBatch")
	l.minBatch = rapid.IntRange(1, l.batch).Draw(t, "minBatch")
	l.rounds = rapid.IntRange(1, 30).Draw(t, "rounds")
	l.retryMax, l.pauseMax, l.refillEvery, l.unavailableTime = 8*time.Second, 8*time.Second, 10*time.Second, 30*time.Second
	m := &simulation{
		t: t, s: newPlanner(l),
		has: make(map[peer.ID]map[protocol.ID]bool), up: make(map[peer.ID]bool),
		here: make(map[protocol.ID]bool), needed: make(map[protocol.ID]bool), outstanding: make(map[requestID]sendRequest),
		bans: make(map[peer.ID]time.Duration),
	}
	m.s.banned = func(p peer.ID) bool { return m.now < m.bans[p] }
	for i := range rapid.IntRange(1, 40).Draw(t, "records") {
		m.all = append(m.all, testID(fmt.Sprint(i)))
	}
	for i := range rapid.IntRange(1, 5).Draw(t, "peers") {
		p := peer.ID(fmt.Sprint("peer", i))
		m.peers = append(m.peers, p)
		m.has[p] = make(map[protocol.ID]bool)
		for _, id := range m.all {
			m.has[p][id] = rapid.Bool().Draw(t, "has")
		}
	}
	return m
}

func (m *simulation) somePeer() peer.ID { return rapid.SampledFrom(m.peers).Draw(m.t, "peer") }

func (m *simulation) someIDs() []protocol.ID {
	return rapid.SliceOfNDistinct(rapid.SampledFrom(m.all), 1, min(6, len(m.all)), rapid.ID[protocol.ID]).Draw(m.t, "ids")
}

func (m *simulation) comeOrGo(t *rapid.T) {
	p := m.somePeer()
	if m.up[p] = !m.up[p]; m.up[p] {
		m.s.peerUp(p)
	} else {
		m.s.peerDown(p)
	}
	m.obey()
}

func (m *simulation) wantSome(t *rapid.T) {
	ids := slices.DeleteFunc(m.someIDs(), func(id protocol.ID) bool { return m.here[id] })
	for _, id := range ids {
		m.needed[id] = true
	}
	from := peer.ID("")
	if rapid.Bool().Draw(t, "hint") {
		from = m.somePeer()
	}
	m.s.want(ids, from, rapid.IntRange(0, 12).Draw(t, "depth"), rapid.SampledFrom([]time.Duration{0, time.Second}).Draw(t, "delay"))
	m.obey()
}

// list lets a peer say what it has; now and then it has less.
func (m *simulation) list(t *rapid.T) {
	p, lies := m.somePeer(), rapid.IntRange(0, 3).Draw(t, "lies") == 0
	ids := slices.DeleteFunc(m.someIDs(), func(id protocol.ID) bool { return m.here[id] || !m.has[p][id] && !lies })
	for _, id := range ids {
		m.needed[id] = true
	}
	m.s.listed(ids, p)
	m.obey()
}

func (m *simulation) crowd(t *rapid.T) {
	m.s.congested = rapid.Bool().Draw(t, "congested")
}

func (m *simulation) arrive(t *rapid.T) {
	ids := m.someIDs()
	m.s.have(ids)
	m.note(ids)
	m.obey()
}

func (m *simulation) note(ids []protocol.ID) {
	for _, id := range ids {
		m.here[id] = true
	}
}

func (m *simulation) learn(*rapid.T) {
	p := m.somePeer()
	for _, id := range m.someIDs() {
		m.has[p][id] = true
	}
}

func (m *simulation) pass(t *rapid.T) {
	m.now += rapid.SampledFrom([]time.Duration{100 * time.Millisecond, time.Second, 50 * time.Second}).Draw(t, "time")
	m.s.tick(m.now)
	m.obey()
}

// reply answers a request, well or badly.
func (m *simulation) reply(t *rapid.T) {
	ids := m.requests()
	if len(ids) == 0 {
		t.Skip("no request")
	}
	m.answer(rapid.SampledFrom(ids).Draw(t, "request"), rapid.IntRange(0, 5).Draw(t, "manner"))
}

func (m *simulation) requests() []requestID {
	var ids []requestID
	for id := range m.outstanding {
		ids = append(ids, id)
	}
	slices.Sort(ids)
	return ids
}

func (m *simulation) answer(id requestID, manner int) {
	a := m.outstanding[id]
	delete(m.outstanding, id)
	var out answer
	var got, later []protocol.ID
	ids := a.ids
	switch manner {
	case 0:
		out.result = resultFailed
		ids = nil
	case 1:
		out.result = resultViolation
		ids = nil
		if m.bans[a.peer] = m.now + 20*time.Second; m.up[a.peer] {
			m.s.ban(a.peer)
		}
	case 2: // breaks off
		ids = ids[:len(ids)/2]
	}
	for _, id := range ids {
		switch {
		case !m.has[a.peer][id]:
			out.lacking = append(out.lacking, id)
		case manner == 3:
			later = append(later, id)
		case manner == 4 && !a.wide:
			out.unclear = append(out.unclear, id)
		default:
			got = append(got, id)
		}
	}
	m.s.came(append(slices.Clone(got), later...))
	m.s.done(id, out)
	m.obey()
	m.note(got)
	m.s.have(got)
	m.s.later(later)
	m.obey()
}

// obey carries out the planner's actions and checks them.
func (m *simulation) obey() {
	room := 0
	for _, a := range m.s.take() {
		switch a := a.(type) {
		case sendRequest:
			m.outstanding[a.request] = a
			if m.now < m.bans[a.peer] {
				m.t.Fatalf("request %d to a banned peer", a.request)
			}
			if !m.up[a.peer] {
				m.t.Fatalf("request %d to a peer that is not there", a.request)
			}
			if len(a.ids) > m.s.limits.batch || a.ancestors > m.s.limits.ancestors {
				m.t.Fatalf("request %d is too large", a.request)
			}
		case cancelRequest:
			delete(m.outstanding, a.request)
		case refill:
			room = a.limit
		}
	}
	m.check(m.t)
	if room > 0 {
		m.refill(room)
	}
}

// refill wants what is missing, as the driver does when the store has told it, beginning at another
// one each time.
func (m *simulation) refill(limit int) {
	var missing []protocol.ID
	for i := range m.all {
		id := m.all[(m.turn+i)%len(m.all)]
		if m.needed[id] && !m.here[id] && len(missing) < limit {
			missing = append(missing, id)
		}
	}
	m.turn += limit
	m.s.want(missing, "", refillDepth, 0)
	m.obey()
}

// check holds the invariants.
func (m *simulation) check(t *rapid.T) {
	inFlight := make(map[peer.ID]int)
	asked := make(map[protocol.ID]bool)
	for _, a := range m.outstanding {
		inFlight[a.peer]++
		for _, id := range a.ids {
			if asked[id] {
				t.Fatal("a record was asked for twice at a time")
			}
			asked[id] = true
		}
	}
	for p, n := range inFlight {
		if n > m.s.limits.perPeer || m.s.byPeer[p] == nil || m.s.byPeer[p].inFlight != n {
			t.Fatalf("%d requests to %s under way", n, p)
		}
	}
	if len(m.outstanding) > m.s.limits.requests {
		t.Fatalf("%d requests", len(m.outstanding))
	}
	ready, states := 0, make(map[wantedState]int)
	urgent := make(map[*wanted]bool)
	for i := range m.s.lanes {
		l := &m.s.lanes[i]
		for _, w := range l.queue {
			if w != nil {
				ready++
			}
		}
		for _, w := range l.urgent {
			if w.urgent && !urgent[w] {
				urgent[w] = true
				ready++
			}
		}
		if len(l.queue) > 2*(m.s.limits.wanted+m.s.limits.named)+1 {
			t.Fatalf("the queue has grown to %d", len(l.queue))
		}
	}
	var counts [kinds]int
	bySource := make(map[*source]int)
	for _, w := range m.s.wanted {
		states[w.state]++
		counts[w.kind]++
		if w.source != nil {
			bySource[w.source]++
		}
		if (w.state == stateAsked) != asked[w.id] {
			t.Fatal("a record's state is not that of its request")
		}
	}
	if counts != m.s.counts {
		t.Fatalf("%v wanted by kind, %v counted", counts, m.s.counts)
	}
	// What was asked for or had come when its listers went is above the share.
	if l := m.s.limits; counts[kindListed] > l.wanted+l.named || counts[kindNamed] > l.named+states[stateAsked]+states[stateCame] {
		t.Fatalf("%v wanted by kind", counts)
	}
	for by, n := range bySource {
		if n != by.named || n > m.s.limits.namedEach {
			t.Fatalf("%d named by one source, %d counted", n, by.named)
		}
	}
	if ready != m.s.ready() || ready != states[stateReady] || m.s.waiting.Len() != states[stateWaiting] {
		t.Fatalf("%d ready in the queue, %d counted, %d by state; %d waiting, %d by state",
			ready, m.s.ready(), states[stateReady], m.s.waiting.Len(), states[stateWaiting])
	}
}

// finish lets all peers be there and answer well, and checks that all is fetched that can be.
func (m *simulation) finish(t *rapid.T) {
	m.s.congested = false
	for range 400 {
		for _, p := range m.peers {
			if !m.up[p] {
				m.up[p] = true
				m.s.peerUp(p)
			}
		}
		m.now += time.Second
		m.s.tick(m.now)
		m.obey()
		for len(m.outstanding) > 0 {
			m.answer(m.requests()[0], 5)
		}
	}
	for _, id := range m.all {
		available := slices.ContainsFunc(m.peers, func(p peer.ID) bool { return m.has[p][id] })
		if m.needed[id] && available && !m.here[id] {
			t.Fatalf("record %s was never fetched", id)
		}
	}
}

func TestPlanFetchesAll(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		m := newSimulation(t)
		t.Repeat(map[string]func(*rapid.T){
			"come or go": m.comeOrGo, "want": m.wantSome, "list": m.list, "crowd": m.crowd, "arrive": m.arrive, "learn": m.learn,
			"pass": m.pass, "reply": m.reply, "": m.check,
		})
		m.finish(t)
	})
}
