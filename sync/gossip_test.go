package lfsync

import (
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	pubsub "github.com/libp2p/go-libp2p-pubsub"
	pb "github.com/libp2p/go-libp2p-pubsub/pb"
	"github.com/libp2p/go-libp2p/core/crypto"
	"github.com/libp2p/go-libp2p/core/host"
	"github.com/libp2p/go-libp2p/core/network"
	"github.com/libp2p/go-libp2p/core/peer"
	"github.com/libp2p/go-libp2p/core/record"
	ma "github.com/multiformats/go-multiaddr"
	"google.golang.org/protobuf/proto"

	"github.com/lf-store/lf/protocol"
)

// scores lets a test see what a node thinks of its peers. As a tracer it learns which ones are in
// its mesh.
type scores struct {
	GossipDrops // a tracer already
	mu          sync.Mutex
	of          map[peer.ID]float64
	mesh        map[peer.ID]bool
}

func (s *scores) Graft(p peer.ID, _ string) { s.place(p, true) }

func (s *scores) Prune(p peer.ID, _ string) { s.place(p, false) }

func (s *scores) place(p peer.ID, has bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.mesh[p] = has
}

func (s *scores) inMesh(p peer.ID) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.mesh[p]
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

// scored makes a gossiping node whose scores can be seen; isSeed may be nil.
func (w *world) scored(t testing.TB, isSeed func(peer.ID) bool) (*node, *scores) {
	t.Helper()
	seen := &scores{mesh: map[peer.ID]bool{}}
	n := &node{store: newTestStore(w.network), host: newHost(t), drops: new(GossipDrops)}
	ps := newPubSub(t, n.host, append(append(PubSubOptions(w.network, isSeed), n.drops.Options()...), pubsub.WithRawTracer(seen),
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
func (w *world) rawGossip(t testing.TB, h host.Host, to peer.ID) func(*pb.RPC) {
	t.Helper()
	s, err := h.NewStream(t.Context(), to, pubsub.GossipSubID_v11)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Reset() })
	return func(rpc *pb.RPC) {
		raw, err := proto.Marshal(rpc)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := s.Write(append(uvarint(len(raw)), raw...)); err != nil {
			t.Fatal(err)
		}
	}
}

// message is a frame as it is gossiped.
func (w *world) message(frame []byte) *pb.RPC {
	topic := gossipTopic(w.network)
	return &pb.RPC{Publish: []*pb.Message{{Data: frame, Topic: &topic}}}
}

// member asks for a place in the mesh.
func (w *world) member() *pb.RPC {
	topic, yes := gossipTopic(w.network), true
	return &pb.RPC{
		Subscriptions: []*pb.RPC_SubOpts{{Topicid: &topic, Subscribe: &yes}},
		Control:       &pb.ControlMessage{Graft: []*pb.ControlGraft{{TopicID: &topic}}},
	}
}

// mute makes a host that takes in gossip and says nothing of itself.
func mute(t testing.TB) host.Host {
	h := newHost(t)
	h.SetStreamHandler(pubsub.GossipSubID_v11, func(s network.Stream) { _, _ = io.Copy(io.Discard, s) })
	return h
}

func uvarint(n int) []byte {
	var b []byte
	for ; n >= 0x80; n >>= 7 {
		b = append(b, byte(n)|0x80)
	}
	return append(b, byte(n))
}

// A peer that gossips what is invalid is scored down until nothing of it is read any more; the
// others are not.
func TestHostileGossip(t *testing.T) {
	w := newWorld(t, nil)
	n, seen := w.scored(t, nil)
	good := w.newNode(t, nil)
	connect(t, good.host, n.host)
	bad := mute(t)
	connect(t, bad, n.host)
	eventually(t, "both are peers", func() bool {
		return slices.Contains(n.gossip.topic.ListPeers(), good.host.ID()) && seen.has(bad.ID())
	})
	say := w.rawGossip(t, bad, n.host.ID())
	frames := w.badFrames(t)
	for _, name := range []string{"malformed", "signature wrong", "value false"} {
		say(w.message(frames[name]))
	}
	eventually(t, "it is below the graylist threshold", func() bool { return seen.get(bad.ID()) < graylistThreshold })

	// Not even what is right is taken from it now.
	r := w.record(t)
	say(w.message(r.EncodeFrame()))
	last := w.record(t)
	good.submit(t, last)
	eventually(t, "the good peer's record comes", func() bool { return n.store.State(last.ID()) == Attached })
	if n.store.State(r.ID()) != 0 {
		t.Error("a graylisted peer's record was taken")
	}
	if s := seen.get(good.host.ID()); s < 0 {
		t.Errorf("the good peer has the score %g", s)
	}
}

// Bytes that are no messages, on GossipSub's own protocol.
func TestGarbageOnGossip(t *testing.T) {
	t.Parallel()
	w := newWorld(t, nil)
	n, _ := w.scored(t, nil)
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
	eventually(t, "others are heard", func() bool { return n.store.State(r.ID()) == Attached })
}

// One invalid record costs a peer its place in the mesh, a seed like any other.
func TestPlaceIsLost(t *testing.T) {
	for name, isSeed := range map[string]func(peer.ID) bool{"peer": nil, "seed": func(peer.ID) bool { return true }} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, nil)
			n, seen := w.scored(t, isSeed)
			bad := mute(t)
			connect(t, bad, n.host)
			say := w.rawGossip(t, bad, n.host.ID())
			eventually(t, "it is a peer", func() bool { return seen.has(bad.ID()) })
			say(w.member())
			eventually(t, "it has a place", func() bool { return seen.inMesh(bad.ID()) })
			if s := seen.get(bad.ID()); s < 0 {
				t.Errorf("it has the score %g before it did anything", s)
			}
			say(w.message(w.badFrames(t)["signature wrong"]))
			eventually(t, "it has no place", func() bool { return !seen.inMesh(bad.ID()) })
			eventually(t, "it is told and asked of no messages", func() bool { return seen.get(bad.ID()) < gossipThreshold })
			say(w.member())
			time.Sleep(1500 * time.Millisecond) // a heartbeat and more
			if seen.inMesh(bad.ID()) {
				t.Error("it has a place again")
			}
		})
	}
}

