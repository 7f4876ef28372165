package p2p

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"slices"
	"syscall"

	ma "github.com/multiformats/go-multiaddr"
	manet "github.com/multiformats/go-multiaddr/net"
)

// claimPorts makes sure that no other process listens on the TCP ports of the addresses, and keeps
// others off them until release is called. libp2p listens with SO_REUSEPORT, so that it can dial
// from the same port. The system then lets another process of the same user listen there, too, and
// hands each of the two a part of the connections.
//
// So each port is first bound without that option, which fails where anybody listens, at the same
// address or at an overlapping one. The option is set afterwards: libp2p can then listen beside the
// claim, and another node that starts at the same moment cannot.
func claimPorts(ctx context.Context, addrs []ma.Multiaddr) (release func(), err error) {
	var held []net.Listener
	release = func() {
		for _, l := range held {
			_ = l.Close() // nobody waits for it
		}
	}
	for _, at := range shared(addrs) {
		l, err := claimPort(ctx, at)
		if errors.Is(err, syscall.EADDRINUSE) {
			release()
			return nil, listenError(at.String(), err)
		}
		if err == nil { // what else is wrong libp2p finds out itself
			held = append(held, l)
		}
	}
	return release, nil
}

// shared are the addresses that libp2p opens with SO_REUSEPORT: plain TCP with a port of one's
// choice. An address that a wildcard of the same list covers is left out.
func shared(addrs []ma.Multiaddr) (list []ma.Multiaddr) {
	wild := map[string]bool{}
	key := func(at netip.AddrPort) string { return fmt.Sprint(at.Addr().Is4(), at.Port()) }
	for _, a := range addrs {
		if at, ok := sharedPort(a); ok && at.Addr().IsUnspecified() {
			wild[key(at)] = true
		}
	}
	for _, a := range addrs {
		at, ok := sharedPort(a)
		if ok && (at.Addr().IsUnspecified() || !wild[key(at)]) && !ma.Contains(list, a) {
			list = append(list, a)
		}
	}
	return slices.Clip(list)
}

// sharedPort returns where an address listens, if that is a plain TCP address with a port. Port 0
// is any that is free.
func sharedPort(a ma.Multiaddr) (netip.AddrPort, bool) {
	if _, last := ma.SplitLast(a); last == nil || last.Protocol().Code != ma.P_TCP {
		return netip.AddrPort{}, false
	}
	at, err := manet.ToNetAddr(a)
	if err != nil {
		return netip.AddrPort{}, false
	}
	tcp, ok := at.(*net.TCPAddr)
	if !ok || tcp.Port == 0 {
		return netip.AddrPort{}, false
	}
	given := tcp.AddrPort()
	return netip.AddrPortFrom(given.Addr().Unmap(), given.Port()), true
}

// claimPort listens at an address as the only one.
func claimPort(ctx context.Context, a ma.Multiaddr) (net.Listener, error) {
	network, at, err := manet.DialArgs(a)
	if err != nil {
		return nil, fmt.Errorf("claim %s: %w", a, err)
	}
	l, err := new(net.ListenConfig).Listen(ctx, network, at)
	if err != nil {
		return nil, err
	}
	if err := sharePort(l); err != nil {
		return nil, errors.Join(err, l.Close())
	}
	return l, nil
}
