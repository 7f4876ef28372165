package store

import (
	"context"
	"errors"
	"runtime"
)

// request is one change, waiting for its commit. run may be called again, when a batch fails and is repeated one by
// one; it returns only errors of the database.
type request struct {
	run  func(*tx) error
	done chan error // with room for the answer, so that nobody waits for a caller who gave up
}

// change has the writer run a change and returns after it was committed, which means written to the disk. When ctx
// ends before, the change may or may not still happen.
func (s *Store) change(ctx context.Context, run func(*tx) error) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	r := &request{run: run, done: make(chan error, 1)}
	select {
	case <-s.quit:
		return ErrClosed
	default:
	}
	select {
	case s.queue <- r:
	case <-s.quit:
		return ErrClosed
	case <-ctx.Done():
		return ctx.Err()
	}
	select {
	case err := <-r.done:
		return err
	case <-ctx.Done():
		return ctx.Err()
	case <-s.stopped:
	}
	select {
	case err := <-r.done:
		return err
	default:
		return ErrClosed // queued in the moment of closing, and not written
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

// batch runs a request and those that queue up behind it in one transaction. Should that fail, they are run again one
// by one, so that each gets an answer of its own and none is lost for another's sake.
func (s *Store) batch(first *request) {
	taken := []*request{first}
	err := s.transact(func(t *tx) error {
		began := s.options.Clock()
		if err := first.run(t); err != nil {
			return err
		}
		yielded := false
		for len(taken) < batchRecords && s.options.Clock().Sub(began) < batchTime {
			select {
			case r := <-s.queue:
				yielded = false
				taken = append(taken, r)
				if err := r.run(t); err != nil {
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
	if err != nil && len(taken) > 1 {
		s.options.Logger.Warn("a batch failed and is repeated one by one", "requests", len(taken), "error", err)
		for _, r := range taken {
			r.done <- s.single(r)
		}
		return
	}
	err = s.explain(err)
	for _, r := range taken {
		r.done <- err
	}
}

func (s *Store) single(r *request) error { return s.explain(s.transact(r.run)) }

func (s *Store) explain(err error) error {
	if err = storageError(err); errors.Is(err, ErrNoSpace) {
		s.options.Logger.Error("cannot write", "error", err)
	}
	return err
}
