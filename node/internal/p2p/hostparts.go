package p2p

import (
	"github.com/lf-store/lf/internal/supervisor"
	"github.com/lf-store/lf/node/api"
)

// Start has a supervisor run what a host does all the time. It measures latencies, ends dead
// connections, and has second tries at hole punching.
func (h *Host) Start(s *supervisor.Supervisor) error {
	pinger, err := newPinger(h)
	if err != nil {
		return err
	}
	s.Start("pinger", pinger.run)
	s.Start("stale connections", h.prober.run)
	// Hosts of other profiles can be dialed, or punch no holes.
	if h.config.Profile == ProfileDefault && !h.testbed.behindRelay() {
		s.Start("hole punches", newHolePunchRetrier(h, h.Speaks, punchRetryAfter, h.config.Logger).run)
	}
	if h.testbed.behindRelay() {
		s.Start("relays", h.testbed.run)
	}
	return nil
}

// ProbeConns pings all direct connections, and ends those that do not answer. It does not wait.
func (h *Host) ProbeConns() { h.prober.probe(h.Network().Conns()) }

// reachChanged tells the log when it turns out whether others can dial this node.
func (h *Host) reachChanged() func(reachFacts) {
	was := api.ReachUnknown
	return func(f reachFacts) {
		// others are told, and do not find out
		if f.Reachability != was && h.config.Profile == ProfileDefault {
			was = f.Reachability
			h.config.Logger.Info("reachability has changed: whether others can dial this node", "reachability", was)
		}
	}
}
