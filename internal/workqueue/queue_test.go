package workqueue

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"pgregory.net/rapid"
)

var (
	start = time.Date(2030, 1, 1, 0, 0, 30, 0, time.UTC)
	wide  = Limits{Jobs: 1 << 20, ClientJobs: 1 << 20, Ahead: 4}
)

func noCall(*Job) {}

// add adds a job that is ready.
func add(t testing.TB, q *Queue, now time.Time, client string, effort uint32) *Job {
	t.Helper()
	j, err := q.Add(now, Client{Name: client}, effort)
	if err == nil {
		err = q.Ready(now, j, effort)
	}
	if err != nil {
		t.Fatal(err)
	}
	return j
}

// attempt makes one attempt of one thread that finds nothing.
func attempt(q *Queue) *Job {
	j := q.Next(noCall)
	if j != nil {
		q.Attempted(j)
	}
	return j
}

// TestNewcomer has a client come while another has thousands of jobs. It waits for the attempts
// under way, one a thread, and for nothing else.
func TestNewcomer(t *testing.T) {
	for _, threads := range []int{1, 3} {
		for _, begun := range []int{0, 1, 70, 5000} {
			q := NewQueue(wide)
			for range 10_000 {
				add(t, q, start, "greedy", 100)
			}
			for range begun {
				if j := attempt(q); j.attempts == 50 { // as many as it takes on average
					q.Solved(j)
				}
			}
			var running []*Job
			for range threads {
				running = append(running, q.Next(noCall))
			}
			b := add(t, q, start, "newcomer", 100)
			for _, j := range running { // each thread comes back once
				q.Attempted(j)
			}
			if j := q.Next(noCall); j != b {
				t.Errorf("%d threads, %d attempts: the newcomer waits for a job of %s", threads, begun, j.client.name)
			}
		}
	}
}

// TestTurnsInOrder holds that clients with one typical job each get their proofs in the order in
// which they came. The first is not slowed down by the last.
func TestTurnsInOrder(t *testing.T) {
	q := NewQueue(wide)
	for i := range 50 {
		add(t, q, start, fmt.Sprint(i), 200)
	}
	for i := range 50 {
		for range 100 {
			if j := attempt(q); j.client.name != fmt.Sprint(i) {
				t.Fatalf("in turn %d the job of %s", i, j.client.name)
			} else if j.attempts == 100 {
				q.Solved(j)
			}
		}
	}
	if j := attempt(q); j != nil {
		t.Error("a job that was solved")
	}
}

// TestSharesByEffort holds that clients which always have jobs get the same effort, whatever the
// size of their jobs.
func TestSharesByEffort(t *testing.T) {
	q := NewQueue(wide)
	sizes := map[string]uint32{"small": 100, "middle": 3000, "large": 40_000, "huge": 1 << 30}
	for name, size := range sizes {
		add(t, q, start, name, size)
	}
	got := map[string]uint64{}
	for range 1_000_000 {
		j := attempt(q)
		name := j.client.name
		got[name]++
		if 2*j.attempts >= j.effort {
			add(t, q, start, name, sizes[name]) // before the last one leaves: it never goes away
			q.Solved(j)
		}
	}
	for name := range sizes {
		if got[name] < 200_000 || got[name] > 300_000 {
			t.Errorf("%s: %d of a million attempts", name, got[name])
		}
	}
}

// TestNothingSavedUp holds that a client which was away for long, or gave up thousands of jobs, is
// neither ahead nor behind.
func TestNothingSavedUp(t *testing.T) {
	q := NewQueue(wide)
	add(t, q, start, "steady", 1<<30)
	var given []*Job
	for range 1000 {
		given = append(given, add(t, q, start, "fickle", 1000))
	}
	for _, j := range given {
		q.Give(j)
	}
	for range 1_000_000 {
		attempt(q)
	}
	add(t, q, start, "away", 1<<30)
	add(t, q, start, "fickle", 1<<30)
	got := map[string]int{}
	for range 300_000 {
		got[attempt(q).client.name]++
	}
	for _, name := range []string{"steady", "away", "fickle"} {
		if got[name] < 90_000 || got[name] > 110_000 {
			t.Errorf("%s: %d of 300,000 attempts", name, got[name])
		}
	}
}

// TestLuckIsForgotten holds that a proof found by luck is no disadvantage once the queue was empty.
func TestLuckIsForgotten(t *testing.T) {
	q := NewQueue(wide)
	lucky := add(t, q, start, "lucky", 1<<30)
	attempt(q)
	q.Solved(lucky)
	add(t, q, start, "other", 100)
	add(t, q, start, "other", 100)
	again := add(t, q, start, "lucky", 100)
	if j := q.Next(noCall); j != again {
		t.Errorf("first comes %s, with two jobs", j.client.name)
	}
}

