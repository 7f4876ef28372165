package proxy

import (
	"context"
	"slices"
	"time"

	"github.com/lf-store/lf/internal/watchstate"
	"github.com/lf-store/lf/node/api"
	"github.com/lf-store/lf/protocol"
)

// ask returns all answers to a question about one key or several, with what a watcher's state
// wants to know of them.
func (w *watcher) ask(ctx context.Context, q api.Query) (answers []api.Answer, err error) {
	select {
	case w.hub.asking <- struct{}{}:
		defer func() { <-w.hub.asking }()
	case <-ctx.Done():
		return nil, context.Cause(ctx)
	}
	q.Frames, q.Explain = true, true
	if q.Keys == nil {
		q.Limit = api.MaxLimit
	}
	for {
		page, err := w.query(ctx, q, true)
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

// askPlace returns the answer of one composite key, nil where there is none.
func (w *watcher) askPlace(ctx context.Context, at watchstate.Place) (*api.Answer, error) {
	q := w.request.Query(at.Key)
	q.Selectors = narrowed(w.keys[at.Key].Selectors, q.Selectors, at.Ordinals)
	answers, err := w.ask(ctx, q)
	if err != nil {
		return nil, err
	}
	w.again = 0
	return answerAt(answers, at), nil
}

// askAll returns the answers of each key. Keys with one ordinal for each selector are asked for
// together.
func (w *watcher) askAll(ctx context.Context) ([][]api.Answer, error) {
	all := make([][]api.Answer, len(w.keys))
	var exact []int
	for key := range w.keys {
		if w.isExact(key) {
			exact = append(exact, key)
		}
	}
	if len(exact) > 1 {
		q := w.request.Query(0)
		q.Selectors = nil
		for _, key := range exact {
			q.Keys = append(q.Keys, w.request.Keys[key].Selectors)
		}
		answers, err := w.ask(ctx, q)
		if err != nil {
			return nil, err
		}
		for _, a := range answers {
			key := exact[*a.Asked]
			all[key] = append(all[key], a)
		}
	}
	count := 0
	for key := range w.keys {
		if len(exact) <= 1 || !w.isExact(key) {
			var err error
			if all[key], err = w.ask(ctx, w.request.Query(key)); err != nil {
				return nil, err
			}
		}
		if count += len(all[key]); count > api.MaxWatchAnswers {
			return nil, watchstate.TooMany()
		}
	}
	return all, nil
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

// narrowed returns selectors with one ordinal each. Names stay, so that values can be opened.
func narrowed(keyed, asked []api.SelectorRange, ordinals api.Uint64s) []api.SelectorRange {
	list := slices.Clone(asked)
	for i := range list {
		if list[i].Name == "" {
			list[i].Key = keyed[i].Key
		}
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
