package testbed

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/lf-store/lf"
	"github.com/lf-store/lf/internal/text"
	"github.com/lf-store/lf/node/api"
)

// retryInterval is the pause before an expectation that is not true yet is checked again.
const retryInterval = 100 * time.Millisecond

// check is one thing that an expectation wants.
type check struct {
	what string
	// holds reports why the check fails in wrong, "" if it holds. detail then says how well.
	holds func(ctx context.Context) (detail, wrong string, err error)
}

// expect waits until everything expected is true, all at once.
func (r *runner) expect(ctx context.Context, i int, e Expect) error {
	checks := r.checks(i, e)
	begun := r.now()
	taken := map[string]float64{}
	for {
		var wrong []string
		texts := map[string]string{}
		for _, c := range checks {
			text, why, err := c.holds(ctx)
			if err != nil && !lf.IsAway(err) {
				return err
			}
			if err != nil {
				why = err.Error()
			}
			if why != "" {
				wrong = append(wrong, c.what+": "+why)
				delete(taken, c.what)
				continue
			}
			texts[c.what] = text
			if _, ok := taken[c.what]; !ok {
				taken[c.what] = (r.now() - r.lastActionEnded()).Seconds()
			}
		}
		if len(wrong) == 0 {
			r.confirm(i, checks, texts, taken)
			return nil
		}
		if r.now()-begun > e.Within {
			return errors.New("not within " + e.Within.String() + ": " + strings.Join(wrong, "; "))
		}
		if err := sleep(ctx, retryInterval); err != nil {
			return fmt.Errorf("%w (so far: %s)", err, strings.Join(wrong, "; "))
		}
	}
}

// lastActionEnded is when the last step that did something had ended.
func (r *runner) lastActionEnded() (at time.Duration) {
	r.update(func() { at = r.lastActionEnd })
	return at
}

// confirm reports what came true.
func (r *runner) confirm(i int, checks []check, texts map[string]string, taken map[string]float64) {
	r.update(func() {
		for _, c := range checks {
			r.report.Steps[i].Checks = append(r.report.Steps[i].Checks, CheckReport{c.what, texts[c.what], max(0, taken[c.what])})
		}
	})
}

// checks are what an expectation wants, the cheap ones first.
func (r *runner) checks(i int, e Expect) []check {
	var all []check
	add := func(wanted bool, what string, holds func(context.Context) (string, string, error)) {
		if wanted {
			all = append(all, check{what, holds})
		}
	}
	add(len(e.Connected) > 0, "connected", func(ctx context.Context) (string, string, error) { return r.connected(ctx, e.Nodes, e.Connected, true) })
	add(len(e.Dropped) > 0, "dropped", func(ctx context.Context) (string, string, error) { return r.connected(ctx, e.Nodes, e.Dropped, false) })
	add(len(e.Direct) > 0, "direct", func(ctx context.Context) (string, string, error) { return r.paths(ctx, e.Nodes, e.Direct, false) })
	add(len(e.Relayed) > 0, "relayed", func(ctx context.Context) (string, string, error) { return r.paths(ctx, e.Nodes, e.Relayed, true) })
	add(e.Apart, "apart", func(context.Context) (string, string, error) { return r.apart(e.Nodes) })
	add(e.Synced, "synced", func(context.Context) (string, string, error) { return r.synced(e.Nodes) })
	add(e.Converged, "converged", func(ctx context.Context) (string, string, error) { return r.converged(ctx, i, e.Nodes) })
	add(e.NothingLost, "nothing lost", func(ctx context.Context) (string, string, error) { return r.nothingLost(ctx, e.Nodes) })
	add(e.SameAnswers, "same answers", func(ctx context.Context) (string, string, error) { return r.sameAnswers(ctx, e.Nodes) })
	add(len(e.Alive) > 0, "alive", func(ctx context.Context) (string, string, error) { return r.alive(ctx, e.Nodes, e.Alive, true) })
	add(len(e.Lapsed) > 0, "lapsed", func(ctx context.Context) (string, string, error) { return r.alive(ctx, e.Nodes, e.Lapsed, false) })
	add(e.Bytes != nil, "bytes", func(ctx context.Context) (string, string, error) { return r.bytes(ctx, e.Nodes, e.Bytes) })
	add(e.Memory > 0, "memory", func(context.Context) (string, string, error) { return r.memory(e.Nodes, e.Memory) })
	return all
}

