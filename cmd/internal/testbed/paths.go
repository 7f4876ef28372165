package testbed

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/lf-store/lf/node/api"
)

// PathReport is how one node reaches another in the end: directly, through a hole punched, or
// relayed.
type PathReport struct {
	From      string `json:"from"`
	To        string `json:"to"`
	Path      string `json:"path"`
	Transport string `json:"transport"`
}

// pathsFrom asks a node how it reaches others. The answer is by their names, nil while it is down.
func (r *runner) pathsFrom(ctx context.Context, name string) (map[string]api.Peer, error) {
	client := r.nodes[name].api()
	if client == nil {
		return nil, nil
	}
	peers, err := api.AllPeers(ctx, client)
	if err != nil {
		return nil, fmt.Errorf("ask %s for its peers: %w", name, err)
	}
	known := map[string]api.Peer{}
	for _, n := range r.scenario.Nodes {
		i := slices.IndexFunc(peers, func(p api.Peer) bool { return p.ID == r.nodes[n.Name].machine.peer() })
		if i >= 0 {
			known[n.Name] = peers[i]
		}
	}
	return known, nil
}

// paths reports whether each of some nodes reaches each of others through relays alone, or
// directly.
func (r *runner) paths(ctx context.Context, nodes, others []string, relayed bool) (detail, wrong string, err error) {
	var texts []string
	for _, name := range nodes {
		known, err := r.pathsFrom(ctx, name)
		if err != nil {
			return "", "", err
		}
		for _, other := range others {
			p, connected := known[other]
			switch {
			case other == name:
			case !connected:
				return "", fmt.Sprintf("%s is not connected to %s", name, other), nil
			case relayed != (p.Path == api.PathRelayed):
				return "", fmt.Sprintf("%s reaches %s %s", name, other, pathText(p)), nil
			default:
				texts = append(texts, fmt.Sprintf("%s–%s %s", name, other, pathText(p)))
			}
		}
	}
	return strings.Join(texts, ", "), "", nil
}

func pathText(p api.Peer) string {
	return p.Path + " over " + p.Transport
}

// notePaths reports how the nodes that run reach each other, in a scenario with routers.
func (r *runner) notePaths(ctx context.Context, running []string) {
	if len(r.scenario.Routers) == 0 {
		return
	}
	var all []PathReport
	for _, from := range running {
		known, err := r.pathsFrom(ctx, from)
		if err != nil {
			continue // it may be ending just now
		}
		for _, to := range r.scenario.names() {
			if p, connected := known[to]; connected {
				all = append(all, PathReport{from, to, p.Path, p.Transport})
			}
		}
	}
	r.update(func() { r.report.Paths = all })
}

// pathTable has a row for each node: how it reaches the others.
func (r *Report) pathTable() string {
	if len(r.Paths) == 0 {
		return ""
	}
	rows := [][]string{{"from \\ to"}}
	for _, n := range r.Nodes {
		rows[0] = append(rows[0], n.Name)
	}
	for _, from := range r.Nodes {
		row, any := []string{from.Name}, false
		for _, to := range r.Nodes {
			i := slices.IndexFunc(r.Paths, func(p PathReport) bool { return p.From == from.Name && p.To == to.Name })
			if i < 0 {
				row = append(row, "–")
				continue
			}
			row, any = append(row, r.Paths[i].Path+" "+r.Paths[i].Transport), true
		}
		if any {
			rows = append(rows, row)
		}
	}
	return "\n" + columns(rows, "")
}