// TestMoreThreadsThanJobs holds that no thread is idle while there is a job.
func TestMoreThreadsThanJobs(t *testing.T) {
	q := NewQueue(wide)
	a, b := add(t, q, start, "a", 100), add(t, q, start, "b", 100)
	running := map[*Job]int{}
	for range 6 {
		running[q.Next(noCall)]++
	}
	if running[a] != 3 || running[b] != 3 {
		t.Errorf("%d and %d threads", running[a], running[b])
	}
	q.Solved(a)
	for range 3 {
		q.Attempted(a)
	}
	if j := q.Next(noCall); j != b {
		t.Error("a job that was solved")
	}
}

// TestCalled holds that jobs are called in their turn, one ahead, and few at once.
func TestCalled(t *testing.T) {
	q := NewQueue(Limits{Jobs: 100, ClientJobs: 100, Ahead: 2})
	var called []*Job
	call := func(j *Job) { called = append(called, j) }
	jobs := map[string]*Job{}
	for _, name := range []string{"a", "b", "c", "d"} {
		jobs[name], _ = q.Add(start, Client{Name: name}, 100)
	}
	ready := add(t, q, start, "e", 100)
	if j := q.Next(call); j != ready {
		t.Fatal("nobody but e is ready")
	}
	if len(called) != 2 || called[0] != jobs["a"] || called[1] != jobs["b"] {
		t.Fatalf("called: %d", len(called))
	}
	q.Attempted(ready)
	if err := q.Ready(start, jobs["a"], 100); err != nil {
		t.Fatal(err)
	}
	if j := q.Next(call); j != jobs["a"] {
		t.Error("a was called first and comes first")
	}
	if len(called) != 3 || called[2] != jobs["c"] {
		t.Fatalf("called: %d", len(called))
	}
	q.Give(jobs["b"]) // its place among the called is free
	q.Next(call)
	if len(called) != 4 || called[3] != jobs["d"] {
		t.Fatalf("called: %d", len(called))
	}
}

func TestLimits(t *testing.T) {
	q := NewQueue(Limits{Jobs: 3, ClientJobs: 2, Ahead: 1})
	add(t, q, start, "a", 1)
	second := add(t, q, start, "a", 1)
	if _, err := q.Add(start, Client{Name: "a"}, 1); err != ErrClientFull {
		t.Error(err)
	}
	add(t, q, start, "b", 1)
	if _, err := q.Add(start, Client{Name: "c"}, 1); err != ErrFull {
		t.Error(err)
	}
	q.Give(second)
	q.Give(second) // once
	if q.Len() != 2 {
		t.Errorf("%d jobs", q.Len())
	}
	add(t, q, start, "c", 1)
}

func TestBudget(t *testing.T) {
	q := NewQueue(wide)
	c := Client{Name: "phone", EffortPerHour: 1000}
	enter := func(now time.Time, effort uint32) (*Job, error) { return q.Add(now, c, effort) }
	var e *BudgetError
	if _, err := enter(start, 1001); !errors.As(err, &e) || e.After != 0 {
		t.Errorf("more than a whole budget: %v", err)
	}
	if _, err := enter(start, 600); err != nil {
		t.Error(err)
	}
	if _, err := enter(start.Add(20*time.Minute), 400); err != nil {
		t.Error(err)
	}
	now := start.Add(30 * time.Minute)
	if _, err := enter(now, 500); !errors.As(err, &e) || e.After != 30*time.Minute+30*time.Second {
		t.Errorf("an hour after the minute of the first one: %v", err)
	}
	if _, err := enter(now.Add(e.After-time.Millisecond), 500); err == nil {
		t.Error("a moment too early")
	}
	j, err := enter(now.Add(e.After), 500)
	if err != nil {
		t.Error(err)
	}
	q.Give(j)
	j, err = enter(now.Add(e.After), 600) // what was given back
	if err != nil {
		t.Error(err)
	}
	if err := q.Ready(now.Add(e.After), j, 601); !errors.As(err, &e) {
		t.Errorf("the effort grew beyond the budget: %v", err)
	}
	if err := q.Ready(now.Add(e.After), j, 300); err != nil {
		t.Error(err)
	}
	if _, err := enter(now.Add(61*time.Minute), 300); err != nil {
		t.Error(err)
	}
}

