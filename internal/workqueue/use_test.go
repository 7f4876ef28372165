package workqueue_test

import (
	"testing"
	"time"

	"github.com/lf-store/lf/internal/workqueue"
)

func TestUse(t *testing.T) {
	q := workqueue.NewQueue(workqueue.Limits{Jobs: 10, ClientJobs: 10, Ahead: 1})
	now := time.Unix(1e9, 0)
	a := workqueue.Client{Name: "a", EffortPerHour: 100}
	want := func(at time.Time, name string, use workqueue.Use) {
		t.Helper()
		if got := q.Use(at, name); got != use {
			t.Errorf("%s: %+v, want %+v", name, got, use)
		}
	}
	add := func(effort uint32) *workqueue.Job {
		t.Helper()
		j, err := q.Add(now, a, effort)
		if err != nil {
			t.Fatal(err)
		}
		return j
	}
	want(now, "a", workqueue.Use{})
	solved, given := add(30), add(50)
	want(now, "a", workqueue.Use{Jobs: 2, Spent: 80})
	want(now, "b", workqueue.Use{})
	q.Solved(solved)
	q.Give(given)
	want(now, "a", workqueue.Use{Spent: 30})
	want(now.Add(59*time.Minute), "a", workqueue.Use{Spent: 30})
	want(now.Add(2*time.Hour), "a", workqueue.Use{})
}
