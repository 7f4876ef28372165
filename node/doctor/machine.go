package doctor

import (
	"fmt"
	"strings"

	"github.com/lf-store/lf/node/api"
)

// conduct is about peers that were sent away.
func (f *facts) conduct() *api.Finding {
	s := f.Shunned
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
		"%s did not behave, refused for up to %s: %s", peersText(s.Count), roughly(f.until(longest)), shorts(ids))
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

// leastFree is when to look for room, and noneFree when SQLite cannot do its work any more: its journal alone takes some MiB.
const (
	leastFree = 1 << 30
	noneFree  = 64 << 20
)

func (f *facts) disk() *api.Finding {
	d := f.Disk
	const advice = "make room where the node's home is, or move the home to a larger disk: everybody's records are kept there"
	switch {
	case !d.Known:
		return note("see yourself that there is room where the node's home is",
			"how much is free is not known on this system; the database has %s", sizeText(d.Database))
	case d.Free < noneFree:
		return failure(advice, "full: %s free, the database has %s; records are not stored any more", sizeText(d.Free), sizeText(d.Database))
	case d.Free < leastFree:
		return warning(advice, "%s free, the database has %s", sizeText(d.Free), sizeText(d.Database))
	}
	return ok("%s free, the database has %s", sizeText(d.Free), sizeText(d.Database))
}
