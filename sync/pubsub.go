package lfsync

import (
	"fmt"
	"log/slog"
	"net"
	"sync/atomic"
	"time"

	pubsub "github.com/libp2p/go-libp2p-pubsub"
	pb "github.com/libp2p/go-libp2p-pubsub/pb"
	"github.com/libp2p/go-libp2p/core/peer"
	libprotocol "github.com/libp2p/go-libp2p/core/protocol"
	"github.com/libp2p/go-libp2p/core/record"
	ma "github.com/multiformats/go-multiaddr"

	"github.com/lf-store/lf/protocol"
	"github.com/lf-store/lf/sync/internal/penalty"
)

// PubSubOptions returns what a GossipSub router needs for a network: give them to
// pubsub.NewGossipSub, and those of Config.GossipDrops too. isSeed tells whom the user or the
// network names as a way in, from any goroutine; nil: nobody.
//
// The router dials, by its host's Connect, whom a peer names that has no place left for this node
// (peer exchange).
func PubSubOptions(n *protocol.Network, isSeed func(peer.ID) bool) []pubsub.Option {
	return []pubsub.Option{
		// Records sign themselves; who gossips one need not be known.
		pubsub.WithMessageSignaturePolicy(pubsub.StrictNoSign),
		pubsub.WithNoAuthor(),
		pubsub.WithMessageIdFn(messageID),
		pubsub.WithMaxMessageSize(maxGossip),
		pubsub.WithValidateQueueSize(gossipQueue(n)),
		pubsub.WithValidateWorkers(gossipWorkers),
		// What is published here goes to all peers, but see publishPulse. A mesh takes a heartbeat
		// or two to grow, and a message that was published before is not made up for.
		pubsub.WithFloodPublish(true),
		pubsub.WithPeerScore(scoreParams(n, isSeed), scoreThresholds()),
		pubsub.WithGossipSubParams(gossipParams()),
		// Everybody names others to whom it turns away: a node does not know whose seed it is. The
		// other side decides whether to listen (peerExchangeThreshold).
		pubsub.WithPeerExchange(true),
		pubsub.WithCustomPXRecordReducer(exchanged),
		// Only this network's topics: a peer cannot make us keep lists of topics that it makes up.
		pubsub.WithSubscriptionFilter(pubsub.WrapLimitSubscriptionFilter(
			pubsub.NewAllowlistSubscriptionFilter(gossipTopic(n), n.PulseTopic()), 16)),
	}
}

// gossipParams are the router's own but for how many messages an offer names.
func gossipParams() pubsub.GossipSubParams {
	p := pubsub.DefaultGossipSubParams()
	p.MaxIHaveLength = offersAtOnce
	return p
}

// exchanged adds a peer to those that are named to one that is turned away. Without the addresses
// that the peer has signed itself it is left out, since nobody could dial it.
func exchanged(named []*pb.PeerInfo, _ *slog.Logger, p peer.ID, _ []ma.Multiaddr, signed *record.Envelope) []*pb.PeerInfo {
	if signed == nil {
		return named
	}
	raw, err := signed.Marshal()
	if err != nil || len(raw) > maxExchanged {
		return named
	}
	return append(named, &pb.PeerInfo{PeerID: []byte(p), SignedPeerRecord: raw})
}

// messageID is the hash of the whole frame. An ID without the value would let a true header with a
// false value silence the true record.
func messageID(m *pb.Message) string {
	h := protocol.FrameHash(m.GetData())
	return string(h[:])
}

