package p2p

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"syscall"

	ma "github.com/multiformats/go-multiaddr"
)

// Listen makes the host reachable. Addresses that the user gave must all work. Of the profile's own
// addresses, those of IPv6 need not, because many machines have none. Where another process
// listens already, Listen fails. A host that is reached through relays alone listens nowhere.
func (h *Host) Listen(ctx context.Context, given []string) error {
	if h.testbed.behindRelay() {
		return nil
	}
	texts := given
	if len(given) == 0 {
		texts = h.config.Profile.listenOn(h.config.Secret != nil)
	}
	var addrs []ma.Multiaddr
	for _, s := range texts {
		addr, err := parseListen(s, h.config.Profile)
		if err != nil {
			return err
		}
		addrs = append(addrs, addr)
	}
	release, err := claimPorts(ctx, addrs)
	if err != nil {
		return err
	}
	defer release()
	return h.listenAll(addrs, len(given) == 0)
}

// listenAll listens at addresses. Those of IPv6 may fail if optional6.
func (h *Host) listenAll(addrs []ma.Multiaddr, optional6 bool) error {
	swarm, ok := h.Network().(interface{ AddListenAddr(a ma.Multiaddr) error })
	if !ok {
		return fmt.Errorf("libp2p's network is a %T, which cannot listen", h.Network())
	}
	for _, addr := range addrs {
		err := swarm.AddListenAddr(addr)
		if optional6 && isIP6(addr) && !errors.Is(err, syscall.EADDRINUSE) {
			continue
		}
		if err != nil {
			return listenError(addr.String(), err)
		}
	}
	return nil
}

func parseListen(s string, p Profile) (ma.Multiaddr, error) {
	addr, err := ma.NewMultiaddr(s)
	if err != nil {
		return nil, fmt.Errorf("listen address %q is not a multiaddr, such as /ip4/0.0.0.0/tcp/%d: %w", s, Port, err)
	}
	if p == ProfileLocal {
		if err := p.checkAddress(addr); err != nil {
			return nil, err
		}
	}
	return addr, nil
}

func isIP6(addr ma.Multiaddr) bool {
	ip, ok := IPOf(addr)
	return ok && ip.Is6()
}

// listenError says in one line why an address cannot be listened on.
func listenError(addr string, err error) error {
	if errors.Is(err, syscall.EADDRINUSE) {
		return fmt.Errorf("cannot listen on %s: another program uses that port (another node?); stop it, or choose another port with --listen", addr)
	}
	return fmt.Errorf("cannot listen on %s: %s", addr, strings.Join(strings.Fields(err.Error()), " "))
}
