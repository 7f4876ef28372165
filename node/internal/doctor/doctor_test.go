package doctor

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/lf-store/lf/internal/text"
	"github.com/lf-store/lf/node/api"
	"github.com/lf-store/lf/protocol"
)

const now = 1_700_000_000_000

func minutes(n int) uint64 { return uint64(n) * 60_000 }

// well are the facts of a node with which nothing is wrong: one at home, in front of which a router
// forwards its ports.
func well() *api.Facts {
	return &api.Facts{
		Now: now, RunningMS: minutes(60), Network: "test", Profile: profileDefault, Peer: "12D3KooWself0001",
		Listening: []string{"/ip4/0.0.0.0/tcp/9908", "/ip4/0.0.0.0/udp/9908/quic-v1", "/ip6/::/tcp/9908", "/ip6/::/udp/9908/quic-v1"},
		Peers:     api.PeerCounts{Network: 5},
		Dials:     []api.DialState{{Peer: "12D3KooWseed0001", Seed: true, Connected: true}, {Peer: "12D3KooWlost0001", Failures: 9, Next: now + 1000}},
		Reach: api.ReachFacts{Reachability: api.ReachPublic, Transports: []api.TransportFacts{
			{Transport: "tcp", State: api.TransportReachable}, {Transport: "quic", State: api.TransportReachable},
		}},
		PortMapping: api.PortMapping{Asked: true, Router: true, Mapped: []string{"/ip4/11.0.0.1/tcp/9908"}},
		Relaying:    api.Relaying{Allowed: true, Running: true, Places: 2, Circuits: 1, Bytes: 1 << 20},
		DHT:         api.DHTFacts{Mode: api.DHTServer, Peers: 4, Entered: now - minutes(5)},
		Rendezvous:  api.RendezvousFacts{On: true, Last: now - minutes(5), Met: 2},
		MDNS:        true,
		Gossip:      api.GossipFacts{Peers: 5, Mesh: 5},
		Sync:        api.SyncStatus{State: api.SyncSynced, Peers: 5, Agreeing: 4, AgreedAt: now - minutes(1)},
		Clock:       api.ClockFacts{OffsetMS: -20, ErrorMS: 10, Peers: 5, DriftMS: minutes(2)},
		Files:       api.FileFacts{Known: true, Open: 100, Limit: 1024},
		Disk:        api.DiskFacts{Known: true, Free: 12 << 30, Database: 34 << 20},
	}
}

// change alters facts.
type change func(*api.Facts)

// The kinds of nodes that differ from the one that is well.
func atHome(f *api.Facts) { // nobody can dial it
	f.Reach = api.ReachFacts{Reachability: api.ReachPrivate, Transports: []api.TransportFacts{
		{Transport: "tcp", State: api.TransportUnreachable}, {Transport: "quic", State: api.TransportUnreachable},
	}}
	f.PortMapping, f.Relaying.Running = api.PortMapping{Asked: true}, false
}

func unreached(f *api.Facts) { // it is not known whether anybody can
	atHome(f)
	f.Reach = api.ReachFacts{Reachability: api.ReachUnknown}
}
func fresh(f *api.Facts)   { f.RunningMS = 3000 }
func alone(f *api.Facts)   { f.Peers, f.Gossip = api.PeerCounts{}, api.GossipFacts{} }
func server(f *api.Facts)  { f.Profile = profileServer }
func local(f *api.Facts)   { f.Profile = profileLocal }
func offline(f *api.Facts) { f.Offline = true }
func seedless(f *api.Facts) {
	f.Dials = nil
}

func seedsAway(f *api.Facts) {
	f.Dials = []api.DialState{
		{Peer: "12D3KooWseed0001", Seed: true, Failures: 3, Next: now + 90_000},
		{Peer: "12D3KooWseed0002", Seed: true, Failures: 7, Next: now + 40_000},
	}
}

