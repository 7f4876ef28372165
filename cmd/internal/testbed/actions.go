package testbed

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/lf-store/lf"
)

// startsAtOnce is how many nodes start at the same time.
const startsAtOnce = 8

// execute does what a step says.
func (r *runner) execute(ctx context.Context, i int, a Action) error {
	switch a := a.(type) {
	case Start:
		return r.startNodes(ctx, a.Nodes)
	case Stop:
		return r.endNodes(ctx, a.Nodes, false)
	case Kill:
		return r.endNodes(ctx, a.Nodes, true)
	case Restart:
		return r.restart(ctx, a.Nodes, a.Kill, a.After)
	case Wipe:
		return r.wipe(a.Nodes)
	case Write:
		if a.Conflicts > 0 { // all owners claim the same names
			r.update(func() { r.contestedNames = max(r.contestedNames, a.Conflicts) })
		}
		return r.maybeInBackground(ctx, a.Background, func() error { return r.write(ctx, a, i) })
	case Pulse:
		return r.pulse(ctx, a, i)
	case Partition:
		return r.relink(ctx, func(t *topology) { t.partition(a.Groups) })
	case Isolate:
		return r.relink(ctx, func(t *topology) { t.isolate(a.Nodes, a.From, a.Way) })
	case Heal:
		return r.relink(ctx, func(t *topology) { t.heal(a.Nodes) })
	case Flap:
		return r.maybeInBackground(ctx, a.Background, func() error { return r.flap(ctx, a) })
	case Churn:
		return r.maybeInBackground(ctx, a.Background, func() error { return r.churn(ctx, a, i) })
	case Skew:
		return r.skew(ctx, a)
	case Move:
		return r.move(ctx, a)
	case Wait:
		if a.Background {
			return r.jobs.wait()
		}
		return sleep(ctx, a.For)
	case Expect:
		return r.expect(ctx, i, a)
	}
	return fmt.Errorf("there is no way to do %T", a)
}

// maybeInBackground calls do now, or begins to in the background.
func (r *runner) maybeInBackground(ctx context.Context, background bool, do func() error) error {
	if !background {
		return do()
	}
	r.jobs.start(do, func(err error) { r.fail(fmt.Errorf("in the background: %w", cause(ctx, err))) })
	return nil
}

func sleep(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return context.Cause(ctx)
	case <-timer.C:
		return nil
	}
}

// startNodes starts nodes: those that are reached through a relay after the others.
func (r *runner) startNodes(ctx context.Context, names []string) error {
	relayed := func(name string) bool { return r.nodes[name].spec.Via != "" }
	first := slices.DeleteFunc(slices.Clone(names), relayed)
	then := slices.DeleteFunc(slices.Clone(names), func(name string) bool { return !relayed(name) })
	for _, wave := range [][]string{first, then} {
		group, inner := errgroup.WithContext(ctx)
		group.SetLimit(startsAtOnce)
		for _, name := range wave {
			group.Go(func() error { return r.startNode(inner, r.nodes[name]) })
		}
		if err := group.Wait(); err != nil {
			return err
		}
	}
	return r.relink(ctx, func(*topology) {})
}

func (r *runner) startNode(ctx context.Context, m *node) error {
	client, err := m.machine.start(ctx, m.offset())
	if err != nil {
		return err
	}
	run := m.markUp(client, r.now())
	ended := m.machine.ended()
	r.watchers.Go(func() {
		<-ended
		if m.runEnded(run, r.now()) && m.spec.Honest() { // nobody here has ended it
			r.fail(fmt.Errorf("%s ended by itself; it said last:\n%s", m.spec.Name, m.machine.tail()))
		}
	})
	return m.refresh(ctx, r.now)
}

