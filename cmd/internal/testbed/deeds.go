package testbed

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"golang.org/x/sync/errgroup"
)

// startsAtOnce is how many nodes start at the same time.
const startsAtOnce = 8

// do does what a step says.
func (r *runner) do(ctx context.Context, i int, a Action) error {
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
		if a.Conflicts > 0 {
			r.tell(func() { r.fought = max(r.fought, a.Conflicts) })
		}
		return r.perhapsBehind(ctx, a.Background, func() error { return r.write(ctx, a, i) })
	case Partition:
		return r.relink(ctx, func(t *topology) { t.partition(a.Groups) })
	case Isolate:
		return r.relink(ctx, func(t *topology) { t.isolate(a.Nodes, a.From, a.Way) })
	case Heal:
		return r.relink(ctx, func(t *topology) { t.heal(a.Nodes) })
	case Flap:
		return r.perhapsBehind(ctx, a.Background, func() error { return r.flap(ctx, a) })
	case Churn:
		return r.perhapsBehind(ctx, a.Background, func() error { return r.churn(ctx, a, i) })
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

// perhapsBehind does something now, or begins to do it.
func (r *runner) perhapsBehind(ctx context.Context, background bool, do func() error) error {
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
	relayed := func(name string) bool { return r.members[name].node.Via != "" }
	first := slices.DeleteFunc(slices.Clone(names), relayed)
	then := slices.DeleteFunc(slices.Clone(names), func(name string) bool { return !relayed(name) })
	for _, wave := range [][]string{first, then} {
		group, inner := errgroup.WithContext(ctx)
		group.SetLimit(startsAtOnce)
		for _, name := range wave {
			group.Go(func() error { return r.startNode(inner, r.members[name]) })
		}
		if err := group.Wait(); err != nil {
			return err
		}
	}
	return r.relink(ctx, func(*topology) {})
}

func (r *runner) startNode(ctx context.Context, m *member) error {
	door, err := m.machine.start(ctx, m.offset())
	if err != nil {
		return err
	}
	run := m.began(door, r.now())
	ended := m.machine.ended()
	r.others.Go(func() {
		<-ended
		if m.died(run, r.now()) && m.node.Honest() { // nobody here has ended it
			r.fail(fmt.Errorf("%s ended by itself; it said last:\n%s", m.node.Name, m.machine.tail()))
		}
	})
	return m.look(ctx, r.now)
}

// endNodes stops or kills nodes.
func (r *runner) endNodes(ctx context.Context, names []string, kill bool) error {
	r.lookAt(ctx, names) // their traffic is told for the last time
	group := new(errgroup.Group)
	for _, name := range names {
		m := r.members[name]
		group.Go(func() error {
			m.over(r.now())
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
		errs = append(errs, r.members[name].machine.wipe())
		r.books.wiped(name)
	}
	return errors.Join(errs...)
}

func (r *runner) skew(ctx context.Context, a Skew) error {
	var running []string
	for _, name := range a.Nodes {
		r.members[name].setClock(a.Offset)
		if r.members[name].isUp() {
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
	r.tell(r.noteLinks)
	var members []Member
	for _, n := range r.scenario.Nodes {
		m := r.members[n.Name]
		members = append(members, Member{n.Name, m.machine.peer(), m.access()})
	}
	err := r.fabric.Cut(ctx, r.links.cuts(), members)
	if err != nil && isAway(err) { // a node that has just been ended, in the background
		return nil
	}
	return err
}

// noteLinks begins another interval of the report when the links have changed.
func (r *runner) noteLinks() {
	now, cuts := r.now().Seconds(), r.report.Cuts
	groups := r.links.components(r.links.nodes)
	text := linksText(r.links, groups)
	if text == r.said {
		return
	}
	r.said = text
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