const (
	seedAdvice    = "see that they run and that their addresses are still right; leave out of --seed and of the network's file what will not come back"
	forwardAdvice = "forward TCP port 9908 and UDP port 9908 on the router to this machine; should the node not find out by itself, name the outer address with lf node --announce"
	relayAdvice   = "connect to a node that everybody can dial (--seed): it relays, unless it runs with --no-relay-service"
	inAdvice      = "see that this machine reaches the Internet, UDP and TCP out; or name nodes with --seed, which needs no public DHT"
	stuckAdvice   = "see lf status --wait-synced=1m and the node's log; a peer that lags or is cut off looks the same from here: lf peers"
	datesAdvice   = "see that this machine's clock is right and kept by NTP, for example with timedatectl set-ntp true"
	ntpAdvice     = "set this machine's clock and have it kept by NTP, for example with timedatectl set-ntp true"
	damageAdvice  = "see to this machine's disk and memory (smartctl -a, the kernel's log); a disk that damages once does so again"
	renewAdvice   = "an authority is part of the network's genesis and cannot be renewed: make a network with new ones (lf network new --authority) and move there in time"
	filesAdvice   = "raise the limit (LimitNOFILE= of a service, ulimit -n in a shell) and start the node again; lf peers lists the connected peers"
	roomAdvice    = "make room where the node's home is, or move the home to a larger disk. A quota or a limit of file sizes (ulimit -f) counts, too"
	diskAdvice    = "make room where the node's home is, or move the home to a larger disk: everybody's records are kept there"
)

func full(f *api.Facts) {
	f.Disk.Full, f.Disk.Problem, f.Disk.Failed = true, "no room left for the database", now-minutes(2)
}

func days(n int) int64 { return int64(n) * 24 * 3600 * 1000 }

// authority adds one that is valid from and until these numbers of milliseconds from now.
func authority(name string, from, until int64) change {
	return func(f *api.Facts) {
		f.Authorities = append(f.Authorities, api.AuthorityInfo{Name: name, NotBefore: uint64(now + from), NotAfter: uint64(now + until)})
	}
}

func clockOf(offset time.Duration, peers int) change {
	return func(f *api.Facts) { f.Clock.OffsetMS, f.Clock.Peers = offset.Milliseconds(), peers }
}

