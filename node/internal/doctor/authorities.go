package doctor

import (
	"fmt"
	"time"

	"github.com/lf-store/lf/internal/text"
	"github.com/lf-store/lf/node/api"
)

// authoritySoon is how long before its end an authority is spoken of. Another network, and
// everybody's move there, takes time.
const authoritySoon = 90 * 24 * time.Hour

// authorities is about the network's own: they are in its genesis, and end when their certificates
// do.
func (f *facts) authorities() *api.Finding {
	const renew = "an authority is part of the network's genesis and cannot be renewed: make a network with new ones (lf network new --authority) and move there in time"
	if len(f.Authorities) == 0 {
		return nil
	}
	var valid, soon, over []string
	first := uint64(0) // when the first of the valid ones ends
	for _, a := range f.Authorities {
		switch {
		case a.NotAfter < f.Now:
			over = append(over, fmt.Sprintf("%s (expired %s ago)", a.Name, text.Duration(f.since(a.NotAfter))))
			continue
		case f.Now < a.NotBefore:
			over = append(over, fmt.Sprintf("%s (valid in %s)", a.Name, text.Duration(f.until(a.NotBefore))))
			continue
		case f.until(a.NotAfter) < authoritySoon:
			soon = append(soon, fmt.Sprintf("%s (in %s)", a.Name, text.Duration(f.until(a.NotAfter))))
		}
		valid = append(valid, a.Name)
		if first == 0 || a.NotAfter < first {
			first = a.NotAfter
		}
	}
	switch all := text.Count(len(f.Authorities), "authority", "authorities"); {
	case len(valid) == 0 && f.AuthRequired:
		return failure(renew, "of %s none is valid now, and this network takes records of certified owners only: nothing can be written; %s", all, text.List(most(over)))
	case len(valid) == 0:
		return warning(renew, "of %s none is valid now: nobody is certified any more, and everybody pays the full price; %s", all, text.List(most(over)))
	case len(over) > 0:
		return warning(renew, "only %d of %s valid now: not %s", len(valid), all, text.List(most(over)))
	case len(soon) > 0:
		return warning(renew, "of %s some expire soon: %s", all, text.List(most(soon)))
	default:
		return ok("%s, valid for %s at least", all, text.Duration(f.until(first)))
	}
}

// most shortens a list to what a line has room for.
func most(list []string) []string {
	const few = 3
	if n := len(list) - few; n > 0 {
		list = append(list[:few:few], fmt.Sprintf("%d more", n))
	}
	return list
}
