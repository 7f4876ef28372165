package p2p

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/libp2p/go-libp2p/core/host"
	"github.com/libp2p/go-libp2p/core/network"
	"github.com/libp2p/go-libp2p/p2p/protocol/ping"
	"github.com/multiformats/go-multistream"

	"github.com/lf-store/lf/internal/supervisor"
)

// staleConnProber finds connections that are dead without knowing it, and ends them. A laptop that
// is carried elsewhere, or was asleep, has connections from an address that is no longer its own.
// The transports notice after 30 to 40 seconds. Until then libp2p takes them for the best ones, and
// dials nobody to whom it has one.
//
// So all direct connections are pinged when the machine's addresses have changed or it was asleep.
// The other side of such a connection learns nothing of that. But when its peer comes with a new
// connection it pings the old ones.
type staleConnProber struct {
	host   host.Host
	log    *slog.Logger
	slots  chan struct{}
	probes supervisor.Group

	mu     sync.Mutex
	probed map[string]bool // connections that are being pinged, by ID
}

func newStaleConnProber(h host.Host, log *slog.Logger) *staleConnProber {
	return &staleConnProber{host: h, log: log, slots: make(chan struct{}, probesAtOnce), probed: map[string]bool{}}
}

// run watches the machine and the connections until its context ends, and waits until nothing is
// pinged any more.
func (r *staleConnProber) run(ctx context.Context) error {
	bundle := &network.NotifyBundle{ConnectedF: func(_ network.Network, c network.Conn) { r.onConnected(c) }}
	r.host.Network().Notify(bundle)
	r.watch(ctx)
	r.host.Network().StopNotify(bundle)
	return errors.Join(r.probes.Close(), ctx.Err())
}

// watch looks at the machine's addresses and at the clock.
func (r *staleConnProber) watch(ctx context.Context) {
	here, last := whereNow("", interfaces), time.Now()
	for supervisor.Sleep(ctx, LookAround) == nil {
		now, there := time.Now(), whereNow(here, interfaces)
		if why := whyDoubt(here, there, now.Round(0).Sub(last.Round(0)), now.Sub(last)); why != "" {
			r.log.Info("looking which connections are left", "reason", why)
			r.probe(r.host.Network().Conns())
		}
		here, last = there, now
	}
}

// whereNow returns the machine's addresses. Where the system does not tell, for want of file
// descriptors most likely, they are those from before: that says nothing about a move.
func whereNow(before string, look func() (string, bool)) string {
	if now, known := look(); known {
		return now
	}
	return before
}

// whyDoubt says why connections may be dead, "" for no reason: other addresses than before, or a
// pause of the machine by its two clocks.
func whyDoubt(before, now string, wall, awake time.Duration) string {
	switch {
	case before != now && before != "":
		return "this machine's addresses have changed"
	case wasAsleep(wall, awake):
		return "this machine was asleep, or its clock was set ahead"
	}
	return ""
}

// interfaces are the machine's addresses in one text, whatever their order. They are not known
// where the system does not tell.
func interfaces() (text string, known bool) {
	addrs, err := net.InterfaceAddrs()
	if err != nil {
		return "", false
	}
	var texts []string
	for _, a := range addrs {
		texts = append(texts, a.String())
	}
	slices.Sort(texts)
	return strings.Join(texts, " "), true
}

// wasAsleep reports whether the clock on the wall went on between two looks while the machine's
// own, which stands still with it, did not.
func wasAsleep(wall, awake time.Duration) bool { return wall-awake > sleepLeast }

// onConnected has a peer's older connections pinged when it comes with another one.
func (r *staleConnProber) onConnected(c network.Conn) {
	if IsCircuit(c.RemoteMultiaddr()) {
		return // it says nothing about a direct one
	}
	others := r.host.Network().ConnsToPeer(c.RemotePeer())
	r.probe(slices.DeleteFunc(others, func(o network.Conn) bool { return o.ID() == c.ID() }))
}

// probe pings direct connections, and ends those that do not answer. Those through relays end with
// the one to the relay. It does not wait.
func (r *staleConnProber) probe(conns []network.Conn) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, c := range conns {
		if r.probed[c.ID()] || IsCircuit(c.RemoteMultiaddr()) {
			continue
		}
		r.probed[c.ID()] = r.probes.Go(func(ctx context.Context) error {
			defer r.forget(c)
			select {
			case r.slots <- struct{}{}:
				defer func() { <-r.slots }()
				r.probeConn(ctx, c)
			case <-ctx.Done():
			}
			return nil
		})
	}
}

func (r *staleConnProber) forget(c network.Conn) {
	r.mu.Lock()
	defer r.mu.Unlock()
	delete(r.probed, c.ID())
}

// probeConn pings one connection, and ends it if nobody answers.
func (r *staleConnProber) probeConn(ctx context.Context, c network.Conn) {
	err := pingOn(ctx, c, probeTime)
	if err == nil || ctx.Err() != nil || c.IsClosed() || answered(err) {
		return
	}
	r.log.Info("a connection is dead", "peer", c.RemotePeer(), "address", c.RemoteMultiaddr(), "error", err)
	_ = c.Close()
}

// answered reports whether an error shows that somebody was there to refuse: a peer that speaks no
// ping, or has no room for a stream.
func answered(err error) bool {
	var unknown multistream.ErrNotSupported[string]
	return errors.As(err, &unknown) || errors.Is(err, network.ErrReset) || errors.Is(err, network.ErrResourceLimitExceeded)
}

// pingOn pings over one connection: libp2p's own ping chooses one. The end of ctx looks like a
// reset of the peer's; that of the time does not.
func pingOn(ctx context.Context, c network.Conn, patience time.Duration) error {
	opening, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	s, err := c.NewStream(opening)
	if err != nil {
		return fmt.Errorf("open a stream: %w", err)
	}
	defer s.Reset() //nolint:errcheck // it is of no further use
	if err := errors.Join(s.SetProtocol(ping.ID), s.SetDeadline(time.Now().Add(patience))); err != nil {
		return fmt.Errorf("prepare a stream: %w", err)
	}
	stop := context.AfterFunc(ctx, func() { _ = s.Reset() })
	defer stop()
	if err := multistream.SelectProtoOrFail(string(ping.ID), s); err != nil {
		return fmt.Errorf("ping: %w", err)
	}
	sent, back := make([]byte, ping.PingSize), make([]byte, ping.PingSize)
	_, _ = rand.Read(sent) // never fails
	if _, err := s.Write(sent); err != nil {
		return fmt.Errorf("ping: %w", err)
	}
	if _, err := io.ReadFull(s, back); err != nil {
		return fmt.Errorf("ping: %w", err)
	}
	return nil
}