// findings has every finding that there is. One without a text is that nothing is said of the area.
var findings = []struct {
	area   string
	of     []change
	state  string
	text   string
	advice string
}{
	{"network", nil, "ok", `"test"`, ""},
	{"network", []change{local}, "ok", `"test", on this machine alone (profile local)`, ""},
	{"network", []change{func(f *api.Facts) { f.Private = true }}, "ok", `"test", private: only nodes with its secret get in, over TCP and WebSocket`, ""},
	{"network", []change{offline}, "note", `"test", offline: this node talks to no peers`, "run lf node without --offline"},

	{"identity", nil, "", "", ""},
	{"identity", []change{func(f *api.Facts) {
		f.Clone = &api.CloneFacts{Address: "/ip4/192.0.2.7/tcp/9908", Since: now - minutes(9), Seen: now - minutes(2)}
	}}, "failure", "another running node has this node's identity (…self0001), seen at /ip4/192.0.2.7/tcp/9908 2 min ago: " +
		"others take the two for one, and each gets only part of what is sent",
		"stop one of the two. Where this home is a copy, stop this node, move identity.pem out of the home and start it again: it makes a new identity"},

	{"peers", nil, "ok", "5 peers of this network", ""},
	{"peers", []change{func(f *api.Facts) { f.Peers.Relayed = 2 }}, "ok", "5 peers of this network, 2 of them through a relay only", ""},
	{"peers", []change{offline, alone}, "", "", ""},
	{"peers", []change{alone, fresh}, "note", "none yet: the node has just started", soon},
	{"peers", []change{alone}, "warning", "none: nothing comes in, and nothing that is written here gets out",
		"see that the seeds run and that this machine reaches them (lf seeds), or name another node with lf node --seed"},
	{"peers", []change{alone, seedless}, "warning", "none: nothing comes in, and nothing that is written here gets out",
		"name a node of this network with lf node --seed /ip4/…/tcp/…/p2p/12D3KooW… (lf status there shows its addresses; lf seeds)"},
	{"peers", []change{alone, seedless, func(f *api.Facts) { f.Peers.Others = 1 }}, "warning",
		"none of this network, though 1 peer of others: nothing comes in, and nothing that is written here gets out",
		"name a node of this network with lf node --seed /ip4/…/tcp/…/p2p/12D3KooW… (lf status there shows its addresses; lf seeds)"},

	{"seeds", nil, "ok", "all are connected (1)", ""},
	{"seeds", []change{seedless}, "", "", ""},
	{"seeds", []change{offline}, "", "", ""},
	{"seeds", []change{func(f *api.Facts) { f.Dials[0].Connected = false }}, "note", "0 of 1 connected, the others are being dialed", soon},
	{"seeds", []change{seedsAway}, "note", "0 of 2 connected; no answer from …seed0001 and …seed0002 after 7 dials, next dial in 40 s", seedAdvice},
	{"seeds", []change{alone, seedsAway}, "warning", "none of 2 answers: …seed0001 and …seed0002 after 7 dials, next dial in 40 s", seedAdvice},
	{"seeds", []change{alone, seedsAway, func(f *api.Facts) {
		f.Dials = append(f.Dials, f.Dials[0], f.Dials[0], f.Dials[0])
		for i := range f.Dials {
			f.Dials[i].Next, f.Dials[i].Failures = 0, 1
		}
	}}, "warning", "none of 5 answers: …seed0001, …seed0002, …seed0001 and 2 more after 1 dial, being dialed now", seedAdvice},

	{"seeds", []change{alone, seedsAway, func(f *api.Facts) {
		f.Dials[1].Problem = "/ip4/192.0.2.1/tcp/9908: failed to negotiate security protocol: peer id mismatch: expected 12D3KooWseed0002, but remote key matches 12D3KooWother001"
	}}, "warning", "none of 2 answers: …seed0001 and …seed0002 after 7 dials, next dial in 40 s; a node with another identity answers at the address of …seed0002", seedAdvice},

	{"reach", nil, "ok", "everybody can dial this node", ""},
	{"reach", []change{offline}, "", "", ""},
	{"reach", []change{local}, "note", "only this machine can dial this node (profile local)", "run lf node --profile default"},
	{"reach", []change{func(f *api.Facts) { f.Listening = nil }}, "failure", "this node listens nowhere: nobody can connect to it",
		"give an address to listen on: lf node --listen /ip4/0.0.0.0/tcp/9908"},
	{"reach", []change{atHome, func(f *api.Facts) { f.Relays = []string{"12D3KooWrelay001"} }}, "note",
		"nobody can dial this node directly; others get here through 1 relay", forwardAdvice},
	{"reach", []change{atHome}, "warning", "nobody can dial this node, and it has no place at a relay: it meets only whom it dials itself", forwardAdvice},
	{"reach", []change{unreached, fresh}, "note", "not known yet: AutoNAT needs a minute and a peer that dials back",
		"ask again in a minute, with a peer connected: lf doctor"},
	{"reach", []change{unreached, alone}, "note", "not known yet: AutoNAT needs a minute and a peer that dials back",
		"ask again in a minute, with a peer connected: lf doctor"},
	{"reach", []change{unreached}, "note", "not known: no peer could tell whether this node can be dialed",
		"connect to a node that everybody can dial (--seed); " + forwardAdvice},
	{"reach", []change{server}, "ok", "everybody can dial this node", ""},
	{"reach", []change{atHome, server}, "warning", "the profile server says that everybody can dial this node, and those who tried could not",
		"open the firewall for TCP port 9908 and UDP port 9908, or run lf node --profile default, which finds other ways"},
	{"reach", []change{unreached, server}, "note", "not known yet: the profile server says that everybody can dial this node, and nobody has tried", soon},

	{"transports", nil, "ok", "others get here by TCP and QUIC (UDP)", ""},
	{"transports", []change{local}, "", "", ""},
	{"transports", []change{atHome}, "", "", ""},
	{"transports", []change{func(f *api.Facts) { f.Reach.Transports[1].State = api.TransportUnreachable }}, "warning",
		"others get here by TCP, not by QUIC (UDP)", "let them in too, on the router and in firewalls: TCP port 9908 and UDP port 9908"},
	{"transports", []change{func(f *api.Facts) {
		f.Listening = []string{"/ip4/0.0.0.0/tcp/9908", "/ip4/0.0.0.0/tcp/9909/ws"}
		f.Reach.Transports[0].State = api.TransportUnreachable
		f.Reach.Transports[1].Transport = "websocket"
	}}, "warning", "others get here by WebSocket (TCP), not by TCP",
		"let them in too, on the router and in firewalls: TCP port 9908 and TCP port 9909"},

	{"router", nil, "ok", "it forwards /ip4/11.0.0.1/tcp/9908 to this node", ""},
	{"router", []change{local}, "", "", ""},
	{"router", []change{server}, "", "", ""},
	{"router", []change{func(f *api.Facts) { f.PortMapping = api.PortMapping{} }}, "", "", ""},
	{"router", []change{atHome, func(f *api.Facts) { f.PortMapping = api.PortMapping{} }}, "note", "it is not asked for open ports",
		"run lf node without --no-port-mapping, or " + forwardAdvice},
	{"router", []change{atHome, fresh}, "note", "not known yet: routers take some seconds to answer", soon},
	{"router", []change{atHome, func(f *api.Facts) { f.PortMapping.Router = true }}, "note", "a router answers, and opens no port for this node",
		"allow the router to open ports (UPnP, NAT-PMP), or " + forwardAdvice},
	{"router", []change{atHome}, "note", "no router answers that opens ports (UPnP, NAT-PMP)", "turn on UPnP or NAT-PMP on the router, or " + forwardAdvice},

	{"relays", nil, "", "", ""},
	{"relays", []change{local}, "", "", ""},
	{"relays", []change{atHome, server}, "", "", ""},
	{"relays", []change{atHome, func(f *api.Facts) { f.Relays = []string{"12D3KooWrelay001", "12D3KooWrelay002"} }}, "ok",
		"a place at 2 relays: …relay001 and …relay002", ""},
	{"relays", []change{atHome, fresh}, "note", "no place at a relay yet: it is looked for among the peers", soon},
	{"relays", []change{atHome}, "warning", "no place at a relay: none of the peers relays, or they are full", relayAdvice},
	{"relays", []change{atHome, alone}, "note", "no place at a relay: no peer is connected that could be one", relayAdvice},
	{"relays", []change{unreached}, "note", "no place at a relay; whether one is needed is not known yet", relayAdvice},

	{"punching", nil, "", "", ""},
	{"punching", []change{atHome, func(f *api.Facts) { f.Punches = api.Punches{Direct: 3, Succeeded: 1, Failed: 4} }}, "ok",
		"of 8 attempts at a direct connection 3 came about by dialing, 1 through a hole in the NAT, and 4 failed", ""},
	{"punching", []change{atHome, func(f *api.Facts) { f.Punches = api.Punches{Failed: 1} }}, "warning",
		"of 1 attempt at a direct connection 0 came about by dialing, 0 through a hole in the NAT, and 1 failed", forwardAdvice},
	{"punching", []change{atHome, func(f *api.Facts) {
		f.Punches = api.Punches{Succeeded: 1, Failed: 2, Last: []api.Punch{{Peer: "12D3KooWpeer0001", Error: "all dials failed"}, {Peer: "12D3KooWpeer0002"}}}
	}}, "warning", "of 3 attempts at a direct connection 0 came about by dialing, 1 through a hole in the NAT, and 2 failed" +
		"; the last one, with …peer0001: all dials failed", forwardAdvice},
	{"punching", []change{atHome, func(f *api.Facts) {
		f.Punches, f.Reach.Transports[1].NAT = api.Punches{Failed: 2}, "endpoint-dependent"
	}}, "warning", "of 2 attempts at a direct connection 0 came about by dialing, 0 through a hole in the NAT, and 2 failed" +
		": the NAT in front of this node gives each peer another port, so holes do not help", forwardAdvice},

	{"relaying", nil, "ok", "this node relays: 2 places, 1 connection, 1.0 MiB so far", ""},
	{"relaying", []change{atHome}, "", "", ""},
	{"relaying", []change{func(f *api.Facts) { f.Relaying = api.Relaying{} }}, "note", "this node does not relay for those whom nobody can dial",
		"run lf node without --no-relay-service: a network lives by those that everybody can dial"},
	{"relaying", []change{func(f *api.Facts) { f.Relaying.Running = false }}, "note", "this node does not relay yet, though everybody can dial it", soon},

	{"dht", nil, "ok", "4 peers in the routing table, as a server; its addresses were published 5 min ago", ""},
	{"dht", []change{alone}, "", "", ""},
	{"dht", []change{fresh, func(f *api.Facts) { f.DHT = api.DHTFacts{Mode: api.DHTClient} }}, "note", "nobody in the routing table yet", soon},
	{"dht", []change{func(f *api.Facts) { f.DHT = api.DHTFacts{Mode: api.DHTClient} }}, "note",
		"nobody in the routing table, though 5 peers are connected", "connect to a node that everybody can dial (--seed): the others are not in it"},
	{"dht", []change{func(f *api.Facts) { f.DHT = api.DHTFacts{Mode: api.DHTClient, Peers: 1, Error: "no answer"} }}, "warning",
		"1 peer in the routing table, as a client; its addresses are not published: no answer",
		"see that the peers answer (lf peers); others find this node only by seeds meanwhile"},
	{"dht", []change{func(f *api.Facts) { f.DHT = api.DHTFacts{Mode: api.DHTClient, Peers: 1} }}, "note",
		"1 peer in the routing table, as a client; its addresses are not published yet", soon},

	{"rendezvous", nil, "ok", "2 nodes met in the public DHT 5 min ago", ""},
	{"rendezvous", []change{local}, "", "", ""},
	{"rendezvous", []change{func(f *api.Facts) { f.Rendezvous = api.RendezvousFacts{} }}, "", "", ""},
	{"rendezvous", []change{alone, func(f *api.Facts) { f.Rendezvous = api.RendezvousFacts{} }}, "note",
		"this node does not look for others in the public DHT",
		"run lf node without --no-rendezvous; on a network of your own name peers of the public DHT with --rendezvous"},
	{"rendezvous", []change{func(f *api.Facts) { f.Rendezvous.Error = "no way in" }}, "note", "the last look into the public DHT failed: no way in", inAdvice},
	{"rendezvous", []change{alone, func(f *api.Facts) { f.Rendezvous.Error = "no way in" }}, "warning",
		"the last look into the public DHT failed: no way in", inAdvice},
	{"rendezvous", []change{func(f *api.Facts) { f.Rendezvous.Last = 0 }}, "note", "the first look into the public DHT is under way", soon},

	{"mdns", []change{func(f *api.Facts) { f.MDNSProblem = "no interface is up" }}, "note",
		"this node is not announced on the local network: no interface is up",
		"connect this machine to a network that has multicast, or name nodes with --seed"},
	{"mdns", nil, "ok", "nodes of the local network are looked for", ""},
	{"mdns", []change{server}, "", "", ""},
	{"mdns", []change{func(f *api.Facts) { f.MDNS = false }}, "", "", ""},
	{"mdns", []change{alone, func(f *api.Facts) { f.MDNS = false }}, "note", "nodes of the local network are not looked for", "run lf node without --no-mdns"},

	{"gossip", nil, "ok", "5 of 5 peers in the mesh", ""},
	{"gossip", []change{alone}, "", "", ""},
	{"gossip", []change{fresh, func(f *api.Facts) { f.Gossip.Mesh = 0 }}, "note", "the mesh is empty yet", soon},
	{"gossip", []change{func(f *api.Facts) { f.Gossip, f.Peers.Relayed = api.GossipFacts{}, 5 }}, "ok",
		"nobody to gossip with: new records are pushed through the relay", ""},
	{"gossip", []change{func(f *api.Facts) { f.Gossip.Mesh = 0 }}, "warning",
		"the mesh is empty, though 5 peers are connected: new records come by comparing only, minutes late",
		"start the node again; if that does not help, report what lf doctor --json writes, here and on a peer"},

	{"sync", nil, "ok", "in sync: 4 of 5 peers agree, 0 missing", ""},
	{"sync", []change{func(f *api.Facts) { f.Sync.State = api.SyncAlone }}, "", "", ""},
	{"sync", []change{func(f *api.Facts) { f.Sync.State = api.SyncOffline }}, "", "", ""},
	{"sync", []change{func(f *api.Facts) {
		f.Sync = api.SyncStatus{State: api.SyncFetching, Peers: 5, Missing: 7, Fetches: 1, AgreedAt: now}
	}}, "note",
		"fetching: 7 missing, 1 request under way", "wait, lf status shows how far it is"},
	{"sync", []change{fresh, func(f *api.Facts) { f.Sync = api.SyncStatus{State: api.SyncComparing, Peers: 5} }}, "note",
		"comparing: 0 of 5 peers agree, 0 missing", "wait, or have it compare now: lf status --wait-synced=1m"},
	{"sync", []change{func(f *api.Facts) { f.Sync = api.SyncStatus{State: api.SyncComparing, Peers: 5} }}, "warning",
		"not in sync: 0 of 5 peers agree, 0 missing; no peer has agreed since the start", stuckAdvice},
	{"sync", []change{func(f *api.Facts) {
		f.Sync = api.SyncStatus{State: api.SyncFetching, Peers: 5, Missing: 7, AgreedAt: now - minutes(20)}
	}}, "warning",
		"not in sync: 0 of 5 peers agree, 7 missing; the last agreement was 20 min ago", stuckAdvice},

	{"dates", nil, "", "", ""},
	{"dates", []change{offline, func(f *api.Facts) { f.Sync.OwnAhead = 1 }}, "", "", ""},
	{"dates", []change{func(f *api.Facts) { f.Sync.AheadPeers, f.Sync.Ahead = 1, 3 }}, "note",
		"1 of 5 peers holds records dated ahead of this clock: 3 in the middle, left out until their time has come",
		"nothing to do here: such a record comes when its time has come; its writer's clock was wrong"},
	{"dates", []change{func(f *api.Facts) { f.Sync.AheadPeers, f.Sync.Ahead = 3, 7 }}, "warning",
		"3 of 5 peers hold records dated ahead of this clock, 7 in the middle: this clock may be behind", datesAdvice},
	{"dates", []change{func(f *api.Facts) { f.Sync.OwnAhead, f.Sync.AheadPeers = 2, 1 }}, "warning",
		"2 records are here and dated ahead of this clock: it was set back, or is behind", datesAdvice},

	{"clock", nil, "ok", "within 30 ms of the clocks of 5 peers (their median)", ""},
	{"clock", []change{clockOf(0, 1)}, "ok", "within 10 ms of a peer's clock", ""},
	{"clock", []change{offline, clockOf(0, 0)}, "", "", ""},
	{"clock", []change{alone, clockOf(0, 0)}, "", "", ""},
	{"clock", []change{clockOf(0, 0)}, "note", "not known yet: peers are asked some seconds after they came", soon},
	{"clock", []change{clockOf(0, 0), func(f *api.Facts) { f.Clock.Silent = 3 }}, "note", "not known: of 3 peers none told the time",
		"connect to other nodes, or compare this machine's clock with another one"},
	{"clock", []change{clockOf(90*time.Second, 5)}, "warning",
		"this clock is 90 s behind the clocks of 5 peers (their median); the network allows 2 min", ntpAdvice},
	{"clock", []change{clockOf(3*time.Minute, 1)}, "warning",
		"this clock is 3 min behind a peer's clock: what others write is held here, and answered late",
		ntpAdvice + "; or set the peer's, if that is the one that is wrong"},
	{"clock", []change{clockOf(3*time.Minute, 2)}, "failure",
		"this clock is 3 min behind the clocks of 2 peers (their median): what others write is held here, and answered late", ntpAdvice},
	{"clock", []change{clockOf(-3*time.Hour, 5)}, "failure",
		"this clock is 3 h ahead of the clocks of 5 peers (their median): what is written here is not passed on until its time has come", ntpAdvice},
	{"clock", []change{clockOf(-100*365*24*time.Hour, 5)}, "failure",
		"this clock is 36500 days ahead of the clocks of 5 peers (their median): what is written here is not passed on until its time has come", ntpAdvice},
	// it may be 119 s
	{"clock", []change{clockOf(3*time.Minute, 5), func(f *api.Facts) { f.Clock.ErrorMS = 61_000 }}, "warning",
		"this clock is 3 min behind the clocks of 5 peers (their median); the network allows 2 min", ntpAdvice},

	{"conduct", nil, "", "", ""},
	{"conduct", []change{func(f *api.Facts) {
		f.Banned = api.BannedPeers{Count: 1, Peers: []api.Ban{{Peer: "12D3KooWpeer0001", Until: now + minutes(15)}}}
	}}, "note", "1 peer did not behave, refused for up to 15 min: …peer0001",
		"nothing, unless one of them is yours: then bring its software up to date and see its log"},
	{"conduct", []change{func(f *api.Facts) {
		f.Banned = api.BannedPeers{Count: 40, Peers: slices.Repeat([]api.Ban{{Peer: "12D3KooWpeer0001", Until: now + minutes(15)}}, 16)}
	}}, "note", "40 peers did not behave, refused for up to 15 min: …peer0001, …peer0001, …peer0001 and 37 more",
		"nothing, unless one of them is yours: then bring its software up to date and see its log"},

	{"drops", nil, "ok", "no queue was full", ""},
	{"drops", []change{func(f *api.Facts) { f.Drops = []api.DropCount{{Queue: "gossip", Count: 7}} }}, "ok",
		"no queue was full in the last 10 minutes, and 7 dropped before", ""},
	{"drops", []change{func(f *api.Facts) {
		f.Drops = []api.DropCount{{Queue: "gossip", Count: 7, Lately: 5}, {Queue: "push", Count: 2}, {Queue: "serve", Count: 1, Lately: 1}}
	}}, "warning", "queues were full in the last 10 minutes and dropped 5 from gossip, 1 from serve",
		"see whether this machine's processor or disk is busy with something else; what was dropped is fetched again later"},

	{"disk", nil, "ok", "12.0 GiB free, the database has 34.0 MiB", ""},
	{"disk", []change{func(f *api.Facts) { f.Disk.Known = false }}, "note",
		"how much is free is not known on this system; the database has 34.0 MiB", "see yourself that there is room where the node's home is"},
	{"disk", []change{func(f *api.Facts) { f.Disk.Free = 1<<30 - 1 }}, "warning", "1024.0 MiB free, the database has 34.0 MiB", diskAdvice},
	{"disk", []change{func(f *api.Facts) { f.Disk.Free = 9 << 20 }}, "warning",
		"nearly full: 9.0 MiB free, the database has 34.0 MiB; records are stored as long as they fit", diskAdvice},
	{"disk", []change{full, func(f *api.Facts) { f.Disk.Free = 1000 }}, "failure",
		"full: records are not stored, a write failed 2 min ago; the database has 34.0 MiB", roomAdvice},
	{"disk", []change{full, func(f *api.Facts) { f.Disk.Known = false }}, "failure",
		"full: records are not stored, a write failed 2 min ago; the database has 34.0 MiB", roomAdvice},
	{"disk", []change{full}, "warning",
		"a write failed 2 min ago for want of room, and nothing was written since; 12.0 GiB free now, the database has 34.0 MiB", roomAdvice},
	{"disk", []change{full, func(f *api.Facts) { f.Disk.Full, f.Disk.Problem = false, "database: disk I/O error" }}, "failure",
		"records are not stored: a write failed 2 min ago (database: disk I/O error)",
		"see the node's log and the system's (dmesg): the disk may be broken, or mounted to be read only"},

	{"files", nil, "", "", ""},
	{"files", []change{func(f *api.Facts) { f.Files = api.FileFacts{} }}, "", "", ""},
	{"files", []change{func(f *api.Facts) { f.Files.Open = 922 }}, "warning",
		"922 of 1024 file descriptors are in use; without any left no connection is accepted or dialed", filesAdvice},
	{"files", []change{func(f *api.Facts) { f.Files.Open = 1024 }}, "warning",
		"all 1024 file descriptors are in use: no connection is accepted or dialed", filesAdvice},

	{"authorities", nil, "", "", ""},
	{"authorities", []change{authority("CA", -days(400), days(4000))}, "ok", "1 authority, valid for 4000 days at least", ""},
	{"authorities", []change{authority("CA", -days(400), days(4000)), authority("B", -days(400), days(80))}, "warning",
		"of 2 authorities some expire soon: B (in 80 days)", renewAdvice},
	{"authorities", []change{authority("CA", -days(400), days(4000)), authority("B", -days(400), -days(5)), authority("C", days(1), days(80))}, "warning",
		"only 1 of 3 authorities valid now: not B (expired 5 days ago) and C (valid in 24 h)", renewAdvice},
	{"authorities", []change{authority("CA", -days(400), -days(5))}, "warning",
		"of 1 authority none is valid now: nobody is certified any more, and everybody pays the full price; CA (expired 5 days ago)", renewAdvice},
	{"authorities", []change{authority("CA", -days(400), -days(5)), func(f *api.Facts) { f.AuthRequired = true }}, "failure",
		"of 1 authority none is valid now, and this network takes records of certified owners only: nothing can be written; CA (expired 5 days ago)", renewAdvice},

	{"damage", nil, "", "", ""},
	{"damage", []change{func(f *api.Facts) { f.Damage = api.DamageFacts{Repaired: 1, Rows: 2} }}, "warning",
		"the disk damaged 1 record and 2 rows of indices; all are repaired", damageAdvice},
	{"damage", []change{func(f *api.Facts) {
		f.Damage = api.DamageFacts{Repairing: 3, Records: []protocol.ID{{1}, {2}}}
	}}, "failure", "the disk damaged 3 records, which the node is fetching from its peers: " + protocol.ID{1}.String() + ", " + protocol.ID{2}.String() + ", and 1 more",
		"wait, each peer is asked; " + damageAdvice},
	{"damage", []change{func(f *api.Facts) {
		f.Damage = api.DamageFacts{Unavailable: 1, Repairing: 1, Records: []protocol.ID{{1}, {2}}}
	}}, "failure", "the disk damaged 1 record that no peer has: " + protocol.ID{1}.String(),
		"run a node from a backup of this home, or any node that has them: this one asks each peer again every 10 minutes; " + damageAdvice},
	{"damage", []change{offline, func(f *api.Facts) {
		f.Damage = api.DamageFacts{Unavailable: 1, Records: []protocol.ID{{1}}}
	}}, "failure", "the disk damaged 1 record: " + protocol.ID{1}.String(), "run the node online, so that it can fetch them from others; " + damageAdvice},
	{"damage", []change{func(f *api.Facts) { f.Damage.Problems = []string{"a row of dag is missing"} }}, "failure",
		"the disk damaged what cannot be repaired: a row of dag is missing",
		"stop the node and run lf check; restore the home from a backup, or move lf.db away and let the node fetch everything again"},
}

