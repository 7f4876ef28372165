package main

import (
	"context"
	"slices"
	"sync"
	"time"
)

// The pauses before a command that failed is run again: the first one, which doubles up to the
// last.
const (
	firstRerun = 250 * time.Millisecond
	lastRerun  = time.Minute
)

// job is the state of a key that a command is run for. A newer one for the same key takes its
// place.
type job struct {
	key   string // tells keys apart
	about string // the key, for people
	env   []string
	value []byte
}

// runner runs a command for the newest state of each key, one command at a time. States that change
// while a command runs are skipped but for the last one. A command that fails is run again after a
// pause, unless a newer state has come.
type runner struct {
	run    func(context.Context, job) error
	failed func(job, error, time.Duration) // told of a failure, and of the pause

	mu      sync.Mutex
	waiting []*waitingJob // in the order in which they came
	came    chan struct{} // has room for one: something is waiting
}

type waitingJob struct {
	job
	pause time.Duration // after the next failure
	from  time.Time     // not before
}

func newRunner(run func(context.Context, job) error, failed func(job, error, time.Duration)) *runner {
	return &runner{run: run, failed: failed, came: make(chan struct{}, 1)}
}

// put has the command run for a state. It never blocks.
func (r *runner) put(j job) {
	r.mu.Lock()
	defer r.mu.Unlock()
	next := &waitingJob{job: j, pause: firstRerun}
	if at := r.at(j.key); at >= 0 {
		r.waiting[at] = next
	} else {
		r.waiting = append(r.waiting, next)
	}
	select {
	case r.came <- struct{}{}:
	default:
	}
}

func (r *runner) at(key string) int {
	return slices.IndexFunc(r.waiting, func(w *waitingJob) bool { return w.key == key })
}

// work runs commands until ctx ends. With once it returns after the first command that succeeded.
func (r *runner) work(ctx context.Context, once bool) error {
	for ctx.Err() == nil {
		next, wait := r.next(time.Now())
		if next == nil {
			r.sleep(ctx, wait)
			continue
		}
		err := r.run(ctx, next.job)
		if err == nil && once {
			return nil
		}
		if err != nil && ctx.Err() == nil {
			r.failed(next.job, err, next.pause)
			r.again(next)
		}
	}
	return context.Cause(ctx)
}

// next takes the first job whose time has come. Without one it returns how long to wait, 0 for
// until one comes.
func (r *runner) next(now time.Time) (next *waitingJob, wait time.Duration) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for i, w := range r.waiting {
		if left := w.from.Sub(now); left <= 0 {
			r.waiting = slices.Delete(r.waiting, i, i+1)
			return w, 0
		} else if wait == 0 || left < wait {
			wait = left
		}
	}
	return nil, wait
}

// again has a job that failed wait for its pause, unless a newer state of its key has come.
func (r *runner) again(w *waitingJob) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.at(w.key) >= 0 {
		return
	}
	w.from, w.pause = time.Now().Add(w.pause), min(2*w.pause, lastRerun)
	r.waiting = append(r.waiting, w)
}

func (r *runner) sleep(ctx context.Context, wait time.Duration) {
	var over <-chan time.Time
	if wait > 0 {
		timer := time.NewTimer(wait)
		defer timer.Stop()
		over = timer.C
	}
	select {
	case <-ctx.Done():
	case <-r.came:
	case <-over:
	}
}
