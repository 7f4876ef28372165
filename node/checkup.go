package node

import (
	"context"
	"errors"
	"maps"
	"slices"
	"time"

	dht "github.com/libp2p/go-libp2p-kad-dht"
	"github.com/libp2p/go-libp2p/core/host"
	"github.com/libp2p/go-libp2p/core/network"
	libp2pprotocol "github.com/libp2p/go-libp2p/core/protocol"
	ma "github.com/multiformats/go-multiaddr"

	"github.com/lf-store/lf/node/api"
	"github.com/lf-store/lf/node/internal/clone"
	"github.com/lf-store/lf/node/internal/doctor"
	"github.com/lf-store/lf/store"
)

// instruments are the parts of a node that the doctor and the report on seeds look at. What a node
// has not is nil: most of it offline.
type instruments struct {
	begun       time.Time
	drops       *dropWatch
	shunned     *shunned
	reach       *reach
	portMapping *portMapping
	dht         *dht.IpfsDHT
	known       *known
	finder      *finder
	rendezvous  *rendezvous
	reserver    *reserver
	clone       *clone.Detector
	neighbors   *neighbors
	relays      bool // whether the node would relay for others
}

// Doctor implements api.Service.
func (s *service) Doctor(ctx context.Context) (*api.Checkup, error) {
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
func (s *service) facts(ctx context.Context, status *api.Status) api.Facts {
	now, i := time.Now(), &s.instruments
	listening := listensOn(s.host)
	f := api.Facts{
		Now: millis(now), RunningMS: uint64(max(now.Sub(i.begun).Milliseconds(), 0)),
		Network: s.config.Network.Params().Name, Peer: s.host.ID().String(), Private: s.config.Secret != nil,
		Profile: status.Profile, Offline: status.Offline, Listening: texts(listening),
		Peers: s.peerCounts(), Dials: s.dials(), Shunned: i.shunned.facts(now),
		PortMapping: i.portMapping.facts(listening), MDNS: i.neighbors != nil, MDNSProblem: i.neighbors.problem(), DHT: s.dhtFacts(), Rendezvous: s.rendezvousFacts(),
		Sync: status.Sync, Clock: s.clockFacts(), Drops: i.drops.facts(ctx), Disk: s.diskFacts(status.Storage.Bytes), Damage: damageFacts(s.store.Damage()),
	}
	gossip := s.sync.Gossip()
	f.Gossip = api.GossipFacts{Peers: gossip.Peers, Mesh: gossip.Mesh}
	reach := i.reach.facts()
	f.Reach, f.Relays = reachOf(&reach, listening), i.places(&reach)
	f.Relaying = relayingOf(reach.Service, i.relays)
	f.Punches = punchesOf(reach.Punches)
	f.Clone, f.Files = i.cloneFacts(), fileFacts()
	f.Authorities, f.AuthRequired = status.Trust.Authorities, status.Trust.AuthRequired
	return f
}

// cloneFacts tells of another node with this one's identity; nil: none is known.
func (i *instruments) cloneFacts() *api.CloneFacts {
	seen, found := i.clone.Sighting()
	if !found {
		return nil
	}
	return &api.CloneFacts{Address: seen.Address, Since: millis(seen.Since), Seen: millis(seen.Seen)}
}

// listensOn are the addresses that a host listens on itself, not at relays.
func listensOn(h host.Host) []ma.Multiaddr {
	return slices.DeleteFunc(h.Network().ListenAddresses(), isCircuit)
}

func (s *service) peerCounts() (c api.PeerCounts) {
	for _, p := range s.host.Network().Peers() {
		state := s.host.Network().Connectedness(p)
		switch {
		case state == network.NotConnected:
		case !speaks(s.host, s.config.Network, p):
			c.Others++
		case state == network.Limited:
			c.Relayed++
			c.Network++
		default:
			c.Network++
		}
	}
	return c
}

func (s *service) dials() []api.DialState {
	list := []api.DialState{}
	if s.keeper == nil {
		return list
	}
	for _, d := range s.keeper.facts() {
		list = append(list, api.DialState{
			Peer: d.peer.String(), Seed: d.seed, Connected: d.connected, Failures: d.failures, Next: millis(d.due), Problem: d.problem,
		})
	}
	return list
}

// dhtFacts finds out by the protocol whether the node serves: the DHT itself tells only what it was
// told to be.
func (s *service) dhtFacts() api.DHTFacts {
	i := &s.instruments
	if i.dht == nil {
		return api.DHTFacts{Mode: api.DHTOff}
	}
	f := api.DHTFacts{Mode: api.DHTClient, Peers: i.dht.RoutingTable().Size()}
	if slices.Contains(s.host.Mux().Protocols(), libp2pprotocol.ID(protocolPrefix(s.config.Network)+"/kad/1.0.0")) {
		f.Mode = api.DHTServer
	}
	if i.finder != nil {
		entry := i.finder.facts()
		f.Entered, f.Error = millis(entry.At), entry.Error
	}
	return f
}

func (s *service) rendezvousFacts() api.RendezvousFacts {
	if s.instruments.rendezvous == nil {
		return api.RendezvousFacts{Why: s.config.whyNoRendezvous()}
	}
	f := s.instruments.rendezvous.facts()
	return api.RendezvousFacts{On: true, Last: millis(f.Last), Met: f.Met, Entered: millis(f.Entered), Error: f.Error}
}

func (s *service) clockFacts() api.ClockFacts {
	c := s.sync.Clock()
	return api.ClockFacts{
		OffsetMS: c.Offset.Milliseconds(), ErrorMS: c.Error.Milliseconds(), Peers: c.Peers, Silent: c.Silent,
		DriftMS: s.config.Network.Params().ClockDrift,
	}
}

func (s *service) diskFacts(database uint64) api.DiskFacts {
	free, err := freeSpace(s.config.Home.Dir())
	f := api.DiskFacts{Known: err == nil, Free: free, Database: database}
	if p := s.store.WriteProblem(); p != nil {
		f.Problem, f.Full, f.Failed = oneLine(p.Err.Error()), errors.Is(p.Err, store.ErrNoSpace), millis(p.At)
	}
	return f
}

func fileFacts() api.FileFacts {
	open, limit, err := fileDescriptors()
	return api.FileFacts{Known: err == nil, Open: open, Limit: limit}
}

// places are the relays that keep a place for the node: those that libp2p found, and a testbed's.
func (i *instruments) places(f *reachFacts) []string {
	list := []string{}
	for _, a := range f.Relays {
		list = append(list, relayOf(a))
	}
	if i.reserver != nil {
		for _, p := range i.reserver.holds() {
			list = append(list, p.String())
		}
	}
	slices.Sort(list)
	return slices.Compact(list)
}

// drops counts what every bounded queue of the node has dropped.
func (n *Node) drops(ctx context.Context) map[string]uint64 {
	all := map[string]uint64{}
	if stats, err := n.store.Stats(ctx); err == nil {
		all["pending"], all["held"] = stats.DroppedPending, stats.DroppedHeld
	}
	maps.Copy(all, n.sync.Status().Dropped)
	return all
}
