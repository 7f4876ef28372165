package lfsync

import (
	"encoding/binary"
	"fmt"
	"io"
	"slices"
	"testing"
	"time"

	pubsub "github.com/libp2p/go-libp2p-pubsub"
	"github.com/libp2p/go-libp2p/core/host"
	"github.com/libp2p/go-libp2p/core/peer"
	"github.com/prometheus/client_golang/prometheus"

	"github.com/lf-store/lf/protocol"
	"github.com/lf-store/lf/sync/internal/pulse"
)

// item is a pulse as it travels on a stream.
func item(p protocol.Pulse) []byte {
	raw := p.Encode()
	return append([]byte{byte(len(raw))}, raw...)
}

// sendPulses opens a stream of the pulse protocol and sends bytes. It returns the answer.
func sendPulses(t testing.TB, from host.Host, to *node, raw []byte) ([]byte, error) {
	t.Helper()
	connect(t, from, to.host)
	s, err := from.NewStream(t.Context(), to.host.ID(), pulse.Service.ID(to.network))
	if err != nil {
		t.Fatal(err)
	}
	defer s.Reset()
	if err := s.SetDeadline(time.Now().Add(20 * time.Second)); err != nil {
		t.Fatal(err)
	}
	_, _ = s.Write(raw) // it may be reset meanwhile
	_ = s.CloseWrite()
	return io.ReadAll(s)
}

// pulseNow makes a pulse of a record of the world's writer.
func (w *world) pulseNow(r *protocol.Record) protocol.Pulse {
	return w.network.NewPulse(r.ID(), uint64(time.Now().Unix()), w.key)
}

func (n *node) knowsPulse(r *protocol.Record, p protocol.Pulse) bool {
	got, ok, err := n.NewestPulse(n.ctx, Claim{Composite: r.CompositeID(), Owner: r.Owner})
	return err == nil && ok && got == p
}

// TestPushedPulses: what a peer pushes is taken in, goes on by gossip, and comes back to whoever
// asks.
func TestPushedPulses(t *testing.T) {
	t.Parallel()
	w := newWorld(t, nil)
	a, b := w.newNode(t, nil), w.newNode(t, nil)
	r := w.record(t)
	a.load(t, r)
	b.load(t, r)
	connect(t, a.host, b.host)
	eventually(t, "a mesh", func() bool {
		return a.drops.Mesh(w.network.PulseTopic()) == 1 && b.drops.Mesh(w.network.PulseTopic()) == 1
	})
	p := w.pulseNow(r)
	sender := newHost(t)
	if _, err := sendPulses(t, sender, a, append([]byte{0}, item(p)...)); err != nil {
		t.Fatal(err)
	}
	for _, n := range []*node{a, b} {
		eventually(t, "the pulse is there", func() bool { return n.knowsPulse(r, p) })
	}
	question := append([]byte{1}, binary.BigEndian.AppendUint64(nil, p.Second)...)
	for name, row := range map[string]struct {
		rest []byte
		want []byte
	}{
		"from one who has none":    {[]byte{0}, item(p)},
		"of other buckets":         {[]byte{p.Record[0] + 1}, nil},
		"from one who has another": {append([]byte{0}, slices.Repeat([]byte{7}, 8*256)...), item(p)},
	} {
		if p.Record[0] == 255 && name == "of other buckets" {
			continue
		}
		got, err := sendPulses(t, sender, b, append(slices.Clone(question), row.rest...))
		if err != nil || string(got) != string(row.want) {
			t.Errorf("%s: %x, %v", name, got, err)
		}
	}
	if a.isGuilty(sender.ID()) || b.isGuilty(sender.ID()) {
		t.Error("an honest peer was blamed")
	}
}

