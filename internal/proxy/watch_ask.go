package proxy

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/lf-store/lf/internal/watchstate"
	"github.com/lf-store/lf/node/api"
	"github.com/lf-store/lf/protocol"
)

// askKey returns all answers under a key, with ordinals only those of one ordinal for each
// selector. Watchers who ask for the same at once ask once.
func (w *watcher) askKey(ctx context.Context, key int, ordinals api.Uint64s) ([]api.Answer, error) {
	q := w.filter.Query(0)
	q.Selectors, q.Open = narrowed(w.keys[key].Selectors, ordinals), w.keys[key].Open
	shared, err := w.hub.shared.do(ctx, fmt.Sprint(w.group, w.topics[key], ordinals), func() ([]api.Answer, error) { return w.hub.ask(w.hub.ctx, q) })
	if err != nil {
		return nil, err
	}
	w.again = 0
	answers := slices.Clone(shared)
	for i := range answers {
		w.open(key, &answers[i])
	}
	return answers, nil
}

// askPlace returns the answer of one composite key, nil where there is none.
func (w *watcher) askPlace(ctx context.Context, at watchstate.Place) (*api.Answer, error) {
	answers, err := w.askKey(ctx, at.Key, at.Ordinals)
	return answerAt(answers, at), err
}

// open fills in the plain value of an answer, if the watcher wants it and it can be opened.
func (w *watcher) open(key int, a *api.Answer) {
	if !w.request.Decrypt {
		return
	}
	if r, err := w.records.check(a.Record, a.Frame); err == nil {
		w.opens[key].show(&a.Version, r)
	}
}

// ask returns all answers to a question about one key or several, with what the state of a watcher
// wants to know of them.
func (h *hub) ask(ctx context.Context, q api.Query) (answers []api.Answer, err error) {
	select {
	case h.asking <- struct{}{}:
		defer func() { <-h.asking }()
	case <-ctx.Done():
		return nil, context.Cause(ctx)
	}
	q.Frames, q.Explain = true, true
	if q.Keys == nil {
		q.Limit = api.MaxLimit
	}
	for {
		page, err := h.service.query(ctx, q, true)
		if err != nil {
			return nil, err
		}
		answers = append(answers, page.Answers...)
		if len(answers) > api.MaxWatchAnswers {
			return nil, watchstate.TooMany()
		}
		if q.After = page.Next; q.After == "" {
			return answers, nil
		}
	}
}

// askAll returns the answers of each key. Keys with one ordinal for each selector are asked for
// together, where there are several.
func (w *watcher) askAll(ctx context.Context) ([][]api.Answer, error) {
	all := make([][]api.Answer, len(w.keys))
	var exact []int
	for key := range w.keys {
		if w.isExact(key) {
			exact = append(exact, key)
		}
	}
	if len(exact) > 1 {
		if err := w.askTogether(ctx, exact, all); err != nil {
			return nil, err
		}
	}
	count := 0
	for key := range w.keys {
		if len(exact) <= 1 || !w.isExact(key) {
			var err error
			if all[key], err = w.askKey(ctx, key, nil); err != nil {
				return nil, err
			}
		}
		if count += len(all[key]); count > api.MaxWatchAnswers {
			return nil, watchstate.TooMany()
		}
	}
	return all, nil
}

// askTogether asks about several keys in one question.
func (w *watcher) askTogether(ctx context.Context, keys []int, all [][]api.Answer) error {
	q := w.filter.Query(0)
	q.Selectors, q.Open = nil, false
	for _, key := range keys {
		q.Keys = append(q.Keys, w.keys[key].Selectors)
	}
	answers, err := w.hub.ask(ctx, q)
	if err != nil {
		return err
	}
	for _, a := range answers {
		key := keys[*a.Asked]
		w.open(key, &a)
		all[key] = append(all[key], a)
	}
	return nil
}

func (w *watcher) isExact(key int) bool {
	k := &w.keys[key]
	return !k.Open && !slices.ContainsFunc(k.Selectors, func(s api.SelectorRange) bool { return !s.Point() })
}

// update tells what has changed under a key. before are the composite keys of which something was
// told: what is not among the answers is gone.
func (w *watcher) update(key int, answers []api.Answer, before []watchstate.Place) error {
	there := make(map[protocol.CompositeID]bool, len(answers))
	for i := range answers {
		a := &answers[i]
		there[*a.Composite] = true
		if err := w.send(w.state.Update(watchstate.Place{Key: key, Composite: *a.Composite, Ordinals: a.Ordinals}, a, time.Now())...); err != nil {
			return err
		}
		if w.state.Count() > api.MaxWatchAnswers {
			return watchstate.TooMany()
		}
	}
	for _, at := range before {
		if there[at.Composite] {
			continue
		}
		if err := w.send(w.state.Update(at, nil, time.Now())...); err != nil {
			return err
		}
	}
	return nil
}

// narrowed returns selectors with one ordinal each; nil: as they are.
func narrowed(selectors []api.SelectorRange, ordinals api.Uint64s) []api.SelectorRange {
	if ordinals == nil {
		return selectors
	}
	list := slices.Clone(selectors)
	for i := range list {
		list[i].From, list[i].To = api.Uint64(ordinals[i]), api.Uint64(ordinals[i])
	}
	return list
}

// answerAt finds the answer of one composite key, nil where there is none.
func answerAt(answers []api.Answer, at watchstate.Place) *api.Answer {
	for i := range answers {
		if *answers[i].Composite == at.Composite {
			return &answers[i]
		}
	}
	return nil
}
