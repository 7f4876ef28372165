package node

import (
	"fmt"
	"net/netip"

	ma "github.com/multiformats/go-multiaddr"
	manet "github.com/multiformats/go-multiaddr/net"
)

// Profile says where a node listens and whom it may dial.
type Profile string

const (
	// ProfileDefault is for a machine of one's own: it listens on every interface and dials whom it
	// needs.
	ProfileDefault Profile = "default"
	// ProfileServer is for a machine in a data center: it never dials private ranges, which hosters
	// take for an attack.
	ProfileServer Profile = "server"
	// ProfileLocal is for tests and for trying things out: it neither dials nor accepts anything
	// but loopback.
	ProfileLocal Profile = "local"
)

// Port is where a node listens for peers when it is not told otherwise, over TCP and over QUIC.
const Port = 9908

// ParseProfile reads a profile's name; "" is the default one.
func ParseProfile(s string) (Profile, error) {
	switch p := Profile(s); p {
	case "":
		return ProfileDefault, nil
	case ProfileDefault, ProfileServer, ProfileLocal:
		return p, nil
	}
	return "", fmt.Errorf("unknown profile %q: want default, server or local", s)
}

// WebSocketPort is where a node of a private network listens over WebSocket besides, which passes
// where only the web does.
const WebSocketPort = 9909

// listen returns the addresses that a node of the profile listens on when it is given none.
func (p Profile) listen(private bool) []string {
	if p == ProfileLocal {
		return []string{"/ip4/127.0.0.1/tcp/0"}
	}
	if private {
		return []string{
			fmt.Sprintf("/ip4/0.0.0.0/tcp/%d", Port), fmt.Sprintf("/ip4/0.0.0.0/tcp/%d/ws", WebSocketPort),
			fmt.Sprintf("/ip6/::/tcp/%d", Port), fmt.Sprintf("/ip6/::/tcp/%d/ws", WebSocketPort),
		}
	}
	return []string{
		fmt.Sprintf("/ip4/0.0.0.0/tcp/%d", Port), fmt.Sprintf("/ip4/0.0.0.0/udp/%d/quic-v1", Port),
		fmt.Sprintf("/ip6/::/tcp/%d", Port), fmt.Sprintf("/ip6/::/udp/%d/quic-v1", Port),
	}
}

// checkAddress says why the profile forbids to dial an address, nil if it does not. A DNS name
// passes where its addresses can be judged later, when it is resolved.
func (p Profile) checkAddress(addr ma.Multiaddr) error {
	ip, isIP := ipOf(addr)
	switch {
	case p == ProfileLocal && !(isIP && ip.IsLoopback()):
		return fmt.Errorf("profile local dials and listens on loopback addresses only, not %s", addr)
	case p == ProfileServer && isIP && !isPublic(ip):
		return fmt.Errorf("profile server does not dial private addresses such as %s", addr)
	}
	return nil
}

// ipOf returns the IP address that a multiaddr begins with.
func ipOf(addr ma.Multiaddr) (netip.Addr, bool) {
	raw, err := manet.ToIP(addr)
	if err != nil {
		return netip.Addr{}, false
	}
	ip, ok := netip.AddrFromSlice(raw)
	return ip.Unmap(), ok
}

// carrierGrade is the range that providers share among their customers' networks (RFC 6598).
var carrierGrade = netip.MustParsePrefix("100.64.0.0/10")

func isPublic(ip netip.Addr) bool {
	return ip.IsGlobalUnicast() && !ip.IsPrivate() && !carrierGrade.Contains(ip)
}
