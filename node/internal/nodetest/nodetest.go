// Package nodetest is what the tests of a node and of its parts share.
package nodetest

import (
	"crypto/rand"
	"net"
	"testing"
	"time"

	"github.com/libp2p/go-libp2p"
	"github.com/libp2p/go-libp2p/core/host"
	"github.com/libp2p/go-libp2p/core/peer"

	"github.com/lf-store/lf/protocol"
)

// Patience bounds what takes milliseconds: a race detector on a busy machine is slow.
const Patience = 2 * time.Minute

// NewNetwork makes a network on which names cost little and work is as given.
func NewNetwork(t testing.TB, workPerKiB uint32, change ...func(*protocol.Params)) *protocol.Network {
	t.Helper()
	p := protocol.DefaultParams()
	p.Name, p.WorkPerKiB, p.NameHardening = "test", workPerKiB, protocol.Hardening{MemoryKiB: 8, Passes: 1}
	for _, f := range change {
		f(&p)
	}
	n, err := protocol.NewNetwork(p, uint64(time.Now().UnixMilli()), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return n
}

// Eventually waits until a condition holds.
func Eventually(t testing.TB, what string, holds func() bool) {
	t.Helper()
	for begin := time.Now(); !holds(); time.Sleep(10 * time.Millisecond) {
		if time.Since(begin) > Patience {
			t.Fatalf("not within %s: %s", Patience, what)
		}
	}
}

// NewLibp2p makes a libp2p host on loopback that is no node of LF.
func NewLibp2p(t testing.TB, options ...libp2p.Option) host.Host {
	t.Helper()
	h, err := libp2p.New(append(options, libp2p.ListenAddrStrings("/ip4/127.0.0.1/tcp/0"), libp2p.DisableMetrics())...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = h.Close() })
	return h
}

// InfoOf is where hosts can be dialed.
func InfoOf(hosts ...host.Host) (list []peer.AddrInfo) {
	for _, h := range hosts {
		list = append(list, peer.AddrInfo{ID: h.ID(), Addrs: h.Addrs()})
	}
	return list
}

// FreePort is a port of loopback at which nobody listens.
func FreePort(t testing.TB) int {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().(*net.TCPAddr).Port
}
