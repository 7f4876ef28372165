package p2p

import (
	"fmt"
	"net/netip"

	"github.com/libp2p/go-libp2p/core/peer"
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

// WebSocketPort is where a node of a private network also listens over WebSocket, which passes
// where only the web does.
const WebSocketPort = 9909

// listenOn returns the addresses that a node of the profile listens on when it is given none.
func (p Profile) listenOn(private bool) []string {
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
	ip, isIP := IPOf(addr)
	switch {
	case p == ProfileLocal && !(isIP && ip.IsLoopback()):
		return fmt.Errorf("profile local dials and listens on loopback addresses only, not %s", addr)
	case p == ProfileServer && isIP && !IsPublic(ip):
		return fmt.Errorf("profile server does not dial private addresses such as %s", addr)
	}
	return nil
}

// IPOf returns the IP address that a multiaddr begins with.
func IPOf(addr ma.Multiaddr) (netip.Addr, bool) {
	raw, err := manet.ToIP(addr)
	if err != nil {
		return netip.Addr{}, false
	}
	ip, ok := netip.AddrFromSlice(raw)
	return ip.Unmap(), ok
}

// carrierGrade is the range that providers share among their customers' networks (RFC 6598).
var carrierGrade = netip.MustParsePrefix("100.64.0.0/10")

// IsPublic reports whether an address can be dialed from everywhere, as far as can be seen.
func IsPublic(ip netip.Addr) bool {
	return ip.IsGlobalUnicast() && !ip.IsPrivate() && !carrierGrade.Contains(ip)
}

// MayDial reports whether a node of the profile may and can dial an address. Another machine's
// loopback addresses lead to this one.
func (p Profile) MayDial(addr ma.Multiaddr) bool {
	ip, isIP := IPOf(addr)
	return p.checkAddress(addr) == nil && (p == ProfileLocal || !isIP || !ip.IsLoopback())
}

// MayDial reports whether the host may and can dial an address.
func (h *Host) MayDial(addr ma.Multiaddr) bool { return h.config.Profile.MayDial(addr) }

// Dialable keeps the addresses that the host may and can dial.
func (h *Host) Dialable(addrs []ma.Multiaddr) []ma.Multiaddr {
	var kept []ma.Multiaddr
	for _, a := range addrs {
		if h.MayDial(a) {
			kept = append(kept, a)
		}
	}
	return kept
}

// DialableInfo is Dialable for a peer's addresses.
func (h *Host) DialableInfo(at peer.AddrInfo) peer.AddrInfo {
	return peer.AddrInfo{ID: at.ID, Addrs: h.Dialable(at.Addrs)}
}
