package node

import (
	"context"
	"testing"
	"time"

	"github.com/lf-store/lf/node/api"
	"github.com/lf-store/lf/protocol"
)

// beat has a node's default owner pulse for a record, a time ago.
func beat(t testing.TB, n *Node, record protocol.ID, ago time.Duration) (second uint64) {
	t.Helper()
	key, _, err := n.config.Home.Owners().Default()
	if err != nil {
		t.Fatal(err)
	}
	second = uint64(time.Now().Add(-ago).Unix())
	p := n.config.Network.NewPulse(record, second, key.Secret)
	done, err := n.Service().Pulse(t.Context(), api.PulseRequest{Pulses: [][]byte{p.Encode()}})
	if err != nil || done.Pulses[0].State != api.PulseAccepted {
		t.Fatalf("%+v, %v", done, err)
	}
	return second
}

// ask asks a node for what is alive under a name, with any age if that is 0.
func ask(t testing.TB, n *Node, name string, age uint64) *api.QueryResult {
	t.Helper()
	r, err := n.Service().Query(context.Background(), api.Query{Selectors: api.MustSelectors(name), Decrypt: true, Alive: age})
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// pulsedAt is the second of the newest pulse of what answers at a node, 0 for none.
func pulsedAt(t testing.TB, n *Node, name string) uint64 {
	t.Helper()
	if r := ask(t, n, name, 0); len(r.Answers) == 1 && r.Answers[0].Alive != nil {
		return r.Answers[0].Alive.Second
	}
	return 0
}

// TestPulseThroughRelay: pulses go both ways over a connection that a relay limits, and on to the
// peers of its other end. A node that comes late learns them without another beat, and one that was
// restarted knows them.
func TestPulseThroughRelay(t *testing.T) {
	t.Parallel()
	r := startRelayed(t)
	other := start(t, config(t, r.near.config.Network, seeds(r.near)))
	eventually(t, "the connections", func() bool { return limited(r.near, r.far) && limited(r.far, r.near) && linked(other, r.near) })
	seen := func(what string, second uint64, name string, nodes ...*Node) {
		t.Helper()
		for _, n := range nodes {
			eventually(t, what, func() bool { return pulsedAt(t, n, name) == second })
		}
	}
	afar := set(t, r.far.Service(), "from afar", "svc/afar")
	wantRead(t, other.Service(), "from afar", "svc/afar")
	seen("a beat from behind a relay", beat(t, r.far, afar.ID, 70*time.Second), "svc/afar", r.far, r.near, other)
	near := set(t, other.Service(), "from near", "svc/near")
	wantRead(t, r.far.Service(), "from near", "svc/near")
	seen("a beat for one behind a relay", beat(t, other, near.ID, 70*time.Second), "svc/near", other, r.near, r.far)
	last := beat(t, r.far, afar.ID, 0)
	seen("the next beat", last, "svc/afar", other)

	late := start(t, config(t, r.near.config.Network, seeds(other)))
	seen("the beat at one that comes late", last, "svc/afar", late)

	again := late.config
	stop(t, late)
	again.Seeds, again.Offline = nil, true
	late = start(t, again)
	if got := pulsedAt(t, late, "svc/afar"); got != last {
		t.Errorf("after a restart the newest beat is %d, want %d", got, last)
	}
}

// TestImpostorPulses: while the rightful owner is away an impostor that pulses gains nothing. There
// is no answer then.
func TestImpostorPulses(t *testing.T) {
	t.Parallel()
	n := newNetwork(t, 0)
	rightful := start(t, config(t, n))
	impostor := start(t, config(t, n, seeds(rightful)))
	eventually(t, "a connection", func() bool { return linked(impostor, rightful) })
	least := uint64(n.LeastAlive().Seconds())

	rightly := set(t, rightful.Service(), "the rightful one", "svc/web")
	for range 3 {
		set(t, rightful.Service(), "others' work", "something else")
	}
	wantRead(t, impostor.Service(), "the rightful one", "svc/web")
	first := beat(t, rightful, rightly.ID, time.Duration(least+100)*time.Second)
	eventually(t, "the first beat", func() bool { return pulsedAt(t, impostor, "svc/web") == first })
	falsely := set(t, impostor.Service(), "an impostor", "svc/web")
	wantClaims := func(node *Node) {
		eventually(t, "both claims", func() bool { r := ask(t, node, "svc/web", 0); return len(r.Answers) == 1 && r.Answers[0].Claims == 2 })
	}
	beat(t, impostor, falsely.ID, 0)
	for _, node := range []*Node{rightful, impostor} {
		wantClaims(node)
		if r := ask(t, node, "svc/web", 0); *r.Answers[0].Text != "the rightful one" || r.Answers[0].Alive.Second != first {
			t.Errorf("%+v answers", r.Answers[0])
		}
		if r := ask(t, node, "svc/web", least); len(r.Answers) != 0 || r.Lapsed != 1 {
			t.Errorf("with the owner away %+v answers, %d lapsed", r.Answers, r.Lapsed)
		}
	}
	back := beat(t, rightful, rightly.ID, 0)
	for _, node := range []*Node{rightful, impostor} {
		eventually(t, "the owner is back", func() bool {
			r := ask(t, node, "svc/web", least)
			return len(r.Answers) == 1 && *r.Answers[0].Text == "the rightful one" && r.Answers[0].Alive.Second == back
		})
	}
}
