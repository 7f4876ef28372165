package lf

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"slices"
)

// Range yields what is set under a key, in the order of the ordinals, and asks for more as the loop
// goes on. Deleted values are left out. An [ErrSealed] or [ErrDamaged] is about one answer, and the
// loop may go on; the first comes with the answer. After any other error the range ends. [Limit]
// bounds the answers of one question to the node, not the range.
func (c *Client) Range(ctx context.Context, key Key, options ...ReadOption) iter.Seq2[*Answer, error] {
	return func(yield func(*Answer, error) bool) {
		q := queryOf(key, append([]ReadOption{Limit(MaxAnswers)}, options...))
		for pages := (&pager{Client: c, query: q}); ; {
			found, more, err := pages.next(ctx)
			if err != nil {
				yield(nil, err)
				return
			}
			if !found.yield(yield) || !more {
				return
			}
		}
	}
}

// yield hands out the answers of a page, and reports whether the loop wants more.
func (r *Result) yield(yield func(*Answer, error) bool) bool {
	for _, a := range r.Answers {
		err := a.check()
		if errors.Is(err, ErrDeleted) || errors.Is(err, ErrDamaged) {
			continue // the damaged ones come last
		}
		if !yield(a, err) {
			return false
		}
	}
	for _, d := range r.Damaged {
		if !yield(nil, d) {
			return false
		}
	}
	return true
}

// pager asks for a range in pages. A node answers in the order of the ordinals. What is left after
// a page are smaller ranges, at most one for each name of the key.
type pager struct {
	*Client
	query *query
	left  []Key // the ranges to ask for, the next one at the end; nil before the first
	begun bool
}

// next returns the next page, and whether there may be another one.
func (p *pager) next(ctx context.Context) (page *Result, more bool, err error) {
	if !p.begun {
		p.begun, p.left = true, []Key{p.query.key}
	}
	last := len(p.left) - 1
	q := *p.query
	q.key, p.left = p.left[last], p.left[:last]
	p.query.synced.wanted = false // once is enough
	page, err = p.ask(ctx, &q)
	if err != nil {
		return nil, false, err
	}
	if page.More {
		err = p.split(q.key, page)
	}
	return page, len(p.left) > 0, err
}

// split adds what of a range comes after the last answer of a page.
func (p *pager) split(key Key, page *Result) error {
	if p.query.open || !distinctNames(key) {
		return wrongInput("%s: more than %d answers, and there is no order to ask for more of them in: ask for less (a range, owners, a time)", key, p.query.limit)
	}
	switch {
	case len(page.Answers) == 0 && len(page.Damaged) > 0:
		return fmt.Errorf("%s: nothing after %w: ask for less", key, page.Damaged[0])
	case len(page.Answers) == 0:
		return &ForgedError{Node: p.Address(), What: errors.New("it says that there is more, and shows nothing")}
	}
	if !slices.IsSortedFunc(page.Answers, func(a, b *Answer) int { return slices.Compare(a.Ordinals, b.Ordinals) }) {
		return &ForgedError{Node: p.Address(), What: errors.New("its answers are not in the order of their ordinals")}
	}
	at := page.Answers[len(page.Answers)-1].Ordinals
	for i, e := range key.selectors {
		if at[i] == e.To {
			continue
		}
		rest := slices.Clone(key.selectors)
		for j := range i {
			rest[j].From, rest[j].To = at[j], at[j]
		}
		rest[i].From = at[i] + 1
		p.left = append(p.left, Key{rest})
	}
	return nil
}

func distinctNames(key Key) bool {
	names := map[string]bool{}
	for _, e := range key.selectors {
		names[e.Name] = true
	}
	return len(names) == len(key.selectors)
}