// endNodes stops or kills nodes.
func (r *runner) endNodes(ctx context.Context, names []string, kill bool) error {
	r.refresh(ctx, names) // the last chance to ask for their traffic
	group := new(errgroup.Group)
	for _, name := range names {
		m := r.nodes[name]
		group.Go(func() error {
			m.markDown(r.now())
			if kill {
				return m.machine.kill()
			}
			return m.machine.stop()
		})
	}
	return group.Wait()
}

func (r *runner) restart(ctx context.Context, names []string, kill bool, after time.Duration) error {
	if err := r.endNodes(ctx, names, kill); err != nil {
		return err
	}
	if err := sleep(ctx, after); err != nil {
		return err
	}
	return r.startNodes(ctx, names)
}

func (r *runner) wipe(names []string) error {
	var errs []error
	for _, name := range names {
		errs = append(errs, r.nodes[name].machine.wipe())
		r.ledger.wiped(name)
	}
	return errors.Join(errs...)
}

func (r *runner) skew(ctx context.Context, a Skew) error {
	var running []string
	for _, name := range a.Nodes {
		r.nodes[name].setClock(a.Offset)
		if r.nodes[name].isUp() {
			running = append(running, name)
		}
	}
	if len(running) == 0 {
		return nil
	}
	return r.restart(ctx, running, false, 0)
}

// relink changes the links and has the fabric realise them.
func (r *runner) relink(ctx context.Context, change func(*topology)) error {
	r.linking.Lock()
	defer r.linking.Unlock()
	change(r.links)
	r.update(r.noteLinks)
	var members []LinkedNode
	for _, n := range r.scenario.Nodes {
		m := r.nodes[n.Name]
		members = append(members, LinkedNode{n.Name, m.machine.peer(), m.api()})
	}
	err := r.fabric.Cut(ctx, r.links.cuts(), members)
	if err != nil && lf.IsAway(err) { // a node that has just been ended, in the background
		return nil
	}
	return err
}

// noteLinks begins another interval of the report when the links have changed.
func (r *runner) noteLinks() {
	now, cuts := r.now().Seconds(), r.report.Cuts
	groups := r.links.components(r.links.nodes)
	text := linksText(r.links, groups)
	if text == r.linksTextBefore {
		return
	}
	r.linksTextBefore = text
	if n := len(cuts); n > 0 && cuts[n-1].To < 0 {
		cuts[n-1].To = now
	}
	if len(r.links.cut) > 0 {
		r.report.Cuts = append(cuts, CutReport{Interval{now, -1}, text, groups})
	}
}

// flap cuts and heals, again and again.
func (r *runner) flap(ctx context.Context, a Flap) error {
	for range a.Times {
		if err := r.relink(ctx, func(t *topology) { t.partition(a.Groups) }); err != nil {
			return err
		}
		if err := sleep(ctx, a.Down); err != nil {
			return err
		}
		if err := r.relink(ctx, func(t *topology) { t.heal(t.nodes) }); err != nil {
			return err
		}
		if err := sleep(ctx, a.Up); err != nil {
			return err
		}
	}
	return nil
}

// churn stops nodes at random and starts them again, several at once.
func (r *runner) churn(ctx context.Context, a Churn, step int) error {
	random, until := r.random(step), r.now()+a.For
	away := make(chan string, len(a.Nodes))
	here := slices.Clone(a.Nodes)
	group, inner := errgroup.WithContext(ctx)
	for r.now() < until && inner.Err() == nil {
		for len(away) > 0 {
			here = append(here, <-away)
		}
		if len(here) > 0 {
			victim := random.IntN(len(here))
			name := here[victim]
			here = slices.Delete(here, victim, victim+1)
			down := a.Down.From + time.Duration(random.Int64N(int64(a.Down.To-a.Down.From)+1))
			group.Go(func() error {
				defer func() { away <- name }()
				return r.restart(inner, []string{name}, a.Kill, down)
			})
		}
		if err := sleep(inner, a.Every); err != nil {
			break
		}
	}
	return group.Wait()
}