// TestBudgetProperty compares with a list of all efforts. Those of any hour stay within the budget.
// A client is refused only when its budget is (nearly) spent, and it can come when it is told.
func TestBudgetProperty(t *testing.T) {
	type charge struct {
		at     time.Time
		effort uint64
	}
	rapid.Check(t, func(t *rapid.T) {
		budget := rapid.Uint64Range(1, 1000).Draw(t, "budget")
		q, now := NewQueue(wide), start
		var all []charge
		within := func(from time.Time, span time.Duration) (sum uint64) {
			for _, c := range all {
				if !c.at.Before(from) && c.at.Before(from.Add(span)) {
					sum += c.effort
				}
			}
			return sum
		}
		var told time.Time // when this effort would fit
		var wanted uint32
		for range rapid.IntRange(1, 60).Draw(t, "steps") {
			now = now.Add(time.Duration(rapid.IntRange(0, 1000).Draw(t, "seconds")) * time.Second)
			effort := rapid.Uint32Range(1, uint32(budget)).Draw(t, "effort")
			if wanted > 0 {
				now, effort = told, wanted
			}
			j, err := q.Add(now, Client{Name: "c", EffortPerHour: budget}, effort)
			if e := new(BudgetError); errors.As(err, &e) {
				if wanted > 0 {
					t.Fatalf("told to come at %v: %v", told, err)
				}
				if within(now.Add(-time.Hour-slot), time.Hour+slot+1)+uint64(effort) <= budget {
					t.Fatalf("refused at %v with budget left: %v", now, err)
				}
				told, wanted = now.Add(e.After), effort
				continue
			}
			wanted = 0
			for range rapid.IntRange(0, 20).Draw(t, "attempts") {
				attempt(q)
			}
			spent := uint64(effort)
			if rapid.Bool().Draw(t, "given up") {
				spent = min(spent, j.spent())
				q.Give(j)
			} else {
				q.Solved(j)
			}
			all = append(all, charge{now, spent})
		}
		for _, c := range all {
			if sum := within(c.at, time.Hour); sum > budget {
				t.Fatalf("%d in the hour from %v", sum, c.at)
			}
		}
	})
}

// TestQueueProperty does anything in any order and holds the queue to its invariants. Only jobs
// that are there and ready are attempted, and no thread is idle while one is. Few are called at
// once. In the end each job has had its turn.
func TestQueueProperty(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		limits := Limits{Jobs: 40, ClientJobs: 20, Ahead: rapid.IntRange(1, 3).Draw(t, "ahead")}
		q := NewQueue(limits)
		in, called := map[*Job]bool{}, map[*Job]bool{} // ready or not
		var running []*Job
		call := func(j *Job) {
			if ready, ok := in[j]; !ok || ready || called[j] {
				t.Fatal("called in vain")
			}
			called[j] = true
			unready := 0
			for j := range called {
				if ready, ok := in[j]; ok && !ready {
					unready++
				}
			}
			if unready > limits.Ahead {
				t.Fatalf("%d called at once", unready)
			}
		}
		anyJob := func() *Job {
			var all []*Job
			for j := range in {
				all = append(all, j)
			}
			if len(all) == 0 {
				return nil
			}
			least := all[0] // maps have no order, and cases must repeat
			nth := rapid.IntRange(0, len(all)-1).Draw(t, "job")
			for _, j := range all {
				rank := 0
				for _, other := range all {
					if other.sequence < j.sequence {
						rank++
					}
				}
				if rank == nth {
					least = j
				}
			}
			return least
		}
		next := func(t *rapid.T) {
			j := q.Next(call)
			if j == nil {
				for j, ready := range in {
					if ready {
						t.Fatalf("idle, with a job of %s", j.client.name)
					}
				}
				return
			}
			if !in[j] {
				t.Fatal("an attempt for a job that left or is not ready")
			}
			running = append(running, j)
		}
		t.Repeat(map[string]func(*rapid.T){
			"add": func(t *rapid.T) {
				name := rapid.SampledFrom([]string{"a", "b", "c", "d"}).Draw(t, "client")
				j, err := q.Add(start, Client{Name: name}, rapid.Uint32Range(1, 3*Quantum).Draw(t, "effort"))
				if err == nil {
					in[j] = false
				} else if len(in) < limits.Jobs && !errors.Is(err, ErrClientFull) {
					t.Fatal(err)
				}
			},
			"ready": func(t *rapid.T) {
				if j := anyJob(); j != nil {
					if err := q.Ready(start, j, rapid.Uint32Range(1, 3*Quantum).Draw(t, "effort")); err != nil {
						t.Fatal(err)
					}
					in[j] = true
				}
			},
			"next": next,
			"attempted": func(t *rapid.T) {
				if len(running) > 0 {
					q.Attempted(running[0])
					running = running[1:]
				}
			},
			"solved": func(t *rapid.T) {
				if len(running) > 0 {
					q.Attempted(running[0])
					q.Solved(running[0])
					delete(in, running[0])
					running = running[1:]
				}
			},
			"give": func(t *rapid.T) {
				if j := anyJob(); j != nil {
					q.Give(j)
					delete(in, j)
				}
			},
			"": func(t *rapid.T) {
				if q.Len() != len(in) {
					t.Fatalf("%d jobs, want %d", q.Len(), len(in))
				}
				for j := range in {
					if s := q.Standing(j); s.Effort < j.effort || s.Jobs >= j.client.jobs.Len() {
						t.Fatalf("%+v", s)
					}
				}
			},
		})
		for j := range in {
			if err := q.Ready(start, j, 10); err != nil {
				t.Fatal(err)
			}
			in[j] = true
		}
		for _, j := range running {
			q.Attempted(j)
		}
		for range 50 * len(in) {
			if j := q.Next(call); j != nil {
				q.Attempted(j)
				q.Solved(j)
				delete(in, j)
			}
		}
		if len(in) != 0 || q.Len() != 0 || q.waiting.Len() != 0 || q.called != 0 {
			t.Fatalf("left: %d jobs", len(in))
		}
	})
}
