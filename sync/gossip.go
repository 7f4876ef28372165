package lfsync

import (
	"context"
	"errors"
	"fmt"
	"time"

	pubsub "github.com/libp2p/go-libp2p-pubsub"
	"github.com/libp2p/go-libp2p/core/peer"

	"github.com/lf-store/lf/protocol"
	"github.com/lf-store/lf/sync/internal/push"
)

// gossipTopic is where a network's records are gossiped.
func gossipTopic(n *protocol.Network) string { return n.GossipTopic() }

// gossipScope names gossip where a peer's violation in it is told.
const gossipScope = "lf.gossip"

// gossip is this node's membership of a topic.
type gossip struct {
	pubsub *pubsub.PubSub
	name   string
	topic  *pubsub.Topic
	relay  pubsub.RelayCancelFunc
}

// joinGossip joins the topics.
func (s *Sync) joinGossip(ps *pubsub.PubSub) (err error) {
	if s.gossip, err = joinTopic(ps, gossipTopic(s.network), s.validate); err == nil {
		s.pulseGossip, err = joinTopic(ps, s.network.PulseTopic(), s.validatePulse)
	}
	return err
}

// leaveGossip undoes joinGossip.
func (s *Sync) leaveGossip() (err error) {
	for _, g := range []*gossip{s.gossip, s.pulseGossip} {
		if g != nil {
			err = errors.Join(err, g.leave())
		}
	}
	return err
}

// joinTopic joins a topic. All work is done by the validator; nothing reads a subscription, so
// there is no queue after the validation that could overflow.
func joinTopic(ps *pubsub.PubSub, name string, validate pubsub.ValidatorEx) (*gossip, error) {
	// Inline: a worker waits for the store, and before the workers the one queue fills. What
	// overflows it was not yet marked as seen, so another peer's copy gets its chance. An
	// asynchronous validator drops later, for two minutes.
	if err := ps.RegisterTopicValidator(name, validate, pubsub.WithValidatorInline(true)); err != nil {
		return nil, fmt.Errorf("join gossip: %w", err)
	}
	g := &gossip{pubsub: ps, name: name}
	var err error
	if g.topic, err = ps.Join(name); err == nil {
		g.relay, err = g.topic.Relay()
	}
	if err != nil {
		return nil, errors.Join(fmt.Errorf("join gossip: %w", err), g.leave())
	}
	return g, nil
}

func (g *gossip) publish(ctx context.Context, frame []byte) error { return g.topic.Publish(ctx, frame) }

// leave undoes joinTopic. A PubSub that has stopped already needs no more.
func (g *gossip) leave() error {
	if g.relay != nil {
		g.relay()
	}
	var err error
	if g.topic != nil {
		err = g.closeTopic()
	}
	err = errors.Join(err, g.pubsub.UnregisterTopicValidator(g.name))
	if errors.Is(err, context.Canceled) {
		return nil
	}
	return err
}

// closeTopic waits for PubSub to have handled the end of the relay, which it does on its own time.
func (g *gossip) closeTopic() (err error) {
	for range 50 {
		if err = g.topic.Close(); err == nil || errors.Is(err, context.Canceled) {
			return err
		}
		time.Sleep(10 * time.Millisecond)
	}
	return err
}

// validate is the topic's validator.
func (s *Sync) validate(ctx context.Context, from peer.ID, m *pubsub.Message) pubsub.ValidationResult {
	if s.host != nil && from == s.host.ID() {
		return pubsub.ValidationAccept // only Submit publishes, after Ingest
	}
	ctx, done := context.WithTimeout(ctx, storeTime)
	defer done()
	in, err := s.Ingest(ctx, m.Data, Source{Via: ViaGossip, Peer: from})
	result := s.admission.verdict(in, err)
	s.metrics.judged(result)
	switch result {
	case pubsub.ValidationReject:
		s.log.Info("rejected a gossiped record", "peer", from, "violation", err)
		s.penalties.ReportRejected(from, gossipScope, err)
	case pubsub.ValidationAccept:
		s.pushes.Offer(push.Announcement{ID: in.Record.ID(), Frame: m.Data}, from)
	case pubsub.ValidationIgnore:
	}
	return result
}

// verdict is what gossip does with a message: forward it (Accept), drop it (Ignore), or drop it and
// score down who sent it (Reject).
//
// Only what is wrong forever and for everybody is rejected: whoever forwarded it could have known.
// What depends on this node's clock, store or load is ignored, and so is a version that only newer
// software knows. A record with missing ancestors is accepted if it carries the full price. Below
// that, a certificate among its links has to make up for the rest. Until the links are here nobody
// can tell, and anybody could have such records passed around.
//
// A known record is ignored. PubSub forgets message IDs after two minutes; were known records
// accepted, all old records could be sent around again for nothing. There is one exception. A
// record that this node fetched before gossip brought it was never passed on from here, and
// neighbors may have no other way to it. So its first copy is accepted. The same holds for a record
// that was ignored because it was not yet known to be paid. That is once for each record that came
// in, so nothing is forwarded that was not paid.
func (a *admission) verdict(in Ingested, err error) pubsub.ValidationResult {
	var invalid *protocol.InvalidError
	switch {
	case errors.As(err, &invalid) && !protocol.IsUnknownVersion(err):
		return pubsub.ValidationReject
	case err != nil:
		return pubsub.ValidationIgnore
	case in.Outcome == Attached || in.Outcome == Pending:
		return accepted(a.isPaid(in.Record, in.Outcome))
	case in.Outcome == Known:
		return accepted(a.claimForward(in.Record))
	}
	return pubsub.ValidationIgnore
}

func accepted(yes bool) pubsub.ValidationResult {
	if yes {
		return pubsub.ValidationAccept
	}
	return pubsub.ValidationIgnore
}

// claimForward reports whether a copy of a record is to be forwarded, which is so once.
func (a *admission) claimForward(r *protocol.Record) bool {
	known, ok := a.recent.Peek(r.ID())
	return ok && a.isPaid(r, known.state) && known.unforwarded.CompareAndSwap(true, false)
}

// forward forwards a record: by gossip, and to the peers that gossip does not reach.
func (s *Sync) forward(ctx context.Context, id protocol.ID, frame []byte, from peer.ID) {
	if s.gossip != nil {
		if err := s.gossip.publish(ctx, frame); err != nil {
			// It is stored, and that is what was promised; peers find it by comparing.
			s.log.Warn("could not publish a record", "record", id, "error", err)
		}
	}
	s.pushes.Offer(push.Announcement{ID: id, Frame: frame}, from)
}
