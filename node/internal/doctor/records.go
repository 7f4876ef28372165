package doctor

import (
	"fmt"
	"time"

	"github.com/lf-store/lf/internal/text"
	"github.com/lf-store/lf/node/api"
)

func (f *facts) gossip() *api.Finding {
	g := f.Gossip
	switch {
	case f.Offline || f.Peers.Network == 0:
		return nil
	case g.Mesh > 0:
		return ok("%d of %s in the mesh", g.Mesh, peersText(g.Peers))
	case f.Peers.Network == f.Peers.Relayed:
		return ok("nobody to gossip with: new records are pushed through the relay")
	case f.young():
		return note(soon, "the mesh is empty yet")
	}
	return warning("start the node again; if that does not help, report what lf doctor --json writes, here and on a peer",
		"the mesh is empty, though %s connected: new records come by comparing only, minutes late", text.Count(f.Peers.Network, "peer is", "peers are"))
}

// agreeAgain is how often a node that is well agrees with some peer, with as much to spare again.
const agreeAgain = 15 * time.Minute

func (f *facts) sync() *api.Finding {
	s := f.Sync
	agreeing := fmt.Sprintf("%d of %s agree, %d missing", s.Agreeing, peersText(s.Peers), s.Missing)
	late := f.running() > agreeAgain && (s.AgreedAt == 0 || f.since(s.AgreedAt) > agreeAgain)
	const stuck = "see lf status --wait-synced=1m and the node's log; a peer that lags or is cut off looks the same from here: lf peers"
	switch {
	case s.State == api.SyncOffline || s.State == api.SyncAlone:
		return nil
	case late && s.AgreedAt == 0:
		return warning(stuck, "not in sync: %s; no peer has agreed since the start", agreeing)
	case late:
		return warning(stuck, "not in sync: %s; the last agreement was %s ago", agreeing, text.Duration(f.since(s.AgreedAt)))
	case s.State == api.SyncSynced:
		return ok("in sync: %s", agreeing)
	case s.State == api.SyncFetching:
		return note("wait, lf status shows how far it is", "fetching: %d missing, %s under way", s.Missing, text.Count(s.Fetches, "request", "requests"))
	}
	return note("wait, or have it compare now: lf status --wait-synced=1m", "comparing: %s", agreeing)
}

// clockVoices is how many peers must say that this node's clock is wrong for it to be a failure. A
// single peer may itself be wrong.
const clockVoices = 2

func (f *facts) clock() *api.Finding {
	c := f.Clock
	off := duration(uint64(max(c.OffsetMS, -c.OffsetMS))) // not negative
	sure := max(off-duration(uint64(max(c.ErrorMS, 0))), 0)
	drift := duration(c.DriftMS)
	const set = "set this machine's clock and have it kept by NTP, for example with timedatectl set-ntp true"
	switch {
	case f.Offline || c.Peers == 0 && f.Peers.Network == 0:
		return nil
	case c.Peers == 0 && c.Silent > 0:
		return note("connect to other nodes, or compare this machine's clock with another one",
			"not known: of %s none told the time", peersText(c.Silent))
	case c.Peers == 0:
		return note(soon, "not known yet: peers are asked some seconds after they came")
	case sure <= drift/2:
		return ok("within %s of %s", text.Duration(off+duration(uint64(max(c.ErrorMS, 0)))), clocksText(c.Peers))
	case sure <= drift:
		return warning(set, "%s; the network allows %s", f.offText(off), text.Duration(drift))
	case c.Peers < clockVoices:
		return warning(set+"; or set the peer's, if that is the one that is wrong", "%s: %s", f.offText(off), f.offHarm())
	}
	return failure(set, "%s: %s", f.offText(off), f.offHarm())
}

// dates is about records that are dated ahead of this node's clock. They are left out of
// comparisons, so the node is in sync without them. If most peers hold some, it is this clock that
// is wrong.
func (f *facts) dates() *api.Finding {
	s := f.Sync
	const set = "see that this machine's clock is right and kept by NTP, for example with timedatectl set-ntp true"
	switch {
	case f.Offline || s.OwnAhead == 0 && s.AheadPeers == 0:
		return nil
	case s.OwnAhead > 0:
		return warning(set, "%s here and dated ahead of this clock: it was set back, or is behind", text.Count(int(s.OwnAhead), "record is", "records are"))
	case 2*s.AheadPeers > s.Peers && s.Peers >= clockVoices:
		return warning(set, "%d of %s hold records dated ahead of this clock, %d in the middle: this clock may be behind", s.AheadPeers, peersText(s.Peers), s.Ahead)
	}
	return note("nothing to do here: such a record comes when its time has come; its writer's clock was wrong",
		"%d of %s %s dated ahead of this clock: %d in the middle, left out until their time has come", s.AheadPeers, peersText(s.Peers), holds(s.AheadPeers), s.Ahead)
}

func holds(peers int) string {
	if peers == 1 {
		return "holds records"
	}
	return "hold records"
}

func clocksText(peers int) string {
	if peers == 1 {
		return "a peer's clock"
	}
	return fmt.Sprintf("the clocks of %d peers (their median)", peers)
}

// offText says how this node's clock stands to its peers'.
func (f *facts) offText(off time.Duration) string {
	side := "behind"
	if f.Clock.OffsetMS < 0 {
		side = "ahead of"
	}
	return fmt.Sprintf("this clock is %s %s %s", text.Duration(off), side, clocksText(f.Clock.Peers))
}

// offHarm says what comes of it.
func (f *facts) offHarm() string {
	if f.Clock.OffsetMS < 0 {
		return "what is written here is not passed on until its time has come"
	}
	return "what others write is held here, and answered late"
}