// TestHostilePulses: what no correct peer sends is a violation. What a correct one may send at the
// wrong time is none.
func TestHostilePulses(t *testing.T) {
	t.Parallel()
	w := newWorld(t, nil)
	r := w.record(t)
	good := w.pulseNow(r)
	forged, moved := good, good
	forged.Signature[0] ^= 1
	moved.Second++
	push := func(items ...[]byte) []byte { return append([]byte{0}, slices.Concat(items...)...) }
	old := w.network.NewPulse(r.ID(), 1_000_000, w.key)
	unknown := w.network.NewPulse(testID("unknown"), good.Second, w.key)
	for name, row := range map[string]struct {
		raw    []byte
		guilty bool
	}{
		"of another kind":         {[]byte{2}, true},
		"pushes nothing":          {push(), true},
		"pushes too many":         {push(slices.Repeat([][]byte{item(old)}, pulse.MaxPush+1)...), true},
		"forges":                  {push(item(forged)), true},
		"of another second":       {push(item(moved)), true},
		"no pulse":                {push([]byte{3, 1, 2, 3}), true},
		"an empty pulse":          {push([]byte{0}), true},
		"a pulse too long":        {push([]byte{118}), true},
		"breaks off in a pulse":   {push(item(good)[:20]), true},
		"asks and says more":      {append([]byte{1}, make([]byte, 9+8*256+1)...), true},
		"asks half a question":    {[]byte{1, 0, 0}, true},
		"an old one, and unknown": {push(item(old), item(unknown)), false},
		"the same twice":          {push(item(good), item(good)), false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			n, sender := w.newNode(t, nil), newHost(t)
			n.load(t, r)
			dropped := n.bans()
			_, err := sendPulses(t, sender, n, row.raw)
			if row.guilty {
				receive(t, "it is blamed", dropped)
			} else if err != nil || n.isGuilty(sender.ID()) {
				t.Errorf("%v, guilty: %v", err, n.isGuilty(sender.ID()))
			}
		})
	}
}

// TestGossipedForgery: a peer that gossips forged pulses is read no more after a few. One that
// gossips pulses of records which the node lacks keeps its name.
func TestGossipedForgery(t *testing.T) {
	t.Parallel()
	w := newWorld(t, nil)
	n := w.newNode(t, nil)
	r := w.record(t)
	n.load(t, r)
	dropped := n.bans()
	for _, forge := range []bool{false, true} {
		h := newHost(t)
		ps := newPubSub(t, h, pubsub.WithMessageSignaturePolicy(pubsub.StrictNoSign), pubsub.WithNoAuthor(), pubsub.WithMessageIdFn(messageID))
		topic, err := ps.Join(w.network.PulseTopic())
		if err != nil {
			t.Fatal(err)
		}
		connect(t, h, n.host)
		eventually(t, "the node is in the topic", func() bool { return slices.Contains(topic.ListPeers(), n.host.ID()) })
		for i := range 4 {
			p := w.network.NewPulse(testID(fmt.Sprint(forge, i)), uint64(time.Now().Unix()), w.key)
			if forge {
				p = w.pulseNow(r)
				p.Signature[i] ^= 1
			}
			if err := topic.Publish(t.Context(), p.Encode()); err != nil {
				t.Fatal(err)
			}
		}
		if forge {
			receive(t, "it is blamed", dropped)
			continue
		}
		eventually(t, "all have come", func() bool { return n.pulsesOf("gossip", "no_record") == 4 })
		if n.isGuilty(h.ID()) {
			t.Error("a peer was blamed for records that this node lacks")
		}
	}
}

// TestFewPeers: a pulse of this node's own users does not go to all peers of the topic at once.
func TestFewPeers(t *testing.T) {
	t.Parallel()
	for _, row := range []struct{ mesh, others, want int }{{0, 0, 0}, {0, 3, 3}, {0, 50, pubsub.GossipSubD}, {4, 50, pubsub.GossipSubD}, {12, 50, 12}, {2, 1, 3}} {
		f := &fewPeers{mesh: map[peer.ID]bool{}}
		for i := range row.mesh + row.others {
			p := peer.ID(fmt.Sprint(i))
			f.mesh[p] = i < row.mesh
			f.AddRPC(p, "m", new(pubsub.RPC))
		}
		chosen, meshed := 0, 0
		for p := range f.All() {
			chosen++
			if f.mesh[p] {
				meshed++
			}
		}
		if chosen != row.want || meshed != row.mesh {
			t.Errorf("%d in the mesh and %d others: %d are sent to, %d of the mesh", row.mesh, row.others, chosen, meshed)
		}
	}
}

// pulsesOf is how many pulses came by one way and ended so.
func (n *node) pulsesOf(via, outcome string) int {
	return counterOf(n.pulses.Metrics()[0].(*prometheus.CounterVec).WithLabelValues(via, outcome))
}