// A full node names others to whom it turns away; that is heeded where it is a seed, and only
// there.
func TestPeerExchange(t *testing.T) {
	small := pubsub.DefaultGossipSubParams()
	small.D, small.Dlo, small.Dhi, small.Dscore, small.Dout = 3, 2, 3, 1, 0
	for _, trusted := range []bool{true, false} {
		t.Run(fmt.Sprintf("seed=%t", trusted), func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, nil)
			full := newHost(t)
			member := &scores{mesh: map[peer.ID]bool{}}
			ps := newPubSub(t, full, append(PubSubOptions(w.network, nil), pubsub.WithGossipSubParams(small), pubsub.WithRawTracer(member))...)
			topic, err := ps.Join(gossipTopic(w.network))
			if err != nil {
				t.Fatal(err)
			}
			leave, err := topic.Relay()
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(leave)
			var others []host.Host
			for range small.Dhi {
				o := w.newNode(t, nil).host
				connect(t, o, full)
				others = append(others, o)
				eventually(t, "it has a place", func() bool { return member.inMesh(o.ID()) })
			}
			named := &namedPeers{}
			h := newHost(t)
			newcomer := newPubSub(t, h, append(PubSubOptions(w.network, func(p peer.ID) bool { return trusted && p == full.ID() }),
				pubsub.WithRawTracer(named))...)
			if topic, err = newcomer.Join(gossipTopic(w.network)); err != nil {
				t.Fatal(err)
			}
			if leave, err = topic.Relay(); err != nil {
				t.Fatal(err)
			}
			t.Cleanup(leave)
			connect(t, h, full)
			eventually(t, "the full node names its peers", func() bool { return named.count.Load() >= int64(small.Dhi) })
			if trusted {
				eventually(t, "the newcomer knows them all", func() bool { return len(h.Network().Peers()) == 1+small.Dhi })
				return
			}
			time.Sleep(time.Second)
			for _, o := range others {
				if len(h.Network().ConnsToPeer(o.ID())) > 0 {
					t.Error("the newcomer dialed whom a stranger named")
				}
			}
		})
	}
}

