package workqueue

import (
	"testing"
	"time"
)

// TestSilentClient: a client that answers no call keeps the others' jobs from nothing.
func TestSilentClient(t *testing.T) {
	q := NewQueue(Limits{Jobs: 100, ClientJobs: 100, Ahead: 5})
	now := time.Unix(1e9, 0)
	add := func(name string) *Job {
		t.Helper()
		j, err := q.Add(now, Client{Name: name}, 10)
		if err != nil {
			t.Fatal(err)
		}
		return j
	}
	for range 20 {
		add("silent")
	}
	called := map[*Job]bool{}
	next := func() *Job { return q.Next(func(j *Job) { called[j] = true }) }
	for range 9 {
		if j := next(); j != nil {
			t.Fatalf("an attempt for %+v", j)
		}
	}
	if len(called) != ClientAhead {
		t.Errorf("%d jobs of one client are called", len(called))
	}
	other := add("other")
	if next(); !called[other] {
		t.Fatal("the other client's job is not called")
	}
	if err := q.Ready(now, other, 10); err != nil {
		t.Fatal(err)
	}
	if j := next(); j != other {
		t.Errorf("the attempt is for %+v", j)
	}
	for j := range called {
		q.Give(j)
	}
	if next(); len(called) != 2*ClientAhead+1 {
		t.Errorf("%d jobs are called after the silent ones left", len(called))
	}
}

// TestNoEarlyCall: a job is not called while long work of its client comes first. What it composes
// would be old when its work begins.
func TestNoEarlyCall(t *testing.T) {
	q := NewQueue(Limits{Jobs: 100, ClientJobs: 100, Ahead: 5})
	now := time.Unix(1e9, 0)
	for name, first := range map[string]uint32{"short": 10, "long": 10 * Quantum} {
		called := map[*Job]bool{}
		add := func(effort uint32) *Job {
			t.Helper()
			j, err := q.Add(now, Client{Name: name}, effort)
			if err != nil {
				t.Fatal(err)
			}
			return j
		}
		ahead, next := add(first), add(10)
		if err := q.Ready(now, ahead, first); err != nil {
			t.Fatal(err)
		}
		for range 3 {
			if j := q.Next(func(j *Job) { called[j] = true }); j != ahead {
				t.Fatalf("%s: an attempt for %+v", name, j)
			}
			q.Attempted(ahead)
		}
		if early := name == "short"; called[next] && !early {
			t.Errorf("%s: called while the one before takes long", name)
		}
		q.Solved(ahead)
		if q.Next(func(j *Job) { called[j] = true }); !called[next] {
			t.Errorf("%s: not called in its turn", name)
		}
		q.Give(next)
	}
}

// TestNextRequest: a client that asks for little, again and again, waits for one attempt each time,
// whatever others have queued.
func TestNextRequest(t *testing.T) {
	q := NewQueue(Limits{Jobs: 1000, ClientJobs: 1000, Ahead: 5})
	now := time.Unix(1e9, 0)
	add := func(name string, effort uint32) *Job {
		t.Helper()
		j, err := q.Add(now, Client{Name: name}, effort)
		if err == nil {
			err = q.Ready(now, j, effort)
		}
		if err != nil {
			t.Fatal(err)
		}
		return j
	}
	attempt := func() *Job {
		j := q.Next(func(*Job) {})
		q.Attempted(j)
		return j
	}
	for range 500 {
		add("greedy", 1<<30)
	}
	for pause := range 20 {
		for range pause { // the greedy one is served meanwhile
			attempt()
		}
		small := add("modest", 1)
		if j := attempt(); j != small {
			t.Fatalf("after %d attempts for the other one: it waits", pause)
		}
		q.Solved(small)
	}
}
