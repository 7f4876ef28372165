package workqueue

import (
	"container/list"
	"errors"
	"fmt"
	"math"
	"time"

	"github.com/lf-store/lf/internal/heap"
)

// ClientAhead is how many jobs of one client may have been called that are not ready yet. A client
// that answers no call keeps no others from being called.
const ClientAhead = 2

// Quantum is how much effort a job gets before its client's clock advances. A typical record takes
// less, so most jobs are solved in one go, in the order in which their clients' turns came.
const Quantum = 1 << 12

// The reasons why a queue takes no job.
var (
	ErrFull       = errors.New("too many requests wait for their proof of work: try again later")
	ErrClientFull = errors.New("too many of this client's requests wait for their proof of work: try again later")
)

// BudgetError says that a client's budget does not cover a job.
type BudgetError struct {
	Effort, Budget uint64        // the budget is for an hour
	After          time.Duration // until the budget covers it; 0 where it never will
}

func (e *BudgetError) Error() string {
	if e.After == 0 {
		return fmt.Sprintf("the record takes an effort of %d, and this client may spend %d in an hour", e.Effort, e.Budget)
	}
	return fmt.Sprintf("this client's budget of %d in an hour is spent: an effort of %d is possible in %v",
		e.Budget, e.Effort, e.After.Round(time.Second))
}

// Client is who asks for a proof.
type Client struct {
	Name          string
	EffortPerHour uint64 // 0: not limited
}

// Limits bound a queue.
type Limits struct {
	Jobs       int // of all clients
	ClientJobs int // of one client
	Ahead      int // whose turn has come and which are not ready yet
}

// Job is one proof that a client wants.
type Job struct {
	client   *client
	place    *list.Element // nil once it has left
	budget   uint64
	effort   uint64
	minute   int64  // in which it was charged
	sequence uint64 // in the order of arrival
	attempts uint64 // begun
	counted  uint64 // of spent, when a client came back last
	running  int    // attempts under way
	ready    bool   // its puzzle is known
	called   bool   // its turn has come
}

// progress is how far its client's clock has advanced for a job that is not yet solved.
func (j *Job) progress() uint64 { return j.counted + (j.spent()-j.counted)/Quantum*Quantum }

// spent is the effort of the attempts so far: each tries two solutions on average.
func (j *Job) spent() uint64 { return 2 * j.attempts }

// client is a client with jobs, or one that spent something in the past hour.
type client struct {
	name   string
	jobs   *list.List // in the order of arrival
	effort uint64     // of all its jobs
	clock  uint64     // the effort that it was given
	spent  spending
	called int // of its jobs that are not ready yet

	next     *Job   // the first job that a thread could take, nil for none
	nextTime uint64 // what the clock will be when that job begins
	at       int    // in the heap, -1 when next is nil
}

// Queue decides whose turn it is. Make one with [NewQueue]. Its methods may not be called
// concurrently.
type Queue struct {
	limits   Limits
	clients  map[string]*client
	waiting  *heap.Heap[*client] // those that have a job for a thread
	latest   uint64              // of all clients' clocks
	called   int                 // jobs whose turn has come and which are not ready
	jobs     int
	sequence uint64
	swept    time.Time
}

// NewQueue returns an empty queue.
func NewQueue(limits Limits) *Queue {
	return &Queue{
		limits:  limits,
		clients: map[string]*client{},
		waiting: heap.New(before, func(c *client, at int) { c.at = at }),
	}
}

// before orders clients by whose turn comes first.
func before(a, b *client) bool {
	switch {
	case a.nextTime != b.nextTime:
		return a.nextTime < b.nextTime
	case a.jobs.Len() != b.jobs.Len():
		return a.jobs.Len() < b.jobs.Len()
	}
	return a.next.sequence < b.next.sequence
}

// Len counts the jobs.
func (q *Queue) Len() int { return q.jobs }