// namedPeers counts the peers named in peer exchanges.
type namedPeers struct {
	GossipDrops // a tracer already
	count       atomic.Int64
}

func (n *namedPeers) RecvRPC(rpc *pubsub.RPC) {
	for _, p := range rpc.GetControl().GetPrune() {
		n.count.Add(int64(len(p.GetPeers())))
	}
}

// Only what a peer has signed itself, and what is no bigger than it needs to be, is passed on.
func TestExchanged(t *testing.T) {
	key, _, err := crypto.GenerateEd25519Key(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	id, err := peer.IDFromPrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	signed := func(addresses int) *record.Envelope {
		r := &peer.PeerRecord{PeerID: id, Seq: 1}
		for i := range addresses {
			r.Addrs = append(r.Addrs, ma.StringCast(fmt.Sprintf("/ip4/127.0.0.1/tcp/%d", 1000+i)))
		}
		envelope, err := record.Seal(r, key)
		if err != nil {
			t.Fatal(err)
		}
		return envelope
	}
	for _, c := range []struct {
		name string
		env  *record.Envelope
		want int
	}{{"signed", signed(8), 1}, {"not signed", nil, 0}, {"too many addresses", signed(200), 0}} {
		if got := exchanged(nil, nil, id, nil, c.env); len(got) != c.want {
			t.Errorf("%s: %d named, want %d", c.name, len(got), c.want)
		}
	}
}

// The thresholds hold what their comment says of the number of invalid messages, whatever good the
// peer did, a seed or not.
func TestScoreTable(t *testing.T) {
	w := newWorld(t, nil)
	params := scoreParams(w.network, func(peer.ID) bool { return true })
	topic := topicScoreParams()
	staying, delivering := topic.TimeInMeshCap*topic.TimeInMeshWeight, topic.FirstMessageDeliveriesCap*topic.FirstMessageDeliveriesWeight
	seed := params.AppSpecificScore("") * params.AppSpecificWeight
	best := params.TopicScoreCap + seed
	if best != maxGoodScore || staying+delivering > params.TopicScoreCap {
		t.Errorf("staying brings %g, delivering %g, at most %g, being a seed %g; together %g, want %d",
			staying, delivering, params.TopicScoreCap, seed, best, maxGoodScore)
	}
	for count, c := range []struct{ above, below float64 }{
		{0, best + 1}, {publishThreshold, gossipThreshold}, {graylistThreshold, publishThreshold}, {-1e9, graylistThreshold},
	} {
		penalty := topic.InvalidMessageDeliveriesWeight * float64(count*count)
		if penalty < c.above || penalty+best >= c.below {
			t.Errorf("%d invalid messages: score %g to %g, want between %g and %g", count, penalty, penalty+best, c.above, c.below)
		}
	}
	if seed < peerExchangeThreshold || max(staying, delivering) >= peerExchangeThreshold {
		t.Errorf("a peer exchange takes %d; a seed has %g, staying brings %g, delivering %g", peerExchangeThreshold, seed, staying, delivering)
	}
	if topic.MeshMessageDeliveriesWeight != 0 || topic.MeshFailurePenaltyWeight != 0 {
		t.Error("a quiet peer is punished")
	}
}

// Gossip does not pile up before the checks: what is beyond the bound is dropped and counted.
// Others wait.
func TestBusy(t *testing.T) {
	w := newWorld(t, func(p *protocol.Params) { p.WorkPerKiB = 1 })
	enter, leave := make(chan struct{}), make(chan struct{})
	s, _ := w.offline(t, func(c *Config) {
		c.Verify = func([]byte, protocol.Work) error { enter <- struct{}{}; <-leave; return nil }
	})
	// no room beyond those being checked
	s.admission.waiting = make(chan struct{}, cap(s.admission.checker.cores))
	var checks sync.WaitGroup
	paid := func() []byte {
		r := w.record(t)
		return forge(t, r, func(h *protocol.Header) { h.Work = &protocol.Work{Effort: 1 << 20} }, r.ValueBytes())
	}
	for range cap(s.admission.checker.cores) {
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
		for range enter { // the two that waited announce themselves
		}
	}()
	close(leave)
	checks.Wait()
	close(enter)
}
