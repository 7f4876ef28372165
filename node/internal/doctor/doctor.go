// Package doctor says in words what works in a node and what does not, and what to try next. It is
// pure: [Examine] makes findings of facts, and finds out nothing itself.
//
// A finding's state is a promise to the people who run a node by it. A failure is what only a
// person can mend and what makes the node useless or harmful meanwhile: a container is restarted by
// it. That others are away or cannot dial this node is none: it reads and writes on.
//
// Reading order: doctor.go; then the areas in the order of the findings: peers.go, authorities.go,
// reach.go, relays.go, meeting.go, records.go, machine.go; words.go.
package doctor

import (
	"fmt"
	"time"

	"github.com/lf-store/lf/node/api"
)

// young is for how long a node has just started: what is not known by then does not come by itself.
const young = 2 * time.Minute

// area looks at one area. It returns nil where the area does not matter to this node.
type area struct {
	name    string
	examine func(*facts) *api.Finding
}

// areas are all areas in the order of their findings: from what everything else rests on to what is
// of this machine alone.
func areas() []area {
	return []area{
		{"network", (*facts).network},
		{"identity", (*facts).identity},
		{"authorities", (*facts).authorities},
		{"peers", (*facts).peers},
		{"seeds", (*facts).seeds},
		{"reach", (*facts).reach},
		{"transports", (*facts).transports},
		{"router", (*facts).router},
		{"relays", (*facts).relays},
		{"punching", (*facts).punching},
		{"relaying", (*facts).relaying},
		{"dht", (*facts).dht},
		{"rendezvous", (*facts).rendezvous},
		{"mdns", (*facts).mdns},
		{"gossip", (*facts).gossip},
		{"sync", (*facts).sync},
		{"clock", (*facts).clock},
		{"dates", (*facts).dates},
		{"conduct", (*facts).conduct},
		{"drops", (*facts).drops},
		{"files", (*facts).files},
		{"disk", (*facts).disk},
		{"damage", (*facts).damage},
	}
}

// facts are what is examined.
type facts struct{ *api.Facts }

// Examine makes findings of facts: at most one for each area, always in the same order.
func Examine(f *api.Facts) []api.Finding {
	var findings []api.Finding
	for _, a := range areas() {
		if found := a.examine(&facts{f}); found != nil {
			found.Area = a.name
			findings = append(findings, *found)
		}
	}
	return findings
}

// young reports whether the node has just started.
func (f *facts) young() bool { return f.running() < young }

func (f *facts) running() time.Duration { return duration(f.RunningMS) }

// far reports whether the node has to do with other machines.
func (f *facts) far() bool { return !f.Offline && f.Profile != profileLocal }

// The profiles.
const (
	profileDefault = "default"
	profileServer  = "server"
	profileLocal   = "local"
)

func ok(format string, args ...any) *api.Finding {
	return &api.Finding{State: api.FindingOK, Text: fmt.Sprintf(format, args...)}
}

// note makes a finding of what is not known yet, or as the node was told to be.
func note(advice, format string, args ...any) *api.Finding {
	return &api.Finding{State: api.FindingNote, Text: fmt.Sprintf(format, args...), Advice: advice}
}

// warning makes one of what does not work as it could.
func warning(advice, format string, args ...any) *api.Finding {
	return &api.Finding{State: api.FindingWarning, Text: fmt.Sprintf(format, args...), Advice: advice}
}

// failure makes one of what has to be mended.
func failure(advice, format string, args ...any) *api.Finding {
	return &api.Finding{State: api.FindingFailure, Text: fmt.Sprintf(format, args...), Advice: advice}
}
