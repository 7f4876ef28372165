package proxy

import (
	"context"
	"errors"
	"net/http"
	"slices"

	"github.com/lf-store/lf/node/api"
)

// opinion is what one node says of something, checked.
type opinion[T any] struct {
	node *node
	says T
}

func (o opinion[T]) of() *node { return o.node }

// matter is a question that several nodes are asked, and how their opinions are compared.
type matter[T any] struct {
	ask func(ctx context.Context, n *node) (T, error)
	// check refuses what is false. What a signature or a hash proves false is a [forgedError].
	check func(says T) error
	// missing is the opinion of a node that answers that there is no such thing; nil: that is an
	// error.
	missing    func() T
	difference func(a, b T) string
}

// decision is what several nodes say about a matter: the opinions of the group that agrees, or all
// of them where no majority does.
type decision[T any] struct {
	opinions []opinion[T]
	agreed   bool
	rest     []opinion[T]     // of nodes that differ from the group
	told     []api.Difference // of nodes whose opinions do not count
	*api.Comparison
}

// decide asks several nodes about a matter.
func decide[T any](ctx context.Context, s *Service, m matter[T]) (d decision[T], err error) {
	difference := func(a, b opinion[T]) string { return m.difference(a.says, b.says) }
	for again := range 2 {
		if d.opinions, d.told, err = gather(ctx, s, m); err != nil {
			return d, err
		}
		group, rest := agreeing(d.opinions, difference)
		if group != nil && (len(rest) == 0 || again > 0 || differLately(rest)) {
			d.opinions, d.rest, d.agreed = group, rest, true
			d.Comparison = compared(s, group, rest, slices.Clone(d.told), difference)
			return d, nil
		}
		if again > 0 {
			break
		}
		if err := s.lookAgain(ctx); err != nil {
			return d, err
		}
	}
	d.Comparison = comparison[opinion[T]](len(d.opinions)+len(d.told), nil, slices.Clone(d.told))
	for _, o := range d.opinions {
		other := d.opinions[0]
		if o.node == other.node {
			other = d.opinions[1]
		}
		d.Differs = append(d.Differs, s.differs(o.node, difference(o, other)))
	}
	return d, nil
}

// gather asks several nodes and checks what they say. There is at least one opinion.
func gather[T any](ctx context.Context, s *Service, m matter[T]) (opinions []opinion[T], told []api.Difference, err error) {
	answers, err := askAll(ctx, s.nodes, s.config.Compare, m.ask)
	if err != nil {
		return nil, nil, err
	}
	var refusal error
	for _, a := range answers {
		says, err := a.answer, a.err
		var e *api.Error
		switch {
		case errors.As(err, &e) && e.Status == http.StatusNotFound && m.missing != nil:
			says, err = m.missing(), nil
		case err == nil:
			err = m.check(says)
		case e != nil:
			refusal = err
		}
		if err != nil {
			told = append(told, s.distrust(a.node, err))
			continue
		}
		opinions = append(opinions, opinion[T]{a.node, says})
	}
	switch {
	case len(opinions) > 0:
		return opinions, told, nil
	case refusal != nil:
		return nil, nil, refusal
	}
	return nil, nil, unsound(told)
}

// unsound says that no node answered what could be true.
func unsound(told []api.Difference) error {
	return api.NewError(http.StatusBadGateway, "no node that was asked answered soundly: %s: %s", told[0].Node, told[0].What)
}
