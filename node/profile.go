package node

import "github.com/lf-store/lf/node/internal/p2p"

// Profile says where a node listens and whom it may dial.
type Profile = p2p.Profile

// The profiles.
const (
	// ProfileDefault is for a machine of one's own: it listens on every interface and dials whom it
	// needs.
	ProfileDefault = p2p.ProfileDefault
	// ProfileServer is for a machine in a data center: it never dials private ranges, which hosters
	// take for an attack.
	ProfileServer = p2p.ProfileServer
	// ProfileLocal is for tests and for trying things out: it neither dials nor accepts anything
	// but loopback.
	ProfileLocal = p2p.ProfileLocal
)

// Port is where a node listens for peers when it is not told otherwise, over TCP and over QUIC.
const Port = p2p.Port

// WebSocketPort is where a node of a private network also listens over WebSocket, which passes
// where only the web does.
const WebSocketPort = p2p.WebSocketPort

// ParseProfile reads a profile's name; "" is the default one.
func ParseProfile(s string) (Profile, error) { return p2p.ParseProfile(s) }
