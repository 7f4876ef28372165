package p2p

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/libp2p/go-libp2p/core/peer"
	"github.com/libp2p/go-libp2p/p2p/net/swarm"

	"github.com/lf-store/lf/node/api"
)

// maxProblem bounds, in bytes, what is kept of an error: libp2p's has a part for each address that
// was dialed.
const maxProblem = 512

// DialHistory is how dials of a peer went that leads the node to others.
type DialHistory struct {
	Connected, Dialing bool
	Since              time.Time // when it was connected, if it is, else when it was heard of last
	Failures           int       // failed dials since
	Due                time.Time // of the next dial; zero while it is connected or being dialed
	Problem            string    // what the last dial failed at, in one line
}

// Seed shows the history of a peer as the API does.
func (d *DialHistory) Seed(kind string, at peer.AddrInfo) api.Seed {
	return api.Seed{
		Kind: kind, Peer: at.ID.String(), Addresses: addrStrings(at.Addrs), State: d.state(),
		Since: api.Millis(d.Since), Failures: d.Failures, NextDial: api.Millis(d.Due), Error: d.Problem,
	}
}

func (d *DialHistory) state() string {
	switch {
	case d.Connected:
		return api.SeedConnected
	case d.Dialing:
		return api.SeedDialing
	case d.Problem != "":
		return api.SeedFailing
	}
	return api.SeedWaiting
}

// DialProblem says in one line of bounded length why a dial failed. It tells what was wrong with
// each address, without the peer ID that libp2p puts in front.
func DialProblem(err error) string {
	var dialed *swarm.DialError
	var parts []string
	switch {
	case err == nil:
		return "it answered, and the connection ended at once"
	case errors.As(err, &dialed):
		for _, e := range dialed.DialErrors {
			parts = append(parts, fmt.Sprintf("%s: %v", e.Address, e.Cause))
		}
	}
	if len(parts) == 0 {
		parts = []string{err.Error()}
	}
	return OneLine(strings.ReplaceAll(strings.Join(parts, "; "), context.DeadlineExceeded.Error(), "no answer in time"))
}

// OneLine makes one line of bounded length of a text.
func OneLine(s string) string {
	s = strings.ToValidUTF8(strings.Join(strings.Fields(s), " "), "")
	if len(s) > maxProblem {
		s = strings.ToValidUTF8(s[:maxProblem], "") + "…"
	}
	return s
}
