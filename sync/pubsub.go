package lfsync

import (
	"fmt"
	"net"
	"sync/atomic"
	"time"

	pubsub "github.com/libp2p/go-libp2p-pubsub"
	pb "github.com/libp2p/go-libp2p-pubsub/pb"
	"github.com/libp2p/go-libp2p/core/peer"
	libprotocol "github.com/libp2p/go-libp2p/core/protocol"

	"github.com/lf-store/lf/protocol"
)

// PubSubOptions returns what a GossipSub router needs for a network: give them to pubsub.NewGossipSub, and
// pubsub.WithRawTracer(drops) for Config.GossipDrops besides.
func PubSubOptions(n *protocol.Network) []pubsub.Option {
	return []pubsub.Option{
		// Records sign themselves; who gossips one need not be known.
		pubsub.WithMessageSignaturePolicy(pubsub.StrictNoSign),
		pubsub.WithNoAuthor(),
		pubsub.WithMessageIdFn(messageID),
		pubsub.WithMaxMessageSize(maxGossip),
		pubsub.WithValidateQueueSize(gossipQueue(n)),
		pubsub.WithValidateWorkers(gossipWorkers),
		// What is published here goes to all peers: a mesh takes a heartbeat or two to grow, and a message that was
		// published before is not made up for.
		pubsub.WithFloodPublish(true),
		pubsub.WithPeerScore(scoreParams(n), scoreThresholds()),
		// Only this network's topic: a peer cannot make us keep lists of topics that it makes up.
		pubsub.WithSubscriptionFilter(pubsub.WrapLimitSubscriptionFilter(
			pubsub.NewAllowlistSubscriptionFilter(gossipTopic(n)), 16)),
	}
}

// messageID is the hash of the whole frame: an ID that left out the value would let a true header with a false value
// silence the true record.
func messageID(m *pb.Message) string {
	h := protocol.FrameHash(m.GetData())
	return string(h[:])
}

// The score that a peer can have. An invalid message counts by the square of its number; what good a peer does cannot make
// up for one, let alone two, so the thresholds fall between these numbers:
//
//	no fault              0 … maxGoodScore
//	1 invalid message     −100 … −50     gossip threshold −40: it is told and asked of no messages
//	2 invalid messages    −400 … −350    publish threshold −300: it gets no messages of ours either
//	3 invalid messages    −900 … −850    graylist threshold −800: nothing of it is read any more
//
// An invalid message is invalid for everybody who checked it, so no honest peer with correct software forwards one.
// Three cost us 3 × 0.2 ms; then it takes the peer an hour, or another connection from another address.
const (
	invalidWeight      = -100
	maxGoodScore       = 50
	gossipThreshold    = -40
	publishThreshold   = -300
	graylistThreshold  = -800
	forgiveness        = time.Hour // until a fault is forgotten
	peersPerAddress    = 16        // behind one address: a household or an office
	colocationWeight   = -10       // 17 peers: −10, 20 peers: −160
	behaviorWeight     = -10       // for broken promises and grafts too early, beyond behaviorTolerance, squared
	behaviorTolerance  = 6
	meshPointsPerHour  = 10 // up to that, for staying
	deliveryPointsMost = 40 // up to that, for being first
)

func scoreThresholds() *pubsub.PeerScoreThresholds {
	return &pubsub.PeerScoreThresholds{
		GossipThreshold:             gossipThreshold,
		PublishThreshold:            publishThreshold,
		GraylistThreshold:           graylistThreshold,
		AcceptPXThreshold:           maxGoodScore, // peer exchange is off
		OpportunisticGraftThreshold: 1,            // a mesh whose median is below it delivers nothing
	}
}

func scoreParams(n *protocol.Network) *pubsub.PeerScoreParams {
	return &pubsub.PeerScoreParams{
		Topics:                      map[string]*pubsub.TopicScoreParams{gossipTopic(n): topicScoreParams()},
		TopicScoreCap:               maxGoodScore,
		AppSpecificScore:            func(peer.ID) float64 { return 0 },
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

// topicScoreParams has no penalty for too few deliveries (P3, P3b): records are rare, and in a quiet hour an honest peer
// delivers none.
func topicScoreParams() *pubsub.TopicScoreParams {
	return &pubsub.TopicScoreParams{
		TopicWeight:                    1,
		TimeInMeshWeight:               1,
		TimeInMeshQuantum:              time.Hour / meshPointsPerHour,
		TimeInMeshCap:                  meshPointsPerHour,
		FirstMessageDeliveriesWeight:   1,
		FirstMessageDeliveriesDecay:    pubsub.ScoreParameterDecay(forgiveness),
		FirstMessageDeliveriesCap:      deliveryPointsMost,
		InvalidMessageDeliveriesWeight: invalidWeight,
		InvalidMessageDeliveriesDecay:  pubsub.ScoreParameterDecay(forgiveness),
	}
}

// localNetworks are the addresses that many peers may share: loopback and private ranges, where tests, containers and
// LANs are.
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

// GossipDrops counts what PubSub drops, and who is in its mesh (mesh.go), as a tracer of it. Its zero value is ready.
type GossipDrops struct {
	silentTracer
	in, out atomic.Uint64
	mesh    mesh
}

var _ pubsub.RawTracer = (*GossipDrops)(nil)

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
