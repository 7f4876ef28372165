package proxy

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/lf-store/lf/internal/supervisor"
	"github.com/lf-store/lf/node/api"
)

const (
	// secondLook is how long after a difference nodes are asked again.
	secondLook = time.Second
	// differsFor is how long a node that differed is not waited for, if most others agree.
	differsFor = time.Minute
)

// Query implements api.Service. It asks several nodes, checks what they answer, and unites it.
func (s *Service) Query(ctx context.Context, q api.Query) (*api.QueryResult, error) {
	return s.query(ctx, q, false)
}

// query is Query. A hasty one takes what most nodes say, and does not ask the others once more. It
// is for a caller that asks while a record spreads, and again when more nodes have it.
func (s *Service) query(ctx context.Context, q api.Query, hasty bool) (*api.QueryResult, error) {
	u, err := s.question(ctx, q)
	if err != nil {
		return nil, err
	}
	views, told, err := s.views(ctx, u, s.config.Compare, false)
	if err != nil {
		return nil, err
	}
	group, rest := agreeing(views, difference)
	if group != nil && len(rest) == 0 && u.contested(group[0]) {
		// oracles and certificates may decide, so their records are wanted
		if views, told, err = s.views(ctx, u, s.config.Compare, true); err != nil {
			return nil, err
		}
		group, rest = agreeing(views, difference)
	}
	if hasty && group != nil {
		return s.agreed(ctx, u, group, nil, told, true)
	}
	if group != nil && (len(rest) == 0 || differLately(rest)) {
		if result, err := s.agreed(ctx, u, group, rest, told, false); result != nil || err != nil {
			return result, err
		}
	}
	if err := s.lookAgain(ctx); err != nil {
		return nil, err
	}
	if views, told, err = s.views(ctx, u, s.config.Compare, true); err != nil {
		return nil, err
	}
	if group, rest = agreeing(views, difference); group != nil {
		return s.agreed(ctx, u, group, rest, told, true)
	}
	return s.vote(ctx, u, views, told)
}

// differLately reports whether all these nodes have differed from others a short time ago.
func differLately[T interface{ of() *node }](opinions []T) bool {
	for _, o := range opinions {
		if time.Since(o.of().known().differed) > differsFor {
			return false
		}
	}
	return true
}

// lookAgain waits a moment after nodes have differed, and looks how they are: one that is no longer
// in sync is not asked again.
func (s *Service) lookAgain(ctx context.Context) error {
	if err := s.nodes.meet(ctx); err != nil {
		return err
	}
	return supervisor.Sleep(ctx, s.secondLook)
}

// views asks nodes a question and checks what they answer. told has the nodes whose answers do not
// count, and why. There is at least one view.
func (s *Service) views(ctx context.Context, u *question, want int, closely bool) (views []*view, told []api.Difference, err error) {
	answers, err := askAll(ctx, s.nodes, want, func(ctx context.Context, n *node) (checkedAnswer, error) { return u.askNode(ctx, n, closely) })
	if err != nil {
		return nil, nil, err
	}
	if !closely {
		u.weighAll(ctx, answers)
	}
	var refusal error
	var damaged []*view
	for _, a := range answers {
		v, err := a.answer.view, a.err
		if err == nil {
			err = a.answer.wrong
		} else {
			refusal = err
		}
		switch {
		case err != nil:
			told = append(told, s.distrust(a.node, err))
		case v.damaged:
			damaged = append(damaged, v)
		default:
			views = append(views, v)
		}
	}
	switch {
	case len(views) > 0 && len(views) >= majority(len(answers))-len(damaged):
		return views, told, nil
	case len(damaged) > 0:
		return nil, nil, damagedError(damaged[0])
	case refusal != nil:
		return nil, nil, refusal
	}
	return nil, nil, unsound(told)
}

// checkedAnswer is what a node answered: a view, or what is wrong with it.
type checkedAnswer struct {
	view   *view
	wrong  error
	framed bool // with frames, and so with weights
}

// weighAll asks nodes again that were asked for no weights, if others were: a record that one of
// them named was not checked yet. Otherwise weights could not be compared.
func (u *question) weighAll(ctx context.Context, answers []said[checkedAnswer]) {
	framed := func(a said[checkedAnswer]) bool { return a.answer.framed }
	if !slices.ContainsFunc(answers, framed) {
		return
	}
	var all sync.WaitGroup
	for i := range answers {
		a := &answers[i]
		if framed(*a) || a.err != nil || a.answer.wrong != nil {
			continue
		}
		all.Go(func() {
			soon, cancel := context.WithTimeout(ctx, proofTimeout)
			defer cancel()
			asked := u.toNode(false)
			switch again, err := u.askFor(soon, a.node, asked); {
			case err == nil:
				a.answer = again
			case isAnswer(err):
				a.err = err
			default:
				a.node.gaveNoAnswer(ctx, soon, err)
			}
		})
	}
	all.Wait()
}

