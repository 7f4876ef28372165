package store

import (
	"context"
	"runtime"
	"time"
)

// request is a change of one step or several, waiting for its commit. Steps may be run again, when
// a batch fails and is repeated one by one; they return only errors of the database.
type request struct {
	// runs before the first step when that shares a transaction with others; nil: nothing
	ahead func(*tx) error
	steps []func(*tx) error
	own   bool // it is of this node's own users, and goes first
	// one for each step; with room for the answer, so that nobody waits for a caller who gave up
	done chan []error
	errs []error // the writer's: of the steps that are done
}

// change has the writer run a change and returns after it was committed, which means written to the
// disk. When ctx ends before, the change may or may not still happen.
func (s *Store) change(ctx context.Context, run func(*tx) error) error {
	return s.submitOne(ctx, &request{steps: []func(*tx) error{run}})
}

// changeFirst is change, before all that waits to be changed for peers.
func (s *Store) changeFirst(ctx context.Context, run func(*tx) error) error {
	return s.submitOne(ctx, &request{steps: []func(*tx) error{run}, own: true})
}

func (s *Store) submitOne(ctx context.Context, r *request) error {
	errs, err := s.submit(ctx, r)
	if err != nil {
		return err
	}
	return errs[0]
}

// submit has the writer run the steps of a change in one transaction or several, or, should that
// fail, in one for each. It returns what became of each step, or why that is not known.
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
	queue := s.queue
	if r.own {
		queue = s.own
	}
	select {
	case queue <- r:
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

// write is the writer goroutine: one batch after the other until the store closes, and then what is
// still queued. After each batch it does a portion of what is left to be settled, which goes on
// after the next start too.
func (s *Store) write() {
	defer close(s.stopped)
	for {
		r := s.next()
		if r == nil && !s.unsettled {
			r = s.await()
		}
		switch {
		case r != nil:
			s.batch(r)
		case s.isClosed():
			for r := s.next(); r != nil; r = s.next() {
				s.batch(r)
			}
			s.flushRuns()
			return
		}
		if s.unsettled {
			s.settle()
		}
	}
}

// await waits for a request; it returns nil when the store closes.
func (s *Store) await() *request {
	select {
	case r := <-s.own:
		return r
	case r := <-s.queue:
		return r
	case <-s.quit:
		return nil
	}
}

func (s *Store) isClosed() bool {
	select {
	case <-s.quit:
		return true
	default:
		return false
	}
}

// next returns the request that is to be run next, nil where none waits.
func (s *Store) next() *request {
	if r := s.nextOwn(); r != nil {
		return r
	}
	if r := s.rest; r != nil {
		s.rest = nil
		return r
	}
	select {
	case r := <-s.queue:
		return r
	default:
		return nil
	}
}

func (s *Store) nextOwn() *request {
	select {
	case r := <-s.own:
		return r
	default:
		return nil
	}
}

// batch runs a request, and those that queue up after it, in one transaction. Should that fail,
// their steps are run again one by one. So each gets an answer of its own, and none is lost for
// another's sake. Of what comes for peers no more is tried after the first step for which the disk
// has no room.
func (s *Store) batch(first *request) {
	u := &turn{store: s}
	err := s.transact(func(t *tx) error {
		u.began = s.options.Clock()
		for r := first; r != nil; r = u.next() {
			if err := u.run(t, r); err != nil {
				return err
			}
		}
		return nil
	})
	if err == nil || u.steps == 1 {
		for _, p := range u.parts {
			p.give(s, s.explain(err))
		}
		return
	}
	if !isCannotWrite(err) {
		s.options.Logger.Warn("a batch failed and is repeated one by one", "changes", u.steps, "error", err)
	}
	var full error
	for _, p := range u.parts {
		full = p.oneByOne(s, full)
	}
}

// turn is what one transaction does: requests, of which the last one may be done in part. What this
// node's own users write waits for at most yieldSteps steps of what peers sent, and is committed
// with them. Peers get as many steps in each turn, so neither side keeps the other waiting for
// long.
type turn struct {
	store   *Store
	began   time.Time
	parts   []*part
	steps   int
	foreign int  // steps for peers
	own     bool // there are some for this node's own users
	idle    bool // nothing waited
}

// part is the steps of a request that a turn has run or begun.
type part struct {
	*request
	ran int
}

func (u *turn) run(t *tx, r *request) error {
	p := &part{request: r}
	u.parts = append(u.parts, p)
	u.own = u.own || r.own
	if r.ahead != nil && len(r.errs) == 0 {
		if err := r.ahead(t); err != nil {
			p.ran, u.steps = len(r.steps), u.steps+len(r.steps)
			return err
		}
	}
	for _, step := range r.steps[len(r.errs):] {
		if p.ran > 0 && !r.own && u.mustYield() {
			return nil
		}
		p.ran++
		u.steps++
		if !r.own {
			u.foreign++
		}
		if err := step(t); err != nil {
			return err
		}
	}
	return nil
}

// mustYield reports whether what was done for peers is enough for now.
func (u *turn) mustYield() bool {
	return u.foreign >= yieldSteps && (u.own || len(u.store.own) > 0)
}

// next returns the next request of the turn, nil at its end.
func (u *turn) next() *request {
	s := u.store
	for u.steps < batchRecords {
		if r := s.nextOwn(); r != nil {
			u.idle = false
			return r
		}
		last := u.parts[len(u.parts)-1]
		if s.options.Clock().Sub(u.began) >= batchTime || u.mustYield() || last.begun() {
			return nil
		}
		if r := s.next(); r != nil {
			u.idle = false
			return r
		}
		if u.idle {
			return nil
		}
		// A goroutine that is about to queue up may only lack a processor. A commit costs more than
		// to let it run.
		u.idle = true
		runtime.Gosched()
	}
	return nil
}

// begun reports whether some steps of the request are for a later turn.
func (p *part) begun() bool { return len(p.errs)+p.ran < len(p.steps) }

// oneByOne runs each step in a transaction of its own. full is why nothing more can be written, nil
// where it can. It returns that as it is afterwards.
func (p *part) oneByOne(s *Store, full error) error {
	errs := make([]error, p.ran)
	from := len(p.errs)
	for i := range errs {
		if full != nil && !p.own {
			errs[i] = full
			continue
		}
		errs[i] = s.explain(s.transact(p.steps[from+i]))
		if isCannotWrite(errs[i]) {
			full = errs[i]
		}
	}
	p.finish(s, errs)
	return full
}

// give gives each step that was run the same error, or nil.
func (p *part) give(s *Store, err error) {
	errs := make([]error, p.ran)
	for i := range errs {
		errs[i] = err
	}
	p.finish(s, errs)
}

// finish notes what became of the steps, and answers when they were the last.
func (p *part) finish(s *Store, errs []error) {
	if p.errs = append(p.errs, errs...); len(p.errs) < len(p.steps) {
		s.rest = p.request
		return
	}
	p.done <- p.errs
}

func (s *Store) explain(err error) error { return storageError(err) }