func TestFindings(t *testing.T) {
	for _, test := range findings {
		f := well()
		for _, c := range test.of {
			c(f)
		}
		found := Examine(f)
		i := slices.IndexFunc(found, func(d api.Finding) bool { return d.Area == test.area })
		if i < 0 {
			if test.text != "" {
				t.Errorf("%s: nothing, want %q", test.area, test.text)
			}
			continue
		}
		if d := found[i]; d.State != test.state || d.Text != test.text || d.Advice != test.advice {
			t.Errorf("%s:\nhave %s, %q, %q\nwant %s, %q, %q", test.area, d.State, d.Text, d.Advice, test.state, test.text, test.advice)
		}
	}
}

// TestExamine holds what is promised of all findings, whatever the facts: also of none at all, as
// those before anything is found out.
func TestExamine(t *testing.T) {
	all := map[string]*api.Facts{"nothing": {}, "well": well()}
	for i, test := range findings {
		f := well()
		for _, c := range test.of {
			c(f)
		}
		all[test.area+" "+test.text+" "+string(rune('a'+i%26))] = f
	}
	for name, f := range all {
		var names []string
		for _, a := range areas() {
			names = append(names, a.name)
		}
		for _, d := range Examine(f) {
			i := slices.Index(names, d.Area)
			if i < 0 {
				t.Fatalf("%s: area %s is unknown, or not in its place", name, d.Area)
			}
			names = names[i+1:]
			if d.Text == "" || strings.ContainsAny(d.Text+d.Advice, "\n%") || (d.Advice == "") != (d.State == api.FindingOK) {
				t.Errorf("%s: finding %+v", name, d)
			}
		}
	}
	for _, d := range Examine(well()) {
		if d.State != api.FindingOK {
			t.Errorf("of a node that is well: %+v", d)
		}
	}
}

