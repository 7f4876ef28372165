package testbed

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/lf-store/lf"
)

// watch polls the status of every node and shows it to the observer.
func (r *runner) watch(ctx context.Context) {
	ticker := time.NewTicker(tick)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
			r.refresh(ctx, r.scenario.names())
			views := r.views()
			r.update(func() {
				r.noteCourse()
				r.observer.Tick(r.now(), views)
			})
		}
	}
}

// noteCourse notes how many records there are.
func (r *runner) noteCourse() {
	n, _ := r.ledger.totals()
	all := uint64(n + len(r.ledger.genesis)) // a count
	if c := r.report.Course; len(c) == 0 || c[len(c)-1].Attached != all {
		r.report.Course = append(c, Point{r.now().Seconds(), all})
	}
}

// refresh asks nodes for their status. A node that does not answer is no failure: it may be ending.
func (r *runner) refresh(ctx context.Context, names []string) {
	ctx, cancel := context.WithTimeout(ctx, askTime)
	defer cancel()
	r.each(names, func(m *node) { _ = m.refresh(ctx, r.now) })
}

// each calls do for nodes, all at once.
func (r *runner) each(names []string, do func(*node)) {
	var all sync.WaitGroup
	for _, name := range names {
		all.Go(func() { do(r.nodes[name]) })
	}
	all.Wait()
}

// running are the honest nodes that run, in the scenario's order.
func (r *runner) running() []string {
	var names []string
	for _, n := range r.scenario.Nodes {
		if n.Honest() && r.nodes[n.Name].isUp() {
			names = append(names, n.Name)
		}
	}
	return names
}

// reach divides nodes into sets that can reach each other.
func (r *runner) reach(nodes []string) [][]string {
	r.linking.Lock()
	defer r.linking.Unlock()
	return r.links.components(nodes)
}

func (r *runner) views() []NodeView {
	var up []string
	for _, n := range r.scenario.Nodes {
		if r.nodes[n.Name].isUp() {
			up = append(up, n.Name)
		}
	}
	group := map[string]int{}
	for i, g := range r.reach(up) {
		for _, name := range g {
			group[name] = i
		}
	}
	views := make([]NodeView, len(r.scenario.Nodes))
	var most uint64
	for i, n := range r.scenario.Nodes {
		m := r.nodes[n.Name]
		now, all := m.lastStatus()
		views[i] = NodeView{
			Name: n.Name, Up: m.isUp(), Hostile: !n.Honest(), Group: -1, Attached: now.attached, Peers: now.peers, State: now.state,
			In: all.in, Out: all.out,
		}
		if g, ok := group[n.Name]; ok {
			views[i].Group = g
		}
		most = max(most, now.attached)
	}
	for i := range views {
		views[i].Most = most
	}
	return views
}

// readAttached asks nodes for what they have attached since the last time.
func (r *runner) readAttached(ctx context.Context, names []string) error {
	ctx, cancel := context.WithTimeout(ctx, 6*askTime)
	defer cancel()
	var mu sync.Mutex
	var errs []error
	r.each(names, func(m *node) {
		client := m.api()
		if client == nil {
			return
		}
		m.reading.Lock()
		defer m.reading.Unlock()
		if err := r.ledger.read(ctx, m.spec.Name, client); err != nil && !lf.IsAway(err) {
			mu.Lock()
			errs = append(errs, err)
			mu.Unlock()
		}
	})
	return errors.Join(errs...)
}

// pollAll asks all nodes for their status and their records. A node that does not answer now is
// asked again at the next step.
func (r *runner) pollAll(ctx context.Context) {
	names := r.running()
	r.refresh(ctx, names)
	_ = r.readAttached(ctx, names) // an expectation reads again, and fails
}

// markStep notes what every node has before a step. The step before has just polled them.
func (r *runner) markStep(ctx context.Context) {
	if len(r.marks) == 0 {
		r.pollAll(ctx)
	}
	now := map[string]nodeMark{}
	r.update(func() {
		for name, m := range r.nodes {
			_, all := m.lastStatus()
			now[name] = nodeMark{r.ledger.mark(name), all, r.nodeReport(name).Wrote}
		}
	})
	r.marks = append(r.marks, now)
}

// nodeSteps reports what a step did to every honest node that runs.
func (r *runner) nodeSteps(i int) {
	report := r.report.Steps[i]
	converged := map[string]*float64{}
	for _, n := range report.Nodes { // as an expectation has noted
		converged[n.Node] = n.Converged
	}
	report.Nodes = nil
	for _, name := range r.running() {
		n := r.nodeStep(name, i)
		n.Converged = converged[name]
		report.Nodes = append(report.Nodes, n)
	}
}

// nodeStep is what happened to a node since before a step.
func (r *runner) nodeStep(name string, since int) *NodeStep {
	before := r.marks[since][name]
	now, all := r.nodes[name].lastStatus()
	gained, _, bytes := r.ledger.gain(name, before.mark)
	moved := all.minus(before.traffic)
	return &NodeStep{
		Node: name, Attached: now.attached, Gained: gained, Wrote: r.nodeReport(name).Wrote - before.wrote,
		In: moved.in, Out: moved.out, Least: bytes,
	}
}

// summaryTime bounds the last poll of all nodes.
const summaryTime = time.Minute

// summarize completes the report: every node's part, and what was lost.
func (r *runner) summarize(ctx context.Context, failure error) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), summaryTime)
	defer cancel()
	running := r.running()
	r.refresh(ctx, running)
	readable := r.readAttached(ctx, running)
	r.notePaths(ctx, running)
	r.update(func() {
		report := r.report
		report.Records, report.Bytes = r.ledger.totals()
		r.noteCourse()
		for _, n := range report.Nodes {
			r.summarizeNode(n)
		}
		if n := len(report.Cuts); n > 0 && report.Cuts[n-1].To < 0 {
			report.Cuts[n-1].To = r.now().Seconds()
		}
		for _, id := range r.ledger.lost(running) {
			report.Lost = append(report.Lost, id.String())
		}
		if failure == nil && readable != nil {
			failure = fmt.Errorf("in the end: %w", readable)
		}
		if failure == nil && len(report.Lost) > 0 {
			failure = fmt.Errorf("%d records were acknowledged and are on no node that runs in the end, such as %s", len(report.Lost), report.Lost[0])
		}
		report.Passed = failure == nil
		if failure != nil {
			report.Failure = failure.Error()
		}
	})
}

func (r *runner) summarizeNode(n *NodeReport) {
	m := r.nodes[n.Name]
	now, all := m.lastStatus()
	n.Attached, n.In, n.Out = now.attached, all.in, all.out
	_, _, n.Least = r.ledger.gain(n.Name, mark{})
	if !n.Hostile {
		n.Missing = r.ledger.lacks(n.Name, nil)
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	n.Course = append(n.Course, m.course...)
	for _, run := range m.runs {
		if run.To < 0 {
			run.To = r.now().Seconds()
		}
		n.Runs = append(n.Runs, run)
	}
}
