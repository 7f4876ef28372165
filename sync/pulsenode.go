package lfsync

import (
	"context"
	"iter"
	"maps"
	"math/rand/v2"

	pubsub "github.com/libp2p/go-libp2p-pubsub"
	"github.com/libp2p/go-libp2p/core/network"
	"github.com/libp2p/go-libp2p/core/peer"

	"github.com/lf-store/lf/protocol"
	"github.com/lf-store/lf/sync/internal/pulse"
	"github.com/lf-store/lf/sync/internal/stream"
)

// Claim is what a pulse counts for: what one owner says under one composite key.
type Claim = pulse.Claim

// PulseOutcome is what became of a pulse.
type PulseOutcome = pulse.Outcome

// PulseVerdict is how a pulse was judged.
type PulseVerdict = pulse.Verdict

// The verdicts on a pulse.
const (
	PulseAccepted  = pulse.Accepted
	PulseForged    = pulse.Forged
	PulseForwarded = pulse.Forwarded
	PulseKnown     = pulse.Known
	PulseNoRecord  = pulse.NoRecord
	PulseWithdrawn = pulse.Withdrawn
	PulseClock     = pulse.Clock
	PulseTooSoon   = pulse.TooSoon
	PulseEnded     = pulse.Ended
	PulseNoRoom    = pulse.NoRoom
	PulseBusy      = pulse.Busy
)

// pulseScope names gossip of pulses where a peer's violation in it is told.
const pulseScope = "lf.pulses"

func newPulseKeeper(s *Sync, c Config, streams stream.Config) participant {
	s.pulses = pulse.New(pulse.Config{
		Network: c.Network, Store: c.Store, Publish: s.publishPulse, Relayed: s.isRelayed,
		Dialer: s.dialer, Group: streams.Group, Clock: s.clock, Log: c.Logger,
	})
	return s.pulses
}

// isRelayed reports whether a peer is reached through a relay only.
func (s *Sync) isRelayed(p peer.ID) bool {
	return s.host != nil && s.host.Network().Connectedness(p) == network.Limited
}

// Pulse takes a pulse of this node's own users. A new one is passed on after a moment.
func (s *Sync) Pulse(ctx context.Context, p protocol.Pulse) (PulseOutcome, error) {
	return s.pulses.Submit(ctx, p)
}

// NewestPulse returns the newest pulse of a claim, at most a day old. Where a release has withdrawn
// its record since, it says nothing of what the owner claims now. After a start it waits until the
// pulses from before are back; the error is that of ctx.
func (s *Sync) NewestPulse(ctx context.Context, c Claim) (protocol.Pulse, bool, error) {
	return s.pulses.Newest(ctx, c)
}

// FollowPulses has fn told of each claim with a new pulse, until the Sync is closed. fn is quick.
func (s *Sync) FollowPulses(fn func(Claim)) { s.pulses.Follow(fn) }

// validatePulse is the validator of the topic of pulses.
func (s *Sync) validatePulse(ctx context.Context, from peer.ID, m *pubsub.Message) pubsub.ValidationResult {
	if s.host != nil && from == s.host.ID() {
		return pubsub.ValidationAccept // only what was accepted is published
	}
	v, err := s.pulses.Gossiped(ctx, m.Data, from)
	switch {
	case v.Rejected():
		s.log.Info("rejected a gossiped pulse", "peer", from, "violation", err)
		s.penalties.ReportRejected(from, pulseScope, err)
		return pubsub.ValidationReject
	case err != nil:
		s.complain("could not take a pulse", err)
	}
	return accepted(v.PassesOn())
}

// publishPulse gossips a pulse to a few peers, those of the mesh. What is published otherwise goes
// to all peers, and so shows them all where it was written.
func (s *Sync) publishPulse(ctx context.Context, data []byte) {
	if s.pulseGossip == nil {
		return
	}
	batch := new(pubsub.MessageBatch)
	err := s.pulseGossip.topic.AddToBatch(ctx, batch, data)
	if err == nil {
		to := &fewPeers{}
		if s.drops != nil {
			to.mesh = s.drops.mesh.of(s.pulseGossip.name)
		}
		err = s.pulseGossip.pubsub.PublishBatch(batch, func(o *pubsub.BatchPublishOptions) error {
			o.Strategy = to
			return nil
		})
	}
	if err != nil && s.ctx.Err() == nil {
		s.log.Debug("could not publish a pulse", "error", err)
	}
}

// fewPeers sends a message to the peers of the mesh, and where these are too few to others at
// random. It is used for one message.
type fewPeers struct {
	mesh map[peer.ID]bool
	rpcs map[peer.ID]*pubsub.RPC
}

// AddRPC is told of all peers of the topic.
func (f *fewPeers) AddRPC(p peer.ID, _ string, rpc *pubsub.RPC) {
	if f.rpcs == nil {
		f.rpcs = map[peer.ID]*pubsub.RPC{}
	}
	f.rpcs[p] = rpc
}

// All chooses among them.
func (f *fewPeers) All() iter.Seq2[peer.ID, *pubsub.RPC] {
	chosen := map[peer.ID]*pubsub.RPC{}
	var others []peer.ID
	for p, rpc := range f.rpcs {
		if f.mesh[p] {
			chosen[p] = rpc
		} else {
			others = append(others, p)
		}
	}
	rand.Shuffle(len(others), func(i, j int) { others[i], others[j] = others[j], others[i] })
	for _, p := range others {
		if len(chosen) >= pubsub.GossipSubD {
			break
		}
		chosen[p] = f.rpcs[p]
	}
	return maps.All(chosen)
}
