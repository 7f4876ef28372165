package api

// ProxyNode is a full node as a proxy sees it.
type ProxyNode struct {
	Address string `json:"address" doc:"a URL, or unix:PATH"`
	State   string `json:"state" enum:"unknown,synced,unsynced,down,slow,refuses,foreign" doc:"synced: it is asked. unsynced: it answers, and is not in sync with its peers; it is asked only where no node is in sync. The others are passed over. down: nothing answers there, or it fails. slow: it let a request wait. refuses: it wants a token that the proxy lacks. foreign: it is on another network. unknown: not asked yet"`
	Problem string `json:"problem,omitempty" doc:"why it is passed over, in one line"`
	Since   uint64 `json:"since,omitempty" doc:"when this state began, ms since the Unix epoch"`
	Checked uint64 `json:"checked,omitempty" doc:"when the node was last asked how it is, ms since the Unix epoch"`
	// LatencyMS is how long it took to answer that.
	LatencyMS float64 `json:"latencyMs,omitempty" doc:"how long it took to answer that"`
	Attached  uint64  `json:"attached,omitempty" doc:"its attached records"`
	Version   string  `json:"version,omitempty" doc:"version of its software"`
	Peer      string  `json:"peer,omitempty" doc:"its peer ID"`
	Differed  uint64  `json:"differed,omitempty" doc:"when it last answered something else than most, ms since the Unix epoch"`
	Lied      string  `json:"lied,omitempty" doc:"what it last answered that a signature or a hash proves false"`
	Token     string  `json:"token,omitempty" enum:"accepted,refused,none" doc:"in a checkup: whether the node takes records from this proxy"`
}

// The states of a ProxyNode.
const (
	NodeUnknown  = "unknown"
	NodeSynced   = "synced"
	NodeUnsynced = "unsynced"
	NodeDown     = "down"
	NodeSlow     = "slow"
	NodeRefuses  = "refuses"
	NodeForeign  = "foreign"
)

// What became of the token in a checkup.
const (
	TokenAccepted = "accepted"
	TokenRefused  = "refused"
	TokenNone     = "none"
)