// The score that a peer can have. An invalid message counts by the square of its number. Nothing
// good that a peer does or is can make up for one, let alone two. So the thresholds fall between
// these numbers:
//
//	no fault              0 … maxGoodScore
//	1 invalid message     −100 … −50     below 0 it has no place in the mesh; gossip threshold −40: it is told and asked of no messages
//	2 invalid messages    −400 … −350    publish threshold −300: it gets no messages of ours either
//	3 invalid messages    −900 … −850    graylist threshold −800: nothing of it is read any more
//
// An invalid message is invalid for everybody who checked it, so no honest peer with correct
// software forwards one. Three cost us 3 × 0.2 ms; then it takes the peer an hour, or another
// connection from another address.
//
// The numbers begin with those that Lotus publishes, whose network has carried blocks by GossipSub
// for years, and leave them for these reasons:
//
//   - −100 for an invalid message, by the square, forgotten within an hour, is Lotus' too. It also
//     gives its bootstrappers 2,500 points, so that one of those can send five and keep its place.
//     Here a seed gets seedPoints, which one message outweighs: its name says where it is, not that
//     it behaves.
//   - Where a message comes every few seconds, deliveries tell the good from the lazy, and staying
//     counts for nothing there. Records are rare, in a quiet hour nobody delivers any, and so
//     staying counts here.
//   - All good together makes 50 points here instead of thousands, and the thresholds are nearer to
//     0 accordingly: Lotus' first one, −500, would take three invalid messages.
//   - It has no penalty for too few deliveries any more, and none fits here.
//   - It punishes 6 peers of one address, and by 100. Facts such as these are kept in offices and
//     homes, too.
//   - It remembers a peer that left with a bad score for 6 hours. Here such a peer is remembered no
//     longer than one that stays, so it is not better off. Any peer that left with 0 is remembered
//     for as long, its address included.
const (
	invalidWeight     = -100
	maxGoodScore      = meshPoints + deliveryPointsMost + seedPoints // 50
	gossipThreshold   = -40
	publishThreshold  = -300
	graylistThreshold = -800
	forgiveness       = penalty.Forgiveness // until a violation is forgotten
	peersPerAddress   = 16                  // of one address: a household or an office
	colocationWeight  = -10                 // 17 peers: −10, 20 peers: −160
	// for broken promises and grafts too early, beyond behaviorTolerance, squared
	behaviorWeight     = -10
	behaviorTolerance  = 6
	meshPoints         = 10 // up to that, for staying an hour
	deliveryPointsMost = 15 // up to that, for being first
	seedPoints         = 25 // for being a seed
)

// peerExchangeThreshold is the score from which on a node dials whom a peer names instead of a
// place in its mesh. The peer that names them chooses a node's neighbors. A mesh always keeps some
// of the peers that the node dialed itself, so that those who come cannot take it over. So this
// takes a seed without a fault. Or it takes a peer that has been in the mesh for an hour and was
// the first with ten records lately. That is longer than a newcomer needs neighbors, and paid with
// work where the network asks for it. Neither staying nor delivering is enough alone.
const peerExchangeThreshold = 20

func scoreThresholds() *pubsub.PeerScoreThresholds {
	return &pubsub.PeerScoreThresholds{
		GossipThreshold:   gossipThreshold,
		PublishThreshold:  publishThreshold,
		GraylistThreshold: graylistThreshold,
		AcceptPXThreshold: peerExchangeThreshold,
		// a mesh whose median is below it is some minutes old, and delivers nothing
		OpportunisticGraftThreshold: 1,
	}
}

func scoreParams(n *protocol.Network, isSeed func(peer.ID) bool) *pubsub.PeerScoreParams {
	return &pubsub.PeerScoreParams{
		Topics:        map[string]*pubsub.TopicScoreParams{gossipTopic(n): topicScoreParams(), n.PulseTopic(): pulseScoreParams()},
		TopicScoreCap: meshPoints + deliveryPointsMost,
		AppSpecificScore: func(p peer.ID) float64 {
			if isSeed != nil && isSeed(p) {
				return seedPoints
			}
			return 0
		},
		AppSpecificWeight:           1,
		IPColocationFactorWeight:    colocationWeight,
		IPColocationFactorThreshold: peersPerAddress,
		IPColocationFactorWhitelist: localNetworks(),
		BehaviourPenaltyWeight:      behaviorWeight,
		BehaviourPenaltyThreshold:   behaviorTolerance,
		BehaviourPenaltyDecay:       pubsub.ScoreParameterDecay(forgiveness),
		DecayInterval:               pubsub.DefaultDecayInterval,
		DecayToZero:                 pubsub.DefaultDecayToZero,
		RetainScore:                 forgiveness, // coming again does not end it
	}
}