// askNode asks one node and checks what it answers. Of records that were checked before the ID is
// enough, so the first request about a single key asks for no more.
func (u *question) askNode(ctx context.Context, n *node, closely bool) (checkedAnswer, error) {
	asked := u.toNode(closely)
	asked.Frames = closely || u.Frames || u.History || u.Explain || !u.exact()
	a, err := u.askFor(ctx, n, asked)
	if err == nil && !asked.Frames && errors.Is(a.wrong, errUnknownRecord) {
		asked.Frames = true
		return u.askFor(ctx, n, asked)
	}
	return a, err
}

// askFor asks one node and checks what it answers.
func (u *question) askFor(ctx context.Context, n *node, asked api.Query) (checkedAnswer, error) {
	result, err := n.joiner.query(ctx, asked)
	if err != nil {
		return checkedAnswer{}, err
	}
	v, wrong := u.view(n, &asked, result)
	return checkedAnswer{v, wrong, asked.Frames}, nil
}

// damagedError says which record a node's disk damaged, where no other node answered.
func damagedError(v *view) error {
	for i := range v.result.Answers {
		if a := &v.result.Answers[i]; a.Error != "" {
			return api.Damaged(a.Record, a.Unavailable)
		}
	}
	return api.Unavailable("the disk of the node %s damaged a record: lf doctor there says more", v.node.address)
}

// distrust notes that what a node answered does not count. What is proved false is logged.
func (s *Service) distrust(n *node, why error) api.Difference {
	var proof *forgedError
	d := api.Difference{Node: n.address, What: why.Error(), Lies: errors.As(why, &proof)}
	switch {
	case d.Lies:
		if n.noteDifference(why) {
			s.log.Error("a node answered falsely: do not trust it", "node", n.address, "proof", why)
		}
	case !isAnswer(why):
		d.What = fmt.Sprintf("what it answered makes no sense: %v", why)
	}
	s.metrics.differed(n, d.Lies)
	return d
}

// agreed answers with what most nodes agree about, as far as records prove it. At the first look it
// returns nothing if records prove something of a node that was not known to differ. What an oracle
// has just said may be under way to it.
func (s *Service) agreed(ctx context.Context, u *question, group, rest []*view, told []api.Difference, second bool) (*api.QueryResult, error) {
	united := u.uniteAgreeing(group)
	e, err := s.prove(ctx, u, united, slices.Concat(group, rest), len(told))
	u.findPulses(united, group)
	switch {
	case err != nil:
		return nil, err
	case len(e.findings) == 0:
		return u.answer(united, compared(s, group, rest, told, difference)), nil
	case !second && !differLately(e.findings):
		return nil, nil
	}
	return u.answer(united, judged(s, slices.Concat(group, rest), told, e, func(v *view) string {
		switch {
		case e.changed:
			return difference(v, united)
		case slices.Contains(rest, v):
			return difference(v, group[0])
		}
		return ""
	})), nil
}

// judged says how an answer came about, of which records prove some. difference says in what an
// opinion differs from that answer.
func judged[T interface{ of() *node }](s *Service, opinions []T, told []api.Difference, e *evidence, difference func(T) string) *api.Comparison {
	asked := len(opinions) + len(told)
	var group []T
	for _, o := range opinions {
		what := difference(o)
		switch found := e.of(o.of()); {
		case found != nil:
			told = append(told, s.accuse(o.of(), found))
		case what == "":
			group = append(group, o)
		default:
			told = append(told, s.differs(o.of(), what))
		}
	}
	return comparison(asked, group, told)
}

// accuse notes what records prove of a node's answer.
func (s *Service) accuse(n *node, what error) api.Difference {
	var proof *forgedError
	if errors.As(what, &proof) {
		return s.distrust(n, what)
	}
	return s.differs(n, what.Error())
}

// compared says how an answer came about on which a group of nodes agrees.
func compared[T interface{ of() *node }](s *Service, group, rest []T, told []api.Difference, difference func(a, b T) string) *api.Comparison {
	c := comparison(len(group)+len(rest)+len(told), group, told)
	for _, o := range rest {
		c.Differs = append(c.Differs, s.differs(o.of(), difference(o, group[0])))
	}
	return c
}

// differs notes that a node answered something else than most.
func (s *Service) differs(n *node, what string) api.Difference {
	if n.noteDifference(nil) {
		s.log.Warn("a node differs from the others", "node", n.address, "what", what)
	}
	s.metrics.differed(n, false)
	return api.Difference{Node: n.address, What: what}
}

// comparison says how an answer came about.
func comparison[T interface{ of() *node }](asked int, group []T, told []api.Difference) *api.Comparison {
	c := &api.Comparison{Asked: asked, Agreed: make([]string, len(group)), Differs: told}
	for i, o := range group {
		c.Agreed[i] = o.of().address
	}
	c.Note = note(asked, len(group))
	inSync := func(o T) bool { return o.of().known().state == api.NodeSynced }
	if len(group) > 0 && !slices.ContainsFunc(group, inSync) {
		c.Note = strings.TrimPrefix(c.Note+"; "+api.NoneInSync, "; ")
	}
	return c
}

// note says what an answer is worth on which this number of nodes agree.
func note(asked, agreed int) string {
	switch {
	case asked == 1:
		return api.NotCompared
	case asked == 2 && agreed < 2:
		return api.NoMajority
	case agreed < majority(asked):
		return fmt.Sprintf("%d asked, no majority", asked)
	}
	return ""
}
