package lf

import (
	"context"
	"errors"
	"iter"
	"slices"
)

// Range yields what is set under a key, in the order of the ordinals, and asks for more as the loop
// goes on. Deleted values are left out, and what is not [Alive] where that is asked for. An
// [ErrSealed] or [ErrDamaged] is about one answer, and the loop may go on; the first comes with the
// answer. After any other error the range ends. [Limit] bounds the answers of one question to the
// node, not the range.
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

// pager asks for a range in pages. A node answers in the order of the ordinals, and names where the
// next page begins.
type pager struct {
	*Client
	query *query
	last  []uint64 // the ordinals of the last answer so far
}

// next returns the next page, and whether there may be another one.
func (p *pager) next(ctx context.Context) (page *Result, more bool, err error) {
	page, err = p.ask(ctx, p.query)
	if err != nil {
		return nil, false, err
	}
	p.query.synced.wanted = false // once is enough
	for _, a := range page.Answers {
		if order := slices.Compare(p.last, a.Ordinals); order > 0 || order == 0 && !p.query.open && distinctNames(p.query.key) {
			return nil, false, p.forged("its answers are not in the order of their ordinals")
		}
		p.last = a.Ordinals
	}
	if page.next != "" && (page.next == p.query.after || len(page.Answers)+len(page.Damaged)+page.Lapsed == 0) {
		return nil, false, p.forged("it says that there is more, and shows nothing")
	}
	p.query.after = page.next
	return page, page.next != "", nil
}

func (p *pager) forged(what string) error {
	return &ForgedError{Node: p.Address(), What: errors.New(what)}
}

func distinctNames(key Key) bool {
	names := map[string]bool{}
	for _, e := range key.selectors {
		names[e.Name] = true
	}
	return len(names) == len(key.selectors)
}
