package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"testing"
	"testing/synctest"
	"time"
)

// ran notes what a runner does. Each command takes a while.
type ran struct {
	takes  time.Duration
	fails  func(j job, n int) bool // whether the n-th run, from 1, fails
	did    []string
	told   []time.Duration
	active int
	most   int
}

func (r *ran) run(ctx context.Context, j job) error {
	r.active++
	r.most = max(r.most, r.active)
	defer func() { r.active-- }()
	r.did = append(r.did, j.key+"="+string(j.value))
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-time.After(r.takes):
	}
	if r.fails != nil && r.fails(j, len(r.did)) {
		return errors.New("exit status 1")
	}
	return nil
}

func (r *ran) failed(_ job, _ error, pause time.Duration) { r.told = append(r.told, pause) }

// begin runs a runner until the test ends it.
func (r *ran) begin(t *testing.T) (put func(key, value string), end func()) {
	t.Helper()
	ctx, cancel := context.WithCancelCause(t.Context())
	w := newRunner(r.run, r.failed)
	ended := make(chan error, 1)
	go func() { ended <- w.work(ctx, false) }()
	over := errors.New("over")
	return func(key, value string) { w.put(job{key: key, value: []byte(value)}) }, func() {
		cancel(over)
		if err := <-ended; !errors.Is(err, over) {
			t.Errorf("it ended with %v", err)
		}
	}
}

// TestRunnerSkips has states come faster than the command ends: one runs at a time, and of each key
// the newest state comes last.
func TestRunnerSkips(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		r := &ran{takes: time.Second}
		put, end := r.begin(t)
		for i := range 50 {
			put("a", fmt.Sprint(i))
			put("b", fmt.Sprint(i))
			time.Sleep(100 * time.Millisecond)
		}
		time.Sleep(time.Minute)
		end()
		if r.most != 1 || len(r.did) > 9 || len(r.did) < 6 {
			t.Errorf("%d at once, ran %q", r.most, r.did)
		}
		for _, last := range []string{"a=49", "b=49"} {
			if at := slices.Index(r.did, last); at < len(r.did)-2 {
				t.Errorf("%s is not among the last of %q", last, r.did)
			}
		}
	})
}

// TestRunnerRetries runs a failing command again after pauses that grow, and meanwhile one for
// another key. A newer state runs at once, and the old one never again.
func TestRunnerRetries(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		r := &ran{fails: func(j job, _ int) bool { return string(j.value) == "bad" }}
		put, end := r.begin(t)
		put("a", "bad")
		time.Sleep(10 * time.Second) // tried at 0, 0.25, 0.75, 1.75, 3.75 and 7.75 s
		synctest.Wait()
		if len(r.did) != 6 || !slices.Equal(r.told[:4], []time.Duration{firstRerun, 2 * firstRerun, 4 * firstRerun, 8 * firstRerun}) {
			t.Errorf("ran %q, pauses %v", r.did, r.told)
		}
		put("b", "good")
		synctest.Wait()
		put("a", "good")
		synctest.Wait()
		if want := []string{"b=good", "a=good"}; !slices.Equal(r.did[6:], want) {
			t.Errorf("ran %q, want %q after the failures", r.did, want)
		}
		time.Sleep(time.Hour)
		synctest.Wait()
		if len(r.did) != 8 {
			t.Errorf("ran again: %q", r.did)
		}
		put("a", "bad")
		time.Sleep(24 * time.Hour)
		synctest.Wait()
		if last := slices.Max(r.told); last != lastRerun {
			t.Errorf("the longest pause is %s", last)
		}
		end()
	})
}

// TestRunnerOnce returns after the first command that succeeds.
func TestRunnerOnce(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		r := &ran{fails: func(_ job, n int) bool { return n < 3 }}
		w := newRunner(r.run, r.failed)
		w.put(job{key: "a"})
		if err := w.work(t.Context(), true); err != nil || len(r.did) != 3 {
			t.Errorf("ran %q, %v", r.did, err)
		}
	})
}

// TestRunnerEnds ends while a command runs, while it waits to run again, and while it has nothing
// to do.
func TestRunnerEnds(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		for _, after := range []time.Duration{time.Second, 90 * time.Second} {
			r := &ran{takes: time.Minute, fails: func(job, int) bool { return true }}
			put, end := r.begin(t)
			put("a", "x")
			time.Sleep(after)
			end()
		}
		_, end := (&ran{}).begin(t)
		synctest.Wait()
		end()
	})
}
