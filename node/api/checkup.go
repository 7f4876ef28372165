package api

import "github.com/lf-store/lf/protocol"

// Checkup says what works and what does not: findings in words, and the facts that they rest on.
type Checkup struct {
	Healthy  bool      `json:"healthy" doc:"no finding is a failure"`
	Findings []Finding `json:"findings" doc:"at most one for each area, always in the same order; an area that does not matter to this node is left out"`
	Facts    Facts     `json:"facts"`
}

// Finding says how one area is.
type Finding struct {
	Area  string `json:"area" example:"reach"`
	State string `json:"state" enum:"ok,note,warning,failure" doc:"note: not known yet, or as configured; warning: something does not work as it could; failure: it has to be mended"`
	Text  string `json:"text" doc:"what was found, in one line"`
	// Advice is there for whatever is not ok.
	Advice string `json:"advice,omitempty" doc:"what to try next; absent where the state is ok"`
}

// The states of a finding.
const (
	FindingOK      = "ok"
	FindingNote    = "note"
	FindingWarning = "warning"
	FindingFailure = "failure"
)

// Facts are what a node knows of how it stands among its peers. Times are in ms since the Unix
// epoch, by the machine's clock.
type Facts struct {
	Now       uint64   `json:"now"`
	RunningMS uint64   `json:"runningMs" doc:"for how long the node has run"`
	Network   string   `json:"network" doc:"the network's name"`
	Private   bool     `json:"private,omitempty" doc:"only a node with the network's secret can connect"`
	Profile   string   `json:"profile" doc:"default, server or local"`
	Offline   bool     `json:"offline,omitempty"`
	Listening []string `json:"listening" doc:"multiaddrs that the node listens on"`

	Peer        string          `json:"peer" doc:"the node's peer ID"`
	Clone       *CloneFacts     `json:"clone,omitempty" doc:"another running node with the same identity; absent: none is known"`
	Authorities []AuthorityInfo `json:"authorities" doc:"the network's certificate authorities"`
	// AuthRequired tells that the network takes records of certified owners only.
	AuthRequired bool `json:"authRequired,omitempty" doc:"the network takes records of certified owners only"`

	Peers       PeerCounts      `json:"peers"`
	Dials       []DialState     `json:"dials" doc:"the seeds, peers added by hand, and peers that were lost and are dialed again"`
	Banned      BannedPeers     `json:"banned"`
	Reach       ReachFacts      `json:"reach"`
	PortMapping PortMapping     `json:"portMapping"`
	Relays      []string        `json:"relays" doc:"peer IDs of the relays that keep a place for this node"`
	Relaying    Relaying        `json:"relaying"`
	Punches     Punches         `json:"punches"`
	DHT         DHTFacts        `json:"dht"`
	Rendezvous  RendezvousFacts `json:"rendezvous"`
	MDNS        bool            `json:"mdns" doc:"whether nodes of the local network are looked for"`
	MDNSProblem string          `json:"mdnsProblem,omitempty" doc:"why this node is not announced there now; absent: it is"`
	Gossip      GossipFacts     `json:"gossip"`
	Sync        SyncStatus      `json:"sync"`
	Clock       ClockFacts      `json:"clock"`
	Drops       []DropCount     `json:"drops" doc:"bounded queues that have dropped something since the start"`
	Files       FileFacts       `json:"files"`
	Disk        DiskFacts       `json:"disk"`
	Damage      DamageFacts     `json:"damage"`
	// Nodes is there where a proxy answers. It has no facts of a node's own.
	Nodes []ProxyNode `json:"nodes,omitempty" doc:"of a proxy: the full nodes that it asks"`
}

// DamageFacts tell what the disk has damaged of the database.
type DamageFacts struct {
	Repairing   int           `json:"repairing" doc:"damaged records that are being fetched from peers"`
	Unavailable int           `json:"unavailable" doc:"damaged records that no peer has"`
	Records     []protocol.ID `json:"records" doc:"damaged records, those that no peer has first; at most 16"`
	Repaired    uint64        `json:"repaired" doc:"records that were repaired since the start"`
	Rows        uint64        `json:"rows" doc:"rows of indices that were rebuilt since the start"`
	Problems    []string      `json:"problems,omitempty" doc:"damage that the node cannot repair"`
}

// CloneFacts tell of another running node that has this node's identity.
type CloneFacts struct {
	Address string `json:"address" doc:"where it was seen last"`
	Since   uint64 `json:"since" doc:"when it was noticed"`
	Seen    uint64 `json:"seen" doc:"when it was last heard of"`
}

// PeerCounts counts the connected peers.
type PeerCounts struct {
	Network int `json:"network" doc:"those of this network"`
	Relayed int `json:"relayed" doc:"of them, those that are reached through a relay only"`
	Others  int `json:"others" doc:"those that do not speak this network's protocols"`
}

// DialState tells how it stands with a peer that the node wants to be connected to.
type DialState struct {
	Peer      string `json:"peer"`
	Seed      bool   `json:"seed,omitempty"`
	Added     bool   `json:"added,omitempty" doc:"it was added by hand"`
	Connected bool   `json:"connected"`
	Failures  int    `json:"failures" doc:"failed dials since it was connected last, or since the start"`
	Next      uint64 `json:"next,omitempty" doc:"when it is dialed next; absent while it is connected or being dialed"`
	Problem   string `json:"problem,omitempty" doc:"what the last dial of a seed or of a peer added by hand failed at, in one line; absent while it is connected"`
}

// BannedPeers are those that are refused for a while because they did not behave.
type BannedPeers struct {
	Count int   `json:"count"`
	Peers []Ban `json:"peers" doc:"at most 16, the ones refused for longest first"`
}