// groups divides nodes into sets that can reach each other, directly or through others.
func (r *runner) groups(nodes []string) (groups [][]string) {
	for _, g := range r.reach(r.running()) {
		g = slices.DeleteFunc(g, func(name string) bool { return !slices.Contains(nodes, name) })
		if len(g) > 0 {
			groups = append(groups, g)
		}
	}
	return groups
}

// converged reports whether nodes that can reach each other have the same records. Among these must
// be all that were acknowledged there.
func (r *runner) converged(ctx context.Context, step int, nodes []string) (detail, wrong string, err error) {
	if down := r.firstDown(nodes); down != "" {
		return "", down, nil
	}
	groups := r.groups(nodes)
	for _, g := range groups {
		if wrong := r.statusDiffers(g); wrong != "" {
			return "", wrong, nil
		}
	}
	if err := r.readAttached(ctx, nodes); err != nil { // their status is the same: now compare IDs
		return "", "", err
	}
	for _, g := range groups {
		there := map[string]bool{}
		for _, name := range g {
			there[name] = true
		}
		for _, name := range g {
			if n := r.ledger.lacks(name, there); n > 0 {
				return "", fmt.Sprintf("%s lacks %s acknowledged by nodes that it can reach", name, records(n)), nil
			}
			if n := r.ledger.differ(g[0], name); n > 0 {
				return "", fmt.Sprintf("%s and %s differ in %s", g[0], name, records(n)), nil
			}
		}
	}
	r.noteConverged(step, nodes)
	return fmt.Sprintf("%s in %s", text.Count(len(nodes), "node", "nodes"), text.Count(len(groups), "group", "groups")), "", nil
}

// firstDown names a node that should run and does not.
func (r *runner) firstDown(nodes []string) string {
	for _, name := range nodes {
		if !r.nodes[name].isUp() {
			return name + " does not run"
		}
	}
	return ""
}

// statusDiffers says how the nodes' own status differs, "" if it does not.
func (r *runner) statusDiffers(nodes []string) string {
	first, _ := r.nodes[nodes[0]].lastStatus()
	for _, name := range nodes[1:] {
		other, _ := r.nodes[name].lastStatus()
		switch {
		case other.attached != first.attached:
			return fmt.Sprintf("%s has %s, %s has %d", nodes[0], recordsOf(first.attached), name, other.attached)
		case other.fingerprint != first.fingerprint:
			return fmt.Sprintf("%s and %s have %s each, but not the same ones", nodes[0], name, recordsOf(first.attached))
		}
	}
	return ""
}

// noteConverged notes for every node when it had the last record.
func (r *runner) noteConverged(step int, nodes []string) {
	since := r.lastActionEnded()
	r.update(func() {
		report := r.report.Steps[step]
		report.Nodes = nil
		for _, name := range nodes {
			took := max(0, (r.nodes[name].lastGain() - since).Seconds())
			report.Nodes = append(report.Nodes, &NodeStep{Node: name, Converged: &took})
		}
	})
}

// apart reports whether every two groups have different records.
func (r *runner) apart(nodes []string) (detail, wrong string, err error) {
	groups := r.groups(nodes)
	for i, g := range groups {
		for _, h := range groups[:i] {
			a, _ := r.nodes[g[0]].lastStatus()
			b, _ := r.nodes[h[0]].lastStatus()
			if a.attached == b.attached && a.fingerprint == b.fingerprint && r.ledger.differ(g[0], h[0]) == 0 {
				return "", fmt.Sprintf("%s and %s have the same %s", h[0], g[0], recordsOf(a.attached)), nil
			}
		}
	}
	return groupsText(groups), "", nil
}

