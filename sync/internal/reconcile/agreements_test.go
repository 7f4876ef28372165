package reconcile

import (
	"testing"
	"time"

	"github.com/libp2p/go-libp2p/core/peer"
	"pgregory.net/rapid"

	"github.com/lf-store/lf/internal/intake"
	"github.com/lf-store/lf/protocol"
)

// model of the agreements: what each peer listed, by name.
type agreementsModel struct {
	l        *agreements
	peers    []peer.ID
	up       map[peer.ID]bool
	listed   map[peer.ID]map[protocol.ID]bool
	compared map[peer.ID]time.Duration
	agreed   map[peer.ID]time.Duration
	left     time.Duration // the newest agreement with one that left
	ids      []protocol.ID
	here     map[protocol.ID]bool
	now      time.Duration
}

func (m *agreementsModel) peer(t *rapid.T) peer.ID { return rapid.SampledFrom(m.peers).Draw(t, "peer") }

func (m *agreementsModel) comeOrGo(t *rapid.T) {
	p := m.peer(t)
	switch {
	case !m.up[p]:
		m.l.peerUp(p)
	case rapid.Bool().Draw(t, "believed"):
		m.l.leave(p)
		m.left = max(m.left, m.agreed[p])
	default:
		m.l.drop(p)
	}
	m.up[p] = !m.up[p]
	m.listed[p] = make(map[protocol.ID]bool)
	m.compared[p], m.agreed[p] = notYet, notYet
}

func (m *agreementsModel) list(t *rapid.T) {
	p, id := m.peer(t), rapid.SampledFrom(m.ids).Draw(t, "id")
	if m.here[id] {
		return // who lists it sees it missing
	}
	m.l.list(p, []protocol.ID{id}, nil)
	if m.up[p] {
		m.listed[p][id] = true
	}
}

func (m *agreementsModel) unlist(t *rapid.T) {
	p, id := m.peer(t), rapid.SampledFrom(m.ids).Draw(t, "id")
	m.l.unlist(p, []protocol.ID{id})
	if m.listed[p][id] {
		delete(m.listed[p], id)
		m.settle(p)
	}
}

func (m *agreementsModel) attach(t *rapid.T) {
	id := rapid.SampledFrom(m.ids).Draw(t, "id")
	m.here[id] = true
	m.l.attached([]intake.Item{{ID: id}})
	for p := range m.up {
		if m.listed[p][id] {
			delete(m.listed[p], id)
			m.settle(p)
		}
	}
}

func (m *agreementsModel) complete(t *rapid.T) {
	p := m.peer(t)
	m.now += time.Second
	m.l.tell(m.now, 0)
	m.l.completed(p, m.now, 0)
	if m.up[p] {
		m.compared[p] = m.now
		m.settle(p)
	}
}

func (m *agreementsModel) settle(p peer.ID) {
	if len(m.listed[p]) == 0 {
		m.agreed[p] = m.compared[p]
	}
}

func (m *agreementsModel) check(t *rapid.T) {
	peers, agreeing, newest := 0, 0, m.left
	missing := make(map[protocol.ID]bool)
	since := time.Duration(rapid.Int64Range(0, int64(m.now)).Draw(t, "since"))
	for p, up := range m.up {
		if !up {
			continue
		}
		peers++
		for id := range m.listed[p] {
			missing[id] = true
		}
		newest = max(newest, m.agreed[p])
		if m.agreed[p] >= since && len(m.listed[p]) == 0 {
			agreeing++
		}
	}
	if got := m.l.agreeing(since); got != agreeing || len(m.l.peers) != peers || m.l.newest() != newest || len(m.l.listed) != len(missing) {
		t.Fatalf("%d of %d peers agree, newest %s, %d missing; want %d of %d, %s, %d",
			got, len(m.l.peers), m.l.newest(), len(m.l.listed), agreeing, peers, newest, len(missing))
	}
	if want := agreeing > 0 && 2*agreeing >= peers && len(missing) == 0; m.l.synced(since) != want {
		t.Fatalf("synced: %t", !want)
	}
}

// The agreements say what a model says that looks at everything.
func TestAgreements(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		m := &agreementsModel{
			l: newAgreements(), peers: []peer.ID{"A", "B", "C", "D"}, up: make(map[peer.ID]bool),
			listed: make(map[peer.ID]map[protocol.ID]bool), compared: make(map[peer.ID]time.Duration),
			agreed: make(map[peer.ID]time.Duration), left: notYet, here: make(map[protocol.ID]bool),
		}
		for _, name := range []string{"a", "b", "c", "d", "e", "f"} {
			m.ids = append(m.ids, protocol.ID{name[0]})
		}
		t.Repeat(map[string]func(*rapid.T){
			"come or go": m.comeOrGo, "list": m.list, "unlist": m.unlist, "attach": m.attach, "complete": m.complete, "": m.check,
		})
	})
}

func TestMeter(t *testing.T) {
	var m meter
	if r := m.rate(0, 0); r != 0 {
		t.Errorf("at first %f", r)
	}
	m.note(500*time.Millisecond, 50)
	if r := m.rate(500*time.Millisecond, 0); r != 100 {
		t.Errorf("in the first second %f", r)
	}
	for at := time.Second; at < 20*time.Second; at += 100 * time.Millisecond {
		m.note(at, 30)
	}
	if r := m.rate(20*time.Second, 0); r != 300 {
		t.Errorf("after 20 s %f", r)
	}
	if r := m.rate(20*time.Second, 18*time.Second); r != 300 {
		t.Errorf("since 2 s %f", r)
	}
	if r := m.rate(25*time.Second, 0); r < 100 || r > 200 {
		t.Errorf("5 s after the last %f", r)
	}
	if r := m.rate(time.Hour, 0); r != 0 {
		t.Errorf("long after %f", r)
	}
}
