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
	if len(called) != clientAhead {
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
	if next(); len(called) != 2*clientAhead+1 {
		t.Errorf("%d jobs are called after the silent ones left", len(called))
	}
}
