package doctor

import (
	"fmt"
	"strings"

	"github.com/lf-store/lf/internal/text"
	"github.com/lf-store/lf/node/api"
)

// conduct is about peers that were sent away.
func (f *facts) conduct() *api.Finding {
	s := f.Banned
	if f.Offline || s.Count == 0 {
		return nil
	}
	var ids []string
	longest := uint64(0)
	for _, p := range s.Peers {
		ids, longest = append(ids, p.Peer), max(longest, p.Until)
	}
	for len(ids) < s.Count {
		ids = append(ids, "") // counted, not named
	}
	return note("nothing, unless one of them is yours: then bring its software up to date and see its log",
		"%s did not behave, refused for up to %s: %s", peersText(s.Count), text.Duration(f.until(longest)), shorts(ids))
}

func (f *facts) drops() *api.Finding {
	var total, lately uint64
	var queues []string
	for _, d := range f.Drops {
		total += d.Count
		if d.Lately > 0 {
			lately += d.Lately
			queues = append(queues, fmt.Sprintf("%d from %s", d.Lately, d.Queue))
		}
	}
	switch {
	case total == 0:
		return ok("no queue was full")
	case lately == 0:
		return ok("no queue was full in the last 10 minutes, and %d dropped before", total)
	}
	return warning("see whether this machine's processor or disk is busy with something else; what was dropped is fetched again later",
		"queues were full in the last 10 minutes and dropped %s", strings.Join(queues, ", "))
}

// files is about file descriptors: without them a node accepts no connection, and cannot even look
// where it is.
func (f *facts) files() *api.Finding {
	const advice = "raise the limit (LimitNOFILE= of a service, ulimit -n in a shell) and start the node again; lf peers lists the connected peers"
	switch d := f.Files; {
	case !d.Known || d.Limit == 0 || d.Open < d.Limit-d.Limit/10:
		return nil
	case d.Open >= d.Limit:
		return warning(advice, "all %d file descriptors are in use: no connection is accepted or dialed", d.Limit)
	default:
		return warning(advice, "%d of %d file descriptors are in use; without any left no connection is accepted or dialed", d.Open, d.Limit)
	}
}

// leastFree is when to look for room, and noneFree when the disk is nearly full: SQLite's log alone
// takes some MiB.
const (
	leastFree = 1 << 30
	noneFree  = 64 << 20
)

// unwritable is about a write that failed and was followed by none that did not. Where there is
// room by now, the next one will tell.
func (f *facts) unwritable() *api.Finding {
	d := f.Disk
	const room = "make room where the node's home is, or move the home to a larger disk. A quota or a limit of file sizes (ulimit -f) counts, too"
	ago := text.Duration(f.since(d.Failed))
	switch {
	case !d.Full:
		return failure("see the node's log and the system's (dmesg): the disk may be broken, or mounted to be read only",
			"records are not stored: a write failed %s ago (%s)", ago, d.Problem)
	case d.Known && d.Free >= noneFree:
		return warning(room, "a write failed %s ago for want of room, and nothing was written since; %s free now, the database has %s", ago, text.Size(d.Free), text.Size(d.Database))
	default:
		return failure(room, "full: records are not stored, a write failed %s ago; the database has %s", ago, text.Size(d.Database))
	}
}

func (f *facts) disk() *api.Finding {
	d := f.Disk
	const advice = "make room where the node's home is, or move the home to a larger disk: everybody's records are kept there"
	switch {
	case d.Problem != "":
		return f.unwritable()
	case !d.Known:
		return note("see yourself that there is room where the node's home is",
			"how much is free is not known on this system; the database has %s", text.Size(d.Database))
	case d.Free < noneFree:
		return warning(advice, "nearly full: %s free, the database has %s; records are stored as long as they fit", text.Size(d.Free), text.Size(d.Database))
	case d.Free < leastFree:
		return warning(advice, "%s free, the database has %s", text.Size(d.Free), text.Size(d.Database))
	}
	return ok("%s free, the database has %s", text.Size(d.Free), text.Size(d.Database))
}

// damage is about what the disk has changed of the database. That it does so is for a person to see
// to, whatever was repaired.
func (f *facts) damage() *api.Finding {
	d := f.Damage
	const advice = "see to this machine's disk and memory (smartctl -a, the kernel's log); a disk that damages once does so again"
	switch {
	case len(d.Problems) > 0:
		return failure("stop the node and run lf check; restore the home from a backup, or move lf.db away and let the node fetch everything again",
			"the disk damaged what cannot be repaired: %s", strings.Join(d.Problems, "; "))
	case d.Unavailable > 0 && f.Offline:
		return failure("run the node online, so that it can fetch them from others; "+advice, "the disk damaged %s: %s", text.Count(d.Unavailable, "record", "records"), idsText(d.Records, d.Unavailable))
	case d.Unavailable > 0:
		return failure("run a node from a backup of this home, or any node that has them: this one asks each peer again every 10 minutes; "+advice,
			"the disk damaged %s that no peer has: %s", text.Count(d.Unavailable, "record", "records"), idsText(d.Records, d.Unavailable))
	case d.Repairing > 0:
		return failure("wait, each peer is asked; "+advice, "the disk damaged %s, which the node is fetching from its peers: %s",
			text.Count(d.Repairing, "record", "records"), idsText(d.Records, d.Repairing))
	case d.Repaired > 0 || d.Rows > 0:
		return warning(advice, "the disk damaged %s and %s of indices; all are repaired",
			text.Count(int(d.Repaired), "record", "records"), text.Count(int(d.Rows), "row", "rows"))
	}
	return nil
}

// idsText names the first of count records, and counts the others.
func idsText[ID fmt.Stringer](known []ID, count int) string {
	var ids []string
	for _, id := range known[:min(len(known), count)] {
		ids = append(ids, id.String())
	}
	if more := count - len(ids); more > 0 {
		ids = append(ids, fmt.Sprintf("and %d more", more))
	}
	return strings.Join(ids, ", ")
}
