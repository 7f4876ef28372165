package hostile

import (
	"bufio"
	"bytes"
	"net/netip"
	"os"

	ma "github.com/multiformats/go-multiaddr"
	manet "github.com/multiformats/go-multiaddr/net"
)

// fabric is where the nodes of a testbed are that have network namespaces of their own.
var fabric = netip.MustParsePrefix("10.66.0.0/16")

// forbidden says which addresses are left alone: all but those of this machine, and of a testbed's
// own network namespaces.
func forbidden(addr ma.Multiaddr) bool {
	raw, err := manet.ToIP(addr)
	if err != nil {
		return true
	}
	ip, _ := netip.AddrFromSlice(raw)
	ip = ip.Unmap()
	return !ip.IsLoopback() && (!fabric.Contains(ip) || !enclosed())
}

// enclosed reports whether this process is in a network namespace of a testbed: one from which
// nothing but the others can be reached. The same addresses could be somebody's office elsewhere.
func enclosed() bool {
	routes, err := os.ReadFile("/proc/self/net/route")
	if err != nil {
		return false
	}
	lines := bufio.NewScanner(bytes.NewReader(routes))
	lines.Scan() // the heading
	n := 0
	for ; lines.Scan(); n++ { // interface, destination, …; 10.66.0.0, the lowest byte first
		if f := bytes.Fields(lines.Bytes()); len(f) < 2 || string(f[1]) != "0000420A" {
			return false
		}
	}
	return n > 0
}