// TestJustStarted holds that a node that knows nothing yet fails in nothing and warns of nothing
// but what is so already.
func TestJustStarted(t *testing.T) {
	for _, profile := range []string{profileDefault, profileServer, profileLocal} {
		f := &api.Facts{
			Now: now, RunningMS: 100, Network: "test", Profile: profile, Reach: api.ReachFacts{Reachability: api.ReachUnknown},
			Dials: []api.DialState{{Peer: "12D3KooWseed0001", Seed: true}}, DHT: api.DHTFacts{Mode: api.DHTClient},
			Rendezvous: api.RendezvousFacts{On: true}, Sync: api.SyncStatus{State: api.SyncAlone}, Disk: api.DiskFacts{Known: true, Free: 1 << 40},
		}
		for _, d := range Examine(f) {
			if d.State != api.FindingOK && d.State != api.FindingNote {
				t.Errorf("%s: %+v", profile, d)
			}
		}
	}
}

func TestWords(t *testing.T) {
	for d, want := range map[time.Duration]string{
		5 * time.Millisecond: "5 ms", 40 * time.Second: "40 s", 90 * time.Minute: "90 min", 5 * time.Hour: "5 h", 100 * time.Hour: "4 days",
	} {
		if got := text.Duration(d); got != want {
			t.Errorf("%s is roughly %s", d, got)
		}
	}
	f := &facts{&api.Facts{Now: 10}}
	if f.since(20) != 0 || f.until(5) != 0 {
		t.Error("a time that is not over was, or the other way round")
	}
	if got := f.ports(); got != "a port to listen on (lf node --listen)" {
		t.Errorf("ports %q", got)
	}
	if got := short("x"); got != "…x" {
		t.Errorf("short %q", got)
	}
}