func (r *runner) synced(nodes []string) (detail, wrong string, err error) {
	for _, name := range nodes {
		if now, _ := r.nodes[name].lastStatus(); now.state != api.SyncSynced {
			return "", fmt.Sprintf("%s says that it is %q", name, now.state), nil
		}
	}
	return "by their own word", "", nil
}

func (r *runner) nothingLost(ctx context.Context, nodes []string) (detail, wrong string, err error) {
	if err := r.readAttached(ctx, nodes); err != nil {
		return "", "", err
	}
	for _, name := range nodes {
		if n := r.ledger.lacks(name, nil); n > 0 {
			return "", fmt.Sprintf("%s lacks %s", name, records(n)), nil
		}
	}
	n, _ := r.ledger.totals()
	return "all " + records(n), "", nil
}

// bytes reports whether each node has received no more than it may.
func (r *runner) bytes(ctx context.Context, nodes []string, b *Bytes) (detail, wrong string, err error) {
	r.refresh(ctx, nodes)
	if err := r.readAttached(ctx, nodes); err != nil {
		return "", "", err
	}
	var texts []string
	r.update(func() {
		for _, name := range nodes {
			n := r.nodeStep(name, b.Since)
			most, why := b.Most, text.Size(b.Most)
			if limit := uint64(b.Factor*float64(n.Least)) + b.Slack; b.Factor > 0 && (most == 0 || limit < most) {
				most, why = limit, fmt.Sprintf("%s %s", factorText(b), text.Size(n.Least))
			}
			if n.In > most && wrong == "" {
				wrong = fmt.Sprintf("%s has received %s, which is not %s", name, text.Size(n.In), why)
			}
			texts = append(texts, name+" "+ratio(n.In, n.Least))
		}
	})
	return strings.Join(texts, ", "), wrong, nil
}

// ratio compares what came in with the least that was needed.
func ratio(in, least uint64) string {
	if least == 0 {
		return text.Size(in)
	}
	return fmt.Sprintf("%s (%.2f ×)", text.Size(in), float64(in)/float64(least))
}

// connected reports whether each of some nodes is connected to each of others, or, if not wanted,
// to none of them. A node that has banned a hostile one already was connected to it.
func (r *runner) connected(ctx context.Context, nodes, others []string, wanted bool) (detail, wrong string, err error) {
	for _, name := range nodes {
		known, err := r.pathsFrom(ctx, name)
		switch {
		case err != nil:
			return "", "", err
		case known == nil:
			return "", name + " does not run", nil
		}
		for _, other := range others {
			_, is := known[other]
			if wanted && !is {
				if is, err = r.banned(ctx, name, other); err != nil {
					return "", "", err
				}
			}
			if other != name && is != wanted {
				return "", fmt.Sprintf("%s %s connected to %s", name, map[bool]string{true: "is", false: "is not"}[is], other), nil
			}
		}
	}
	return compact(others), "", nil
}

// banned reports whether a node refuses another one because it did not behave.
func (r *runner) banned(ctx context.Context, name, other string) (bool, error) {
	client := r.nodes[name].api()
	if client == nil {
		return false, nil
	}
	checkup, err := client.Doctor(ctx)
	if err != nil {
		return false, fmt.Errorf("ask %s for the peers that it has banned: %w", name, err)
	}
	peer := r.nodes[other].machine.peer()
	return slices.ContainsFunc(checkup.Facts.Banned.Peers, func(s api.Ban) bool { return s.Peer == peer }), nil
}

func (r *runner) memory(nodes []string, most uint64) (detail, wrong string, err error) {
	var largest uint64
	for _, name := range nodes {
		n, known := r.nodes[name].machine.memory()
		if !known {
			return "", "", fmt.Errorf("how much memory %s has is not known here: leave memory out", name)
		}
		if n > most {
			return "", fmt.Sprintf("%s has %s", name, text.Size(n)), nil
		}
		largest = max(largest, n)
	}
	return text.Size(largest) + " at most", "", nil
}

func records(n int) string { return text.Count(n, "record", "records") }

func recordsOf(n uint64) string { return text.Count(int(n), "record", "records") } // a count
