package proxy

import (
	"bytes"
	"context"
	"slices"
	"sync"
	"time"

	"github.com/lf-store/lf/node/api"
)

const (
	// joinDelay is how long a question waits at most for the one that is under way at its node.
	joinDelay = 4 * time.Millisecond
	// maxJoined is how many questions are asked at once.
	maxJoined = 32
)

// joiner asks a node questions about single keys. Those that come while one is under way go
// together, as one question about many keys. That takes the node and the proxy a fraction of the
// time. A question that comes alone is asked at once. Each is checked as if it had been alone.
type joiner struct {
	ask     func(context.Context, api.Query) (*api.QueryResult, error)
	timeout time.Duration

	mu      sync.Mutex
	running int
	waiting []*joined
	timer   *time.Timer // for those that wait
}

// joined is a question that waits to be asked with others.
type joined struct {
	query    api.Query
	answered chan joinedAnswer // has room for the answer
}

type joinedAnswer struct {
	result *api.QueryResult
	err    error
}

// query asks a node.
func (j *joiner) query(ctx context.Context, q api.Query) (*api.QueryResult, error) {
	if !joinable(&q) {
		return j.ask(ctx, q)
	}
	w := j.join(q)
	if w == nil {
		defer j.next()
		return j.ask(ctx, q)
	}
	select {
	case a := <-w.answered:
		return a.result, a.err
	case <-ctx.Done():
		return nil, context.Cause(ctx)
	}
}

// joinable reports whether a question is about one key and asks for no more than the answer.
func joinable(q *api.Query) bool {
	return q.Keys == nil && !q.Open && q.Limit == 0 && q.After == "" && q.HistoryAfter == "" && !q.History && !q.Explain &&
		!slices.ContainsFunc(q.Selectors, func(s api.SelectorRange) bool { return !s.Point() })
}

// join has a question wait, unless it is to be asked alone and now. Then it returns nil, and its
// caller must call next when it was answered.
func (j *joiner) join(q api.Query) *joined {
	j.mu.Lock()
	defer j.mu.Unlock()
	if j.running == 0 || len(j.waiting) > 0 && !sameTerms(&j.waiting[0].query, &q) {
		j.running++
		return nil
	}
	w := &joined{q, make(chan joinedAnswer, 1)}
	j.waiting = append(j.waiting, w)
	switch len(j.waiting) {
	case 1:
		j.timer = time.AfterFunc(joinDelay, j.flush)
	case maxJoined:
		j.send()
	}
	return w
}

// sameTerms reports whether two questions that may be joined differ in their keys alone.
func sameTerms(a, b *api.Query) bool {
	return a.Since == b.Since && a.Until == b.Until && a.Alive == b.Alive && a.Frames == b.Frames && a.Decrypt == b.Decrypt && a.MaskingKey == b.MaskingKey &&
		slices.Equal(a.Policy, b.Policy) && slices.Equal(a.Oracles, b.Oracles) && (a.Oracles == nil) == (b.Oracles == nil) &&
		slices.Equal(a.Owners, b.Owners) && slices.EqualFunc(a.Authorities, b.Authorities, bytes.Equal)
}

// flush asks the questions that have waited for long enough.
func (j *joiner) flush() {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.send()
}

// next asks those that wait, after a question was answered.
func (j *joiner) next() {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.running--
	j.send()
}

// send asks those that wait. The caller holds mu.
func (j *joiner) send() {
	if len(j.waiting) == 0 {
		return
	}
	list := j.waiting
	j.waiting = nil
	j.timer.Stop()
	j.running++
	go func() {
		defer j.next()
		j.askJoined(list)
	}()
}

// askJoined asks several questions at once. Where the node refuses them together, each is asked
// alone. They end by themselves: whoever asked may have gone.
func (j *joiner) askJoined(list []*joined) {
	ctx, cancel := context.WithTimeout(context.Background(), j.timeout)
	defer cancel()
	if len(list) == 1 {
		result, err := j.ask(ctx, list[0].query)
		list[0].answered <- joinedAnswer{result, err}
		return
	}
	all := list[0].query
	all.Selectors = nil
	for _, w := range list {
		all.Keys = append(all.Keys, w.query.Selectors)
	}
	result, err := j.ask(ctx, all)
	switch {
	case err == nil:
		for i, part := range split(result, len(list)) {
			list[i].answered <- joinedAnswer{part, nil}
		}
	case isAnswer(err):
		var alone sync.WaitGroup
		for _, w := range list {
			alone.Go(func() {
				result, err := j.ask(ctx, w.query)
				w.answered <- joinedAnswer{result, err}
			})
		}
		alone.Wait()
	default:
		for _, w := range list {
			w.answered <- joinedAnswer{nil, err}
		}
	}
}

// split returns what a node answers to each of several questions. An answer that does not tell to
// which one it is goes to all of them, as one that tells nothing.
func split(all *api.QueryResult, questions int) []*api.QueryResult {
	parts := make([]*api.QueryResult, questions)
	for i := range parts {
		part := *all
		part.Answers = nil
		parts[i] = &part
	}
	for _, a := range all.Answers {
		if a.Asked == nil || *a.Asked < 0 || *a.Asked >= questions {
			nowhere := -1
			a.Asked = &nowhere
			for _, part := range parts {
				part.Answers = append(part.Answers, a)
			}
			continue
		}
		part := parts[*a.Asked]
		a.Asked = nil
		part.Answers = append(part.Answers, a)
	}
	return parts
}