// Ban says until when a peer is refused.
type Ban struct {
	Peer  string `json:"peer"`
	Until uint64 `json:"until"`
}

// ReachFacts are what is known of whether others can dial the node.
type ReachFacts struct {
	Reachability string           `json:"reachability" enum:"public,private,unknown" doc:"public: everybody can dial the node; private: those who tried could not"`
	Transports   []TransportFacts `json:"transports"`
}

// The reachabilities.
const (
	ReachPublic  = "public"
	ReachPrivate = "private"
	ReachUnknown = "unknown"
)

// TransportFacts are the same for one transport.
type TransportFacts struct {
	Transport   string   `json:"transport" enum:"tcp,quic,websocket"`
	State       string   `json:"state" enum:"reachable,unreachable,unknown"`
	NAT         string   `json:"nat,omitempty" enum:"endpoint-independent,endpoint-dependent" doc:"the kind of NAT in front; holes can be punched through an endpoint-independent one; absent: not known"`
	Reachable   []string `json:"reachable,omitempty" doc:"public addresses that somebody has dialed"`
	Unreachable []string `json:"unreachable,omitempty" doc:"those that somebody tried in vain"`
	Unknown     []string `json:"unknown,omitempty" doc:"those that nobody has tried yet"`
}

// The states of a transport.
const (
	TransportReachable   = "reachable"
	TransportUnreachable = "unreachable"
	TransportUnknown     = "unknown"
)

// PortMapping tells what came of asking the router for open ports.
type PortMapping struct {
	Asked  bool     `json:"asked" doc:"whether the node asks"`
	Router bool     `json:"router" doc:"whether a router answers (UPnP, NAT-PMP)"`
	Mapped []string `json:"mapped,omitempty" doc:"the addresses that it forwards to this node"`
}

// Relaying is what the node does for others as a relay.
type Relaying struct {
	Allowed  bool   `json:"allowed" doc:"whether the node would"`
	Running  bool   `json:"running" doc:"whether it does: once everybody can dial it"`
	Places   int    `json:"places" doc:"peers that can be reached through this node"`
	Circuits int    `json:"circuits" doc:"connections that pass through it now"`
	Bytes    uint64 `json:"bytes" doc:"that have passed"`
}

// Punches tell how it went to turn relayed connections into direct ones.
type Punches struct {
	Direct    int     `json:"direct" doc:"a plain dial was enough"`
	Succeeded int     `json:"succeeded" doc:"through holes in both NATs"`
	Failed    int     `json:"failed"`
	Last      []Punch `json:"last" doc:"the last ones, the newest at the end"`
}

// Punch is one attempt.
type Punch struct {
	Peer  string `json:"peer"`
	At    uint64 `json:"at"`
	Error string `json:"error,omitempty" doc:"absent where it succeeded"`
}

// DHTFacts tell how the node stands in the network's DHT.
type DHTFacts struct {
	Mode    string `json:"mode" enum:"off,client,server" doc:"client: it asks, and is not asked; server: it is asked too"`
	Peers   int    `json:"peers" doc:"peers in the routing table"`
	Entered uint64 `json:"entered,omitempty" doc:"when the node last published its addresses in the DHT; absent: not yet"`
	Error   string `json:"error,omitempty" doc:"why the last attempt to enter it failed"`
}

// The modes of the DHT.
const (
	DHTOff    = "off"
	DHTClient = "client"
	DHTServer = "server"
)

// RendezvousFacts tell how meeting others in the public DHT goes.
type RendezvousFacts struct {
	On      bool   `json:"on"`
	Why     string `json:"why,omitempty" doc:"why it is off, in one line"`
	Last    uint64 `json:"last,omitempty" doc:"when the last look ended; absent: the first is under way"`
	Met     int    `json:"met" doc:"nodes of the network that were found in it"`
	Entered uint64 `json:"entered,omitempty" doc:"when the node was entered last"`
	Error   string `json:"error,omitempty" doc:"what was wrong with the last look"`
}

// GossipFacts tell how the node stands in the gossip.
type GossipFacts struct {
	Peers int `json:"peers" doc:"peers that gossip with this node"`
	Mesh  int `json:"mesh" doc:"those of them that send it new records at once"`
}

// ClockFacts tell how the node's clock stands to those of its peers.
type ClockFacts struct {
	OffsetMS int64  `json:"offsetMs" doc:"how far the peers' clocks are ahead of this node's, behind if negative: the median"`
	ErrorMS  int64  `json:"errorMs" doc:"by how much that may be wrong"`
	Peers    int    `json:"peers" doc:"peers that told their clock"`
	Silent   int    `json:"silent" doc:"peers that were asked and did not"`
	DriftMS  uint64 `json:"driftMs" doc:"how far ahead of a node's clock the network lets a record be"`
}

// DropCount counts what one bounded queue has dropped.
type DropCount struct {
	Queue  string `json:"queue"`
	Count  uint64 `json:"count" doc:"since the start"`
	Lately uint64 `json:"lately" doc:"in the last 10 minutes"`
}

// DiskFacts tell how much room there is where the home is.
type DiskFacts struct {
	Known    bool   `json:"known" doc:"whether the free space is known"`
	Free     uint64 `json:"free" doc:"bytes that the node may still use"`
	Database uint64 `json:"database" doc:"bytes of the database"`
	Problem  string `json:"problem,omitempty" doc:"why the last write failed; absent: it did not"`
	Full     bool   `json:"full,omitempty" doc:"it failed for want of room"`
	Failed   uint64 `json:"failed,omitempty" doc:"when it failed"`
}

// FileFacts tell how many file descriptors the node uses.
type FileFacts struct {
	Known bool   `json:"known" doc:"whether that is known on this system"`
	Open  uint64 `json:"open"`
	Limit uint64 `json:"limit" doc:"how many it may have open"`
}