// topicScoreParams has no penalty for too few deliveries (P3, P3b): records are rare, and in a
// quiet hour an honest peer delivers none.
func topicScoreParams() *pubsub.TopicScoreParams {
	return &pubsub.TopicScoreParams{
		TopicWeight:                    1,
		TimeInMeshWeight:               1,
		TimeInMeshQuantum:              time.Hour / meshPoints,
		TimeInMeshCap:                  meshPoints,
		FirstMessageDeliveriesWeight:   1,
		FirstMessageDeliveriesDecay:    pubsub.ScoreParameterDecay(forgiveness),
		FirstMessageDeliveriesCap:      deliveryPointsMost,
		InvalidMessageDeliveriesWeight: invalidWeight,
		InvalidMessageDeliveriesDecay:  pubsub.ScoreParameterDecay(forgiveness),
	}
}

// pulseScoreParams has penalties alone: pulses cost next to nothing, so they earn a peer nothing.
func pulseScoreParams() *pubsub.TopicScoreParams {
	return &pubsub.TopicScoreParams{
		TopicWeight:                    1,
		TimeInMeshQuantum:              time.Hour,
		InvalidMessageDeliveriesWeight: invalidWeight,
		InvalidMessageDeliveriesDecay:  pubsub.ScoreParameterDecay(forgiveness),
	}
}

// localNetworks are the addresses that many peers may share: loopback and private ranges, where
// tests, containers and LANs are.
func localNetworks() []*net.IPNet {
	var nets []*net.IPNet
	for _, s := range []string{"127.0.0.0/8", "::1/128", "10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16",
		"169.254.0.0/16", "fe80::/10", "fc00::/7"} {
		_, ipNet, err := net.ParseCIDR(s)
		if err != nil {
			panic(fmt.Sprint(err)) // constants
		}
		nets = append(nets, ipNet)
	}
	return nets
}

// GossipDrops counts what PubSub drops, and which peers are in its mesh (mesh.go). It also decides
// which offers of peers PubSub takes (offers.go). Its zero value is ready.
type GossipDrops struct {
	silentTracer
	in, out atomic.Uint64
	mesh    mesh
	offers  offers
}

var _ pubsub.RawTracer = (*GossipDrops)(nil)

// Options give it to a PubSub.
func (d *GossipDrops) Options() []pubsub.Option {
	return []pubsub.Option{pubsub.WithRawTracer(d), pubsub.WithAppSpecificRpcInspector(d.Inspect)}
}

// In returns how many messages were dropped because the validation queue was full.
func (d *GossipDrops) In() uint64 { return d.in.Load() }

// Out returns how many were dropped because a peer reads too slowly.
func (d *GossipDrops) Out() uint64 { return d.out.Load() }

// RejectMessage counts messages that no worker was free for.
func (d *GossipDrops) RejectMessage(_ *pubsub.Message, reason string) {
	if reason == pubsub.RejectValidationQueueFull || reason == pubsub.RejectValidationThrottled {
		d.in.Add(1)
	}
}

// DropRPC counts messages to peers that read too slowly.
func (d *GossipDrops) DropRPC(rpc *pubsub.RPC, _ peer.ID) {
	d.out.Add(uint64(max(1, len(rpc.GetPublish()))))
}

// silentTracer is what of pubsub.RawTracer is of no interest here.
type silentTracer struct{}

func (silentTracer) OnNewOutboundStream(peer.ID, libprotocol.ID)          {}
func (silentTracer) OnClosedOutboundStream(peer.ID)                       {}
func (silentTracer) Join(string)                                          {}
func (silentTracer) Leave(string)                                         {}
func (silentTracer) Graft(peer.ID, string)                                {}
func (silentTracer) Prune(peer.ID, string)                                {}
func (silentTracer) ValidateMessage(*pubsub.Message)                      {}
func (silentTracer) DeliverMessage(*pubsub.Message)                       {}
func (silentTracer) DuplicateMessage(*pubsub.Message)                     {}
func (silentTracer) ThrottlePeer(peer.ID)                                 {}
func (silentTracer) RecvRPC(*pubsub.RPC)                                  {}
func (silentTracer) SendRPC(*pubsub.RPC, peer.ID)                         {}
func (silentTracer) SendRPCCompleted(*pubsub.RPC, peer.ID, time.Duration) {}
func (silentTracer) UndeliverableMessage(*pubsub.Message)                 {}