// Add takes a job and charges its effort. It returns [ErrFull], [ErrClientFull] or a [*BudgetError]
// if the queue takes no such job. No attempt is made for a job before [Queue.Ready].
func (q *Queue) Add(now time.Time, by Client, effort uint32) (*Job, error) {
	q.sweep(now)
	c := q.client(by.Name)
	switch {
	case q.jobs >= q.limits.Jobs:
		return nil, ErrFull
	case c.jobs.Len() >= q.limits.ClientJobs:
		return nil, ErrClientFull
	}
	if err := c.afford(now, uint64(effort), by.EffortPerHour); err != nil {
		return nil, err
	}
	if c.jobs.Len() == 0 {
		if c.clock > q.present() {
			q.count()
		}
		c.clock = max(c.clock, q.present())
	}
	q.sequence++
	j := &Job{client: c, budget: by.EffortPerHour, effort: uint64(effort), minute: c.spent.add(uint64(effort)), sequence: q.sequence}
	j.place = c.jobs.PushBack(j)
	c.effort += j.effort
	q.jobs++
	q.choose(c)
	return j, nil
}

// count advances the clocks by what was spent in the quanta under way. A client that had a turn not
// long ago, and comes back, would otherwise wait for the rest of another one's quantum.
func (q *Queue) count() {
	for _, c := range q.clients {
		if first := c.jobs.Front(); first != nil {
			if j := first.Value.(*Job); j.counted != j.spent() {
				j.counted = j.spent()
				q.choose(c)
			}
		}
	}
}

// present is the clock with which a client starts: the least of those that have jobs. Where nobody
// has, all start with the same one, and the luck of the past is no disadvantage.
func (q *Queue) present() uint64 {
	least, any := uint64(math.MaxUint64), false
	for _, c := range q.clients {
		if c.jobs.Len() > 0 {
			least, any = min(least, c.clock+c.jobs.Front().Value.(*Job).progress()), true
		}
	}
	if !any {
		return q.latest
	}
	return least
}

func (q *Queue) client(name string) *client {
	c, ok := q.clients[name]
	if !ok {
		c = &client{name: name, jobs: list.New(), at: -1}
		q.clients[name] = c
	}
	return c
}

// afford returns a [*BudgetError] if an effort is too much for now.
func (c *client) afford(now time.Time, effort, budget uint64) error {
	c.spent.advance(now)
	switch {
	case budget == 0 || c.spent.sum+effort <= budget:
		return nil
	case effort > budget:
		return &BudgetError{Effort: effort, Budget: budget}
	}
	return &BudgetError{Effort: effort, Budget: budget, After: c.spent.wait(now, effort, budget)}
}

// sweep forgets, from time to time, the clients that have spent nothing for an hour.
func (q *Queue) sweep(now time.Time) {
	if now.Sub(q.swept) < time.Hour {
		return
	}
	q.swept = now
	for name, c := range q.clients {
		if c.spent.advance(now); c.spent.sum == 0 && c.jobs.Len() == 0 {
			delete(q.clients, name)
		}
	}
}

// Ready says that attempts can be made for a job, and what effort it takes after all. It returns a
// [*BudgetError] if that is more than was charged and the budget does not cover it.
func (q *Queue) Ready(now time.Time, j *Job, effort uint32) error {
	if j.place == nil || j.ready {
		return nil
	}
	c := j.client
	if err := c.recharge(now, j, uint64(effort)); err != nil {
		return err
	}
	if j.ready = true; j.called {
		q.uncall(c)
	}
	q.choose(c)
	return nil
}

func (c *client) recharge(now time.Time, j *Job, effort uint64) error {
	c.spent.takeBack(j.effort, j.minute)
	err := c.afford(now, effort, j.budget)
	if err != nil {
		effort = j.effort // it stays charged until it is given up
	}
	j.minute = c.spent.add(effort)
	c.effort += effort - j.effort
	j.effort = effort
	return err
}

