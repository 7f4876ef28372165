package node

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/libp2p/go-libp2p/core/peer"
	"github.com/libp2p/go-libp2p/p2p/net/swarm"
)

// maxProblem bounds, in bytes, what is kept of an error: libp2p's has a part for each address that
// was dialed.
const maxProblem = 512

// contact is how a node gets on with a peer that leads it to others.
type contact struct {
	connected, dialing bool
	since              time.Time // when it was connected, if it is, else when it was heard of last
	failures           int       // dials in vain since
	// when it is dialed next; zero while it is connected or being dialed
	due     time.Time
	problem string // what the last dial failed at, in one line
}

// contact tells how it goes with a peer that leads into the public DHT.
func (r *rendezvous) contact(p peer.ID) contact {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.contacts[p]
}

func (r *rendezvous) note(p peer.ID, change func(*contact)) {
	r.mu.Lock()
	defer r.mu.Unlock()
	now := r.contacts[p]
	change(&now)
	r.contacts[p] = now
}

// ask dials a peer that leads into the public DHT. Not to have answered before another one did is
// no failure.
func (r *rendezvous) ask(ctx context.Context, at peer.AddrInfo) error {
	r.note(at.ID, func(c *contact) { c.dialing = true })
	err := r.host.Connect(ctx, at)
	r.note(at.ID, func(c *contact) {
		c.dialing = false
		switch {
		case err == nil:
			*c = contact{since: time.Now()}
		case errors.Is(ctx.Err(), context.Canceled):
		default:
			c.failures++
			// which says no more than that it failed before
			if c.problem == "" || !errors.Is(err, swarm.ErrDialBackoff) {
				c.problem = problemOf(err)
			}
		}
	})
	return err
}

// problemOf words what a dial failed at, in one line of bounded length: what was wrong with each
// address, without the peer ID that libp2p puts in front.
func problemOf(err error) string {
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
	return oneLine(strings.ReplaceAll(strings.Join(parts, "; "), context.DeadlineExceeded.Error(), "no answer in time"))
}

func oneLine(s string) string {
	s = strings.ToValidUTF8(strings.Join(strings.Fields(s), " "), "")
	if len(s) > maxProblem {
		s = strings.ToValidUTF8(s[:maxProblem], "") + "…"
	}
	return s
}
