package watchstate

import (
	"context"
	"iter"
	"time"

	"github.com/lf-store/lf/node/api"
	"github.com/lf-store/lf/protocol"
)

// Poller serves watchers by asking for everything whenever something has changed. It is for
// services with few records and few watchers.
type Poller struct {
	// Database is the name of the database that answers.
	Database string
	Query    func(context.Context, api.Query) (*api.QueryResult, error)
	// Sync returns how the service stands to its peers, as the status tells it.
	Sync func() string
	// Changed returns a channel that is closed when an answer may have changed since the call.
	Changed func() <-chan struct{}
	Now     func() time.Time
}

// Watch is as in [api.Service].
func (p *Poller) Watch(ctx context.Context, r api.WatchRequest) iter.Seq2[*api.WatchEvent, error] {
	return func(yield func(*api.WatchEvent, error) bool) {
		err := r.Check()
		if err == nil {
			err = p.run(ctx, &r, func(events ...*api.WatchEvent) bool {
				for _, e := range events {
					if !yield(e, nil) {
						return false
					}
				}
				return true
			})
		}
		if err != nil {
			yield(nil, err)
		}
	}
}

// run returns nil if the watcher wants no more.
func (p *Poller) run(ctx context.Context, r *api.WatchRequest, send func(...*api.WatchEvent) bool) error {
	s, err := New(r, p.Database)
	if err != nil {
		return err
	}
	changed := p.Changed()
	all, err := p.ask(ctx, r)
	if err != nil {
		return err
	}
	silent := s.MayBeCurrent() && p.resumes(s, all)
	if !silent && !p.tell(s, all, send) || !send(s.Listed(silent, p.Sync(), p.Now())) {
		return nil
	}
	for {
		if err := p.wait(ctx, changed, s.NextDue()); err != nil {
			return err
		}
		changed = p.Changed()
		sync := p.Sync()
		if all, err = p.ask(ctx, r); err != nil {
			return err
		}
		if !p.tell(s, all, send) {
			return nil
		}
		// A service that is in sync has told what came before.
		if e := s.Sync(sync, p.Now()); e != nil && !send(e) {
			return nil
		}
		if !p.settle(s, all, send) {
			return nil
		}
	}
}

// resumes reports whether the watcher's cursor is current.
func (p *Poller) resumes(s *State, all [][]api.Answer) bool {
	for key, answers := range all {
		for i := range answers {
			s.Note(Place{key, *answers[i].Composite, answers[i].Ordinals}, &answers[i], p.Now())
		}
	}
	return s.Resume()
}

// wait returns when something has changed or settles.
func (p *Poller) wait(ctx context.Context, changed <-chan struct{}, next time.Time) error {
	var settles <-chan time.Time
	if !next.IsZero() {
		timer := time.NewTimer(next.Sub(p.Now()))
		defer timer.Stop()
		settles = timer.C
	}
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-changed:
	case <-settles:
	}
	return nil
}

// ask returns the answers under each key.
func (p *Poller) ask(ctx context.Context, r *api.WatchRequest) ([][]api.Answer, error) {
	all, count := make([][]api.Answer, len(r.Keys)), 0
	for key := range r.Keys {
		q := r.Query(key)
		q.Frames, q.Explain, q.Limit = true, true, api.MaxLimit
		for {
			result, err := p.Query(ctx, q)
			if err != nil {
				return nil, err
			}
			all[key] = append(all[key], result.Answers...)
			if count += len(result.Answers); count > api.MaxWatchAnswers {
				return nil, TooMany()
			}
			if q.After = result.Next; q.After == "" {
				break
			}
		}
	}
	return all, nil
}

// tell sends what has changed. It reports whether the watcher wants more.
func (p *Poller) tell(s *State, all [][]api.Answer, send func(...*api.WatchEvent) bool) bool {
	for key, answers := range all {
		there := make(map[protocol.CompositeID]bool, len(answers))
		for i := range answers {
			a := &answers[i]
			there[*a.Composite] = true
			s.SetIndex(uint64(a.Index))
			if !send(s.Update(Place{key, *a.Composite, a.Ordinals}, a, p.Now())...) {
				return false
			}
		}
		for _, at := range s.Places(key) {
			if !there[at.Composite] && !send(s.Update(at, nil, p.Now())...) {
				return false
			}
		}
	}
	return true
}

// settle sends what has settled. It reports whether the watcher wants more.
func (p *Poller) settle(s *State, all [][]api.Answer, send func(...*api.WatchEvent) bool) bool {
	for _, at := range s.Due(p.Now()) {
		var answer *api.Answer
		for i := range all[at.Key] {
			if a := &all[at.Key][i]; *a.Composite == at.Composite {
				answer = a
			}
		}
		if !send(s.Settle(at, answer, p.Now())...) {
			return false
		}
	}
	return true
}
