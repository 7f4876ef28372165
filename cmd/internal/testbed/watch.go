package testbed

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"
)

// watch asks every node how it is, again and again, and shows it to the observer.
func (r *runner) watch(ctx context.Context) {
	ticker := time.NewTicker(tick)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
			r.lookAt(ctx, r.scenario.names())
			views := r.views()
			r.tell(func() {
				r.noteCourse()
				r.observer.Tick(r.now(), views)
			})
		}
	}
}

// noteCourse notes how many records there are.
func (r *runner) noteCourse() {
	n, _ := r.books.totals()
	all := uint64(n + len(r.books.genesis)) // a count
	if c := r.report.Course; len(c) == 0 || c[len(c)-1].Attached != all {
		r.report.Course = append(c, Point{r.now().Seconds(), all})
	}
}

// lookAt asks nodes how they are. One that does not answer is no failure: it may be ending just
// now.
func (r *runner) lookAt(ctx context.Context, names []string) {
	ctx, cancel := context.WithTimeout(ctx, askTime)
	defer cancel()
	r.each(names, func(m *member) { _ = m.look(ctx, r.now) })
}

// each does something for nodes, all at once.
func (r *runner) each(names []string, do func(*member)) {
	var all sync.WaitGroup
	for _, name := range names {
		all.Go(func() { do(r.members[name]) })
	}
	all.Wait()
}

// running are the honest nodes that run, in the scenario's order.
func (r *runner) running() []string {
	var names []string
	for _, n := range r.scenario.Nodes {
		if n.Honest() && r.members[n.Name].isUp() {
			names = append(names, n.Name)
		}
	}
	return names
}

// reach are the sets of nodes that can reach each other.
func (r *runner) reach(nodes []string) [][]string {
	r.linking.Lock()
	defer r.linking.Unlock()
	return r.links.components(nodes)
}

func (r *runner) views() []NodeView {
	var up []string
	for _, n := range r.scenario.Nodes {
		if r.members[n.Name].isUp() {
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
		m := r.members[n.Name]
		now, all := m.seen()
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

// read asks nodes for what they have attached since.
func (r *runner) read(ctx context.Context, names []string) error {
	ctx, cancel := context.WithTimeout(ctx, 6*askTime)
	defer cancel()
	var mu sync.Mutex
	var errs []error
	r.each(names, func(m *member) {
		door := m.access()
		if door == nil {
			return
		}
		m.reading.Lock()
		defer m.reading.Unlock()
		if err := r.books.read(ctx, m.node.Name, door); err != nil && !isAway(err) {
			mu.Lock()
			errs = append(errs, err)
			mu.Unlock()
		}
	})
	return errors.Join(errs...)
}

// tally asks all nodes for how they are and what they have. What one does not say now, it says at
// the next step.
func (r *runner) tally(ctx context.Context) {
	names := r.running()
	r.lookAt(ctx, names)
	_ = r.read(ctx, names) // an expectation reads again, and fails
}

// mark notes where every node stands before a step. The step before has just made the tally.
func (r *runner) mark(ctx context.Context) {
	if len(r.marks) == 0 {
		r.tally(ctx)
	}
	now := map[string]standpoint{}
	r.tell(func() {
		for name, m := range r.members {
			_, all := m.seen()
			now[name] = standpoint{r.books.now(name), all, r.nodeReport(name).Wrote}
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
	now, all := r.members[name].seen()
	gained, _, bytes := r.books.gain(name, before.mark)
	moved := all.minus(before.traffic)
	return &NodeStep{
		Node: name, Attached: now.attached, Gained: gained, Wrote: r.nodeReport(name).Wrote - before.wrote,
		In: moved.in, Out: moved.out, Least: bytes,
	}
}

// stockTime bounds the last look at all nodes.
const stockTime = time.Minute

// stock takes stock when all is over: of every node, and of what was lost.
func (r *runner) stock(ctx context.Context, failure error) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), stockTime)
	defer cancel()
	running := r.running()
	r.lookAt(ctx, running)
	readable := r.read(ctx, running)
	r.notePaths(ctx, running)
	r.tell(func() {
		report := r.report
		report.Records, report.Bytes = r.books.totals()
		r.noteCourse()
		for _, n := range report.Nodes {
			r.nodeStock(n)
		}
		if n := len(report.Cuts); n > 0 && report.Cuts[n-1].To < 0 {
			report.Cuts[n-1].To = r.now().Seconds()
		}
		for _, id := range r.books.lost(running) {
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

func (r *runner) nodeStock(n *NodeReport) {
	m := r.members[n.Name]
	now, all := m.seen()
	n.Attached, n.In, n.Out = now.attached, all.in, all.out
	_, _, n.Least = r.books.gain(n.Name, mark{})
	if !n.Hostile {
		n.Missing = r.books.lacks(n.Name, nil)
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
