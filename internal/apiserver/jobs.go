package apiserver

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"net/http"
	"slices"
	"sync"
	"time"

	"github.com/lf-store/lf/internal/caller"
	"github.com/lf-store/lf/node/api"
)

// Limits of jobs.
const (
	// maxJobs and maxClientJobs bound the jobs of all clients and of one, those included that have
	// ended. A job keeps its request while it runs, which is half a megabyte at worst.
	maxJobs, maxClientJobs = 256, 32
	// jobKept is how long a job is kept after its end.
	jobKept = 10 * time.Minute
)

// jobs are the requests that are answered later. It is safe for concurrent use.
type jobs struct {
	mu      sync.Mutex
	all     map[string]*job
	closed  bool
	running sync.WaitGroup
}

// job is one of them.
type job struct {
	id     string
	client string // who made it: the only one to see it
	made   time.Time
	cancel context.CancelFunc
	ended  chan struct{} // closed when answer is there
	answer *memoryAnswer

	mu       sync.Mutex
	progress *api.WorkProgress
	at       time.Time // when it ended
}

// clientOf tells the clients of jobs apart, as the work queue does.
func clientOf(ctx context.Context) string { return caller.Of(ctx).Name }

func newJobs() *jobs { return &jobs{all: map[string]*job{}} }

// start runs a job in the background. answer gets its context, and must return an answer.
func (j *jobs) start(ctx context.Context, answer func(context.Context) *memoryAnswer) (*job, error) {
	ctx, cancel := context.WithCancel(context.WithoutCancel(ctx))
	one := &job{id: rand.Text(), client: clientOf(ctx), made: time.Now(), cancel: cancel, ended: make(chan struct{})}
	if err := j.add(one); err != nil {
		cancel()
		return nil, err
	}
	go func() {
		defer j.running.Done()
		defer cancel()
		one.end(answer(api.WithWorkProgress(ctx, one.report)))
	}()
	return one, nil
}

// add makes room for a job. A client's oldest jobs that have ended make way for its new ones.
func (j *jobs) add(one *job) error {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.sweep(time.Now())
	var own []*job
	for _, other := range j.all {
		if other.client == one.client {
			own = append(own, other)
		}
	}
	if len(own) >= maxClientJobs {
		ended := slices.DeleteFunc(own, func(o *job) bool { return o.endedAt().IsZero() })
		if len(ended) == 0 {
			return api.Unavailable("%d jobs of this client are running: wait until one has ended", maxClientJobs)
		}
		delete(j.all, slices.MinFunc(ended, func(a, b *job) int { return a.endedAt().Compare(b.endedAt()) }).id)
	}
	switch {
	case j.closed:
		return api.Unavailable("the service is closing")
	case len(j.all) >= maxJobs:
		return api.Unavailable("too many jobs are running or were not fetched: try again later")
	}
	j.all[one.id] = one
	j.running.Add(1)
	return nil
}

// sweep forgets what ended long ago.
func (j *jobs) sweep(now time.Time) {
	for id, one := range j.all {
		if at := one.endedAt(); !at.IsZero() && now.Sub(at) >= jobKept {
			delete(j.all, id)
		}
	}
}

// find returns a client's job.
func (j *jobs) find(client, id string) (*job, error) {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.sweep(time.Now())
	one := j.all[id]
	if one == nil || one.client != client {
		return nil, api.NotFound("there is no such job of this client: it may have ended more than %d minutes ago", jobKept/time.Minute)
	}
	return one, nil
}

// remove cancels a client's job and forgets it.
func (j *jobs) remove(client, id string) error {
	one, err := j.find(client, id)
	if err != nil {
		return err
	}
	one.cancel()
	j.mu.Lock()
	defer j.mu.Unlock()
	delete(j.all, id)
	return nil
}

// close waits until the jobs have ended, and ends them when ctx does.
func (j *jobs) close(ctx context.Context) {
	j.mu.Lock()
	j.closed = true
	all := make([]*job, 0, len(j.all))
	for _, one := range j.all {
		all = append(all, one)
	}
	j.mu.Unlock()
	stop := context.AfterFunc(ctx, func() {
		for _, one := range all {
			one.cancel()
		}
	})
	defer stop()
	j.running.Wait()
}

func (o *job) report(p api.WorkProgress) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.progress = &p
}

func (o *job) end(a *memoryAnswer) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.at, o.progress, o.answer = time.Now(), nil, a
	close(o.ended)
}

// endedAt is when a job ended, zero while it runs.
func (o *job) endedAt() time.Time {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.at
}

// show tells how a job stands.
func (o *job) show() *api.Job {
	o.mu.Lock()
	defer o.mu.Unlock()
	out := &api.Job{Job: o.id, Made: api.Millis(o.made), Progress: o.progress}
	if o.at.IsZero() {
		return out
	}
	out.Done, out.Status, out.Until = true, o.answer.status, api.Millis(o.at.Add(jobKept))
	if !o.answer.failed() {
		out.Result = json.RawMessage(o.answer.body.Bytes())
		return out
	}
	out.Error = new(api.Error)
	if err := unmarshal(o.answer.body.Bytes(), out.Error); err != nil {
		out.Error = api.NewError(o.answer.status, "%s", http.StatusText(o.answer.status))
	}
	return out
}