// Next returns the job for which a thread makes its next attempt, nil when there is none. The
// thread tells its end with [Queue.Attempted]. Next calls the jobs whose turn comes and which are
// not ready, and one job ahead: the threads then need not wait for it.
func (q *Queue) Next(call func(*Job)) *Job {
	var put []*client // their turn has come, but too many others' jobs are not ready
	defer func() {
		for _, c := range put {
			q.choose(c)
		}
	}()
	for q.waiting.Len() > 0 {
		c := q.waiting.First()
		switch j := c.next; {
		case j.ready:
			q.begin(j)
			q.callFirst(call)
			return j
		case !q.callFirst(call):
			q.waiting.Pop()
			put = append(put, c)
		}
	}
	return q.share()
}

// callFirst calls the job whose turn is next if it is not ready. It returns false if too many have
// been called, or if it would wait for long after that.
func (q *Queue) callFirst(call func(*Job)) bool {
	if q.waiting.Len() == 0 || q.waiting.First().next.ready {
		return true
	}
	c := q.waiting.First()
	j := c.next
	first := c.nextTime - c.clock - j.progress() // effort of the client's jobs that come before
	if q.called >= q.limits.Ahead || c.called >= ClientAhead || first > Quantum {
		return false
	}
	j.called = true
	q.called++
	c.called++
	q.choose(c)
	call(j)
	return true
}

func (q *Queue) uncall(c *client) {
	q.called--
	c.called--
}

func (q *Queue) begin(j *Job) {
	j.attempts++
	j.running++
	q.choose(j.client)
}

// share returns a job that other threads are working on: there are more threads than jobs.
func (q *Queue) share() *Job {
	var least *Job
	for _, c := range q.clients {
		for e := c.jobs.Front(); e != nil; e = e.Next() {
			j := e.Value.(*Job)
			if j.ready && (least == nil || j.running < least.running || j.running == least.running && j.sequence < least.sequence) {
				least = j
			}
		}
	}
	if least != nil {
		q.begin(least)
	}
	return least
}

// Attempted says that an attempt for a job has ended without a proof.
func (q *Queue) Attempted(j *Job) {
	j.running--
	if j.place != nil {
		q.choose(j.client)
	}
}

// Solved takes a job out that has its proof. The attempts that other threads make for it are still
// told by [Queue.Attempted].
func (q *Queue) Solved(j *Job) { q.remove(j, j.effort) }

// Give takes a job out that nobody wants any more, and gives back what was not spent for it. A job
// that has left already stays as it is.
func (q *Queue) Give(j *Job) { q.remove(j, min(j.effort, j.spent())) }

func (q *Queue) remove(j *Job, spent uint64) {
	if j.place == nil {
		return
	}
	c := j.client
	c.jobs.Remove(j.place)
	j.place = nil
	c.spent.takeBack(j.effort-spent, j.minute)
	c.effort -= j.effort
	c.clock += spent
	if j.called && !j.ready {
		q.uncall(c)
	}
	q.latest = max(q.latest, c.clock)
	q.jobs--
	q.choose(c)
}

// choose finds the job of a client that a thread could take, and the client's place among the
// others.
func (q *Queue) choose(c *client) {
	if c.at >= 0 {
		q.waiting.Remove(c.at)
	}
	c.next, c.nextTime = nil, c.clock
	for e := c.jobs.Front(); e != nil; e = e.Next() {
		j := e.Value.(*Job)
		if j.running == 0 && (j.ready || !j.called) {
			c.next = j
			c.nextTime += j.progress()
			q.waiting.Push(c)
			return
		}
		c.nextTime += j.effort
	}
}

// Standing is where a job stands.
type Standing struct {
	Jobs   int    // of the same client that come before it
	Effort uint64 // that is spent before it is solved, on average, its own included
}

// Standing tells where a job stands, as far as one can know: jobs that come later may have their
// turn before it.
func (q *Queue) Standing(j *Job) Standing {
	if j.place == nil {
		return Standing{}
	}
	s := Standing{Effort: j.effort}
	for e := j.place.Prev(); e != nil; e = e.Prev() {
		s.Jobs++
		s.Effort += e.Value.(*Job).effort
	}
	own := s.Effort
	for _, c := range q.clients {
		if c != j.client {
			s.Effort += min(own, c.effort)
		}
	}
	return s
}
