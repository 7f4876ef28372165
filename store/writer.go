package store

import (
	"context"
	"errors"
	"runtime"
)

// request is a change of one step or several, waiting for its commit. Steps may be run again, when a batch fails and is
// repeated one by one; they return only errors of the database.
type request struct {
	ahead func(*tx) error // runs before the steps when they share a transaction; nil: nothing
	steps []func(*tx) error
	done  chan []error // one for each step; with room for the answer, so that nobody waits for a caller who gave up
}

// change has the writer run a change and returns after it was committed, which means written to the disk. When ctx
// ends before, the change may or may not still happen.
func (s *Store) change(ctx context.Context, run func(*tx) error) error {
	errs, err := s.submit(ctx, &request{steps: []func(*tx) error{run}})
	if err != nil {
		return err
	}
	return errs[0]
}

// submit has the writer run the steps of a change in one transaction, or, should that fail, in one for each. It returns what
// became of each step, or why that is not known.
func (s *Store) submit(ctx context.Context, r *request) ([]error, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	r.done = make(chan []error, 1)
	select {
	case <-s.quit:
		return nil, ErrClosed
	default:
	}
	select {
	case s.queue <- r:
	case <-s.quit:
		return nil, ErrClosed
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	select {
	case errs := <-r.done:
		return errs, nil
	case <-ctx.Done():
		return nil, ctx.Err()
	case <-s.stopped:
	}
	select {
	case errs := <-r.done:
		return errs, nil
	default:
		return nil, ErrClosed // queued in the moment of closing, and not written
	}
}

// write is the writer goroutine: one batch after the other until the store closes, and then what is still queued.
func (s *Store) write() {
	defer close(s.stopped)
	for {
		select {
		case r := <-s.queue:
			s.batch(r)
		case <-s.quit:
			for {
				select {
				case r := <-s.queue:
					s.batch(r)
				default:
					return
				}
			}
		}
	}
}

// batch runs a request and those that queue up behind it in one transaction. Should that fail, their steps are run again one
// by one, so that each gets an answer of its own and none is lost for another's sake.
func (s *Store) batch(first *request) {
	taken, steps := []*request{first}, len(first.steps)
	err := s.transact(func(t *tx) error {
		began := s.options.Clock()
		if err := t.run(first); err != nil {
			return err
		}
		yielded := false
		for steps < batchRecords && s.options.Clock().Sub(began) < batchTime {
			select {
			case r := <-s.queue:
				yielded = false
				taken, steps = append(taken, r), steps+len(r.steps)
				if err := t.run(r); err != nil {
					return err
				}
			default:
				if yielded {
					return nil
				}
				// Whoever is about to queue up may only lack a processor: a commit costs more than to let it run.
				yielded = true
				runtime.Gosched()
			}
		}
		return nil
	})
	if err != nil && steps > 1 {
		s.options.Logger.Warn("a batch failed and is repeated one by one", "changes", steps, "error", err)
		for _, r := range taken {
			r.done <- s.oneByOne(r)
		}
		return
	}
	err = s.explain(err)
	for _, r := range taken {
		errs := make([]error, len(r.steps))
		for i := range errs {
			errs[i] = err
		}
		r.done <- errs
	}
}

func (t *tx) run(r *request) error {
	if r.ahead != nil {
		if err := r.ahead(t); err != nil {
			return err
		}
	}
	for _, step := range r.steps {
		if err := step(t); err != nil {
			return err
		}
	}
	return nil
}

func (s *Store) oneByOne(r *request) []error {
	errs := make([]error, len(r.steps))
	for i, step := range r.steps {
		errs[i] = s.explain(s.transact(step))
	}
	return errs
}

func (s *Store) explain(err error) error {
	if err = storageError(err); errors.Is(err, ErrNoSpace) {
		s.options.Logger.Error("cannot write", "error", err)
	}
	return err
}
