package lfsync

import (
	"crypto/rand"
	"errors"
	"io"
	"slices"
	"sync"
	"testing"
	"time"

	pubsub "github.com/libp2p/go-libp2p-pubsub"
	pb "github.com/libp2p/go-libp2p-pubsub/pb"
	"github.com/libp2p/go-libp2p/core/host"
	"github.com/libp2p/go-libp2p/core/network"
	"github.com/libp2p/go-libp2p/core/peer"
	"google.golang.org/protobuf/proto"

	"github.com/lf-store/lf/protocol"
)

// scores lets a test see what a node thinks of its peers.
type scores struct {
	mu sync.Mutex
	of map[peer.ID]float64
}

func (s *scores) inspect(of map[peer.ID]float64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.of = of
}

func (s *scores) has(p peer.ID) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	_, ok := s.of[p]
	return ok
}

func (s *scores) get(p peer.ID) float64 {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.of[p]
}

// scored makes a gossiping node whose scores can be seen.
func (w *world) scored(t testing.TB) (*node, *scores) {
	t.Helper()
	seen := new(scores)
	n := &node{store: newFakeStore(w.network), host: newHost(t), drops: new(GossipDrops)}
	ps := newPubSub(t, n.host, append(PubSubOptions(w.network), pubsub.WithRawTracer(n.drops),
		pubsub.WithPeerScoreInspect(seen.inspect, 50*time.Millisecond))...)
	s, err := New(Config{Network: w.network, Store: n.store, Verify: noWork, Host: n.host, PubSub: ps, GossipDrops: n.drops, Logger: testLogger(t)})
	if err != nil {
		t.Fatal(err)
	}
	n.Sync = s
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return n, seen
}

// rawGossip opens a stream that says to a node, as GossipSub does, whatever one wants.
func (w *world) rawGossip(t testing.TB, h host.Host, to peer.ID) func(frame []byte) {
	t.Helper()
	s, err := h.NewStream(t.Context(), to, pubsub.GossipSubID_v11)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Reset() })
	topic := gossipTopic(w.network)
	return func(frame []byte) {
		raw, err := proto.Marshal(&pb.RPC{Publish: []*pb.Message{{Data: frame, Topic: &topic}}})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := s.Write(append(uvarint(len(raw)), raw...)); err != nil {
			t.Fatal(err)
		}
	}
}

func uvarint(n int) []byte {
	var b []byte
	for ; n >= 0x80; n >>= 7 {
		b = append(b, byte(n)|0x80)
	}
	return append(b, byte(n))
}

// A peer that gossips what is invalid is scored down until nothing of it is read any more; the others are not.
func TestHostileGossip(t *testing.T) {
	w := newWorld(t, nil)
	n, seen := w.scored(t)
	good := w.newNode(t, nil)
	connect(t, good.host, n.host)
	bad := newHost(t)
	bad.SetStreamHandler(pubsub.GossipSubID_v11, func(s network.Stream) { _, _ = io.Copy(io.Discard, s) })
	connect(t, bad, n.host)
	eventually(t, "both are peers", func() bool {
		return slices.Contains(n.gossip.topic.ListPeers(), good.host.ID()) && seen.has(bad.ID())
	})
	say := w.rawGossip(t, bad, n.host.ID())
	frames := w.badFrames(t)
	for _, name := range []string{"malformed", "signature wrong", "value false"} {
		say(frames[name])
	}
	eventually(t, "it is below the graylist threshold", func() bool { return seen.get(bad.ID()) < graylistThreshold })

	// Not even what is right is taken from it now.
	r := w.record(t)
	say(r.EncodeFrame())
	last := w.record(t)
	good.submit(t, last)
	eventually(t, "the good peer's record comes", func() bool { return n.store.state(last.ID()) == Attached })
	if n.store.state(r.ID()) != 0 {
		t.Error("a graylisted peer's record was taken")
	}
	if s := seen.get(good.host.ID()); s < 0 {
		t.Errorf("the good peer has the score %g", s)
	}
}

// Bytes that are no messages, on GossipSub's own protocol.
func TestGarbageOnGossip(t *testing.T) {
	w := newWorld(t, nil)
	n, _ := w.scored(t)
	bad := newHost(t)
	connect(t, bad, n.host)
	for range 20 {
		s, err := bad.NewStream(t.Context(), n.host.ID(), pubsub.GossipSubID_v11)
		if err != nil {
			t.Fatal(err)
		}
		_, _ = io.CopyN(s, rand.Reader, 4<<10)
		_ = s.Reset()
	}
	good := w.newNode(t, nil)
	connect(t, good.host, n.host)
	r := w.record(t)
	good.submit(t, r)
	eventually(t, "others are heard", func() bool { return n.store.state(r.ID()) == Attached })
}

// The thresholds hold what their comment says: so many invalid messages, whatever good the peer did.
func TestScoreTable(t *testing.T) {
	best := float64(maxGoodScore)
	for count, c := range []struct{ above, below float64 }{
		{gossipThreshold, 1}, {publishThreshold, gossipThreshold}, {graylistThreshold, publishThreshold}, {-1e9, graylistThreshold},
	} {
		penalty := float64(invalidWeight * count * count)
		if penalty < c.above || count > 0 && penalty+best >= c.below {
			t.Errorf("%d invalid messages: score %g to %g, want between %g and %g", count, penalty, penalty+best, c.above, c.below)
		}
	}
	if topicScoreParams().MeshMessageDeliveriesWeight != 0 || topicScoreParams().MeshFailurePenaltyWeight != 0 {
		t.Error("a quiet peer is punished")
	}
}

// Gossip does not pile up behind the checks: what is beyond the bound is dropped and counted. Others wait.
func TestBusy(t *testing.T) {
	w := newWorld(t, func(p *protocol.Params) { p.WorkPerKiB = 1 })
	enter, leave := make(chan struct{}), make(chan struct{})
	s, _ := w.offline(t, func(c *Config) {
		c.Verify = func([]byte, protocol.Work) error { enter <- struct{}{}; <-leave; return nil }
	})
	s.waiting = make(chan struct{}, cap(s.checker.cores)) // no room beyond those being checked
	var checks sync.WaitGroup
	paid := func() []byte {
		r := w.record(t)
		return forge(t, r, func(h *protocol.Header) { h.Work = &protocol.Work{Effort: 1 << 20} }, r.ValueBytes())
	}
	for range cap(s.checker.cores) {
		frame := paid()
		checks.Go(func() { _, _ = s.Ingest(t.Context(), frame, Source{Via: ViaGossip}) })
		<-enter
	}
	if _, err := s.Ingest(t.Context(), paid(), Source{Via: ViaGossip}); !errors.Is(err, ErrBusy) {
		t.Errorf("gossip beyond the bound: %v, want ErrBusy", err)
	}
	if got := s.Status().Dropped[queueChecks]; got != 1 {
		t.Errorf("%d drops counted, want 1", got)
	}
	for _, from := range []Source{Local, {Via: ViaFetch}} {
		frame := paid()
		checks.Go(func() {
			if in, err := s.Ingest(t.Context(), frame, from); err != nil || in.Outcome != Attached {
				t.Errorf("%s: %s, %v", from.Via, in.Outcome, err)
			}
		})
	}
	go func() {
		for range enter { //nolint:revive // the two that waited announce themselves
		}
	}()
	close(leave)
	checks.Wait()
	close(enter)
}
