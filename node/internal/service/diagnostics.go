package service

import (
	"context"
	"errors"
	"maps"
	"slices"
	"time"

	"github.com/lf-store/lf/internal/disk"
	"github.com/lf-store/lf/node/api"
	"github.com/lf-store/lf/node/internal/doctor"
	"github.com/lf-store/lf/node/internal/p2p"
	"github.com/lf-store/lf/store"
)

// Doctor implements api.Service.
func (s *Service) Doctor(ctx context.Context) (*api.Checkup, error) {
	status, err := s.Status(ctx)
	if err != nil {
		return nil, err
	}
	c := &api.Checkup{Facts: s.facts(ctx, status)}
	c.Findings = doctor.Examine(&c.Facts)
	c.Healthy = !slices.ContainsFunc(c.Findings, func(f api.Finding) bool { return f.State == api.FindingFailure })
	return c, ctx.Err()
}

// facts gathers what the node knows. It goes by the machine's clock, as the parts of the node do
// that have to do with peers.
func (s *Service) facts(ctx context.Context, status *api.Status) api.Facts {
	now, c, p := time.Now(), &s.config, &s.config.Peering
	f := api.Facts{
		Now: api.Millis(now), RunningMS: uint64(max(now.Sub(s.begun).Milliseconds(), 0)),
		Network: c.Network.Params().Name, Peer: c.Host.ID().String(), Private: c.Private,
		Profile: status.Profile, Offline: status.Offline, Listening: c.Host.Listening(),
		Peers: c.Host.PeerCounts(), Dials: s.dials(), Banned: c.Host.BannedPeers(),
		PortMapping: c.Host.PortMapping(), MDNS: p.Neighbors != nil, MDNSProblem: p.Neighbors.Problem(),
		DHT: s.dhtFacts(), Rendezvous: s.rendezvousFacts(),
		Reach: c.Host.ReachFacts(), Relays: c.Host.Reservations(), Relaying: c.Host.Relaying(), Punches: c.Host.HolePunches(),
		Sync: status.Sync, Clock: s.clockFacts(), Drops: s.drops.facts(ctx),
		Disk: s.diskFacts(status.Storage.Bytes), Damage: damageFacts(c.Store.Damage()),
		Clone: s.cloneFacts(), Files: fileFacts(),
		Authorities: status.Trust.Authorities, AuthRequired: status.Trust.AuthRequired,
	}
	gossip := c.Sync.Gossip()
	f.Gossip = api.GossipFacts{Peers: gossip.Peers, Mesh: gossip.Mesh}
	return f
}

// cloneFacts tells of another node with this one's identity; nil: none is known.
func (s *Service) cloneFacts() *api.CloneFacts {
	seen, found := s.config.Peering.Clone.Sighting()
	if !found {
		return nil
	}
	return &api.CloneFacts{Address: seen.Address, Since: api.Millis(seen.Since), Seen: api.Millis(seen.Seen)}
}

func (s *Service) dials() []api.DialState {
	if s.config.Peering.Connector == nil {
		return []api.DialState{}
	}
	return s.config.Peering.Connector.Dials()
}

func (s *Service) dhtFacts() api.DHTFacts {
	if s.config.Peering.DHT == nil {
		return api.DHTFacts{Mode: api.DHTOff}
	}
	return s.config.Peering.DHT.Facts()
}

func (s *Service) rendezvousFacts() api.RendezvousFacts {
	if s.config.Peering.Rendezvous == nil {
		return api.RendezvousFacts{Why: s.config.NoRendezvous}
	}
	return s.config.Peering.Rendezvous.Facts()
}

func (s *Service) clockFacts() api.ClockFacts {
	c := s.config.Sync.Clock()
	return api.ClockFacts{
		OffsetMS: c.Offset.Milliseconds(), ErrorMS: c.Error.Milliseconds(), Peers: c.Peers, Silent: c.Silent,
		DriftMS: s.config.Network.Params().ClockDrift,
	}
}

func (s *Service) diskFacts(database uint64) api.DiskFacts {
	free, err := disk.Free(s.config.Home.Dir())
	f := api.DiskFacts{Known: err == nil, Free: free, Database: database}
	if p := s.config.Store.WriteProblem(); p != nil {
		f.Problem, f.Full, f.Failed = p2p.OneLine(p.Err.Error()), errors.Is(p.Err, store.ErrNoSpace), api.Millis(p.At)
	}
	return f
}

func fileFacts() api.FileFacts {
	open, limit, err := fileDescriptors()
	return api.FileFacts{Known: err == nil, Open: open, Limit: limit}
}

// countDrops counts what every bounded queue of the node has dropped.
func (s *Service) countDrops(ctx context.Context) map[string]uint64 {
	all := map[string]uint64{}
	if stats, err := s.config.Store.Stats(ctx); err == nil {
		all["pending"], all["held"] = stats.DroppedPending, stats.DroppedHeld
	}
	maps.Copy(all, s.config.Sync.Status().Dropped)
	return all
}
