package workqueue

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"time"

	"github.com/lf-store/lf/pow"
)

// ErrClosed is the cause of all that ends with a pool.
var ErrClosed = errors.New("the solver has ended")

const (
	// reportInterval is the time between two reports of progress.
	reportInterval = 100 * time.Millisecond
	// reportDelay is added for each job of the same client that comes before: telling where a job
	// stands takes a step for each of them. No interval is above maxReportInterval.
	reportDelay       = 10 * time.Millisecond
	maxReportInterval = 15 * time.Second
)

// Search makes attempts for one puzzle. [pow.Search] is one. Its methods are called concurrently.
type Search interface {
	Attempt() (pow.Proof, bool)
	Stop()
	Progress() pow.Progress
}

// Config says what a pool works with.
type Config struct {
	Threads int // at least 1
	Limits  Limits
	// Search begins a search. Nil: package pow's, on threads of low priority.
	Search func(challenge []byte, effort uint32) (Search, error)
	// Logger is told how proofs are computed here. It may be nil.
	Logger *slog.Logger
}

// Pool runs a [Queue] on threads. It has threads only while it has jobs. Its methods may be called
// concurrently.
type Pool struct {
	config Config
	yield  func() // lowers a thread's priority, and measures ways to hash if nobody has yet

	mu      sync.Mutex
	queue   *Queue
	tickets map[*Job]*Ticket
	rate    rate
	running int
	closed  bool          // no thread makes an attempt any more
	leaving bool          // nobody may enter
	empty   chan struct{} // closed when the last job has left; nil: nobody waits for that
	threads sync.WaitGroup
}

// NewPool makes a pool. Close ends it. Without a limit of its own it calls enough jobs ahead that a
// few clients which answer no call keep no others waiting.
func NewPool(config Config) *Pool {
	if config.Limits.Ahead == 0 {
		// A client that is called may be a phone: the threads have others to work for meanwhile.
		config.Limits.Ahead = ClientAhead*config.Threads + 4*ClientAhead
	}
	p := &Pool{config: config, yield: func() {}, queue: NewQueue(config.Limits), tickets: map[*Job]*Ticket{}}
	if config.Search == nil {
		logged := sync.OnceFunc(func() { logPaths(config.Logger, pow.Paths()) })
		p.yield = func() { pow.YieldThread(); logged() }
		p.config.Search = func(challenge []byte, effort uint32) (Search, error) { return pow.NewSearch(challenge, effort) }
	}
	return p
}

// Close ends all attempts and waits for the threads. What waits for a proof gets [ErrClosed].
func (p *Pool) Close() {
	p.mu.Lock()
	p.closed = true
	for _, t := range p.tickets {
		t.end(outcome{err: ErrClosed})
	}
	p.mu.Unlock()
	p.threads.Wait()
}

// Len counts the jobs.
func (p *Pool) Len() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.queue.Len()
}

// Ticket is a place in the queue. Its holder must call Leave. Its methods may not be called
// concurrently.
type Ticket struct {
	pool   *Pool
	job    *Job
	turn   chan struct{} // closed when its turn has come
	result chan outcome  // has room for one
	search Search        // nil until Solve
}

type outcome struct {
	proof pow.Proof
	err   error
}

// Enter takes a place for a record of about this effort, and charges it. It returns what
// [Queue.Add] does, or [ErrClosed].
func (p *Pool) Enter(by Client, effort uint32) (*Ticket, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.closed || p.leaving {
		return nil, ErrClosed
	}
	job, err := p.queue.Add(time.Now(), by, effort)
	if err != nil {
		return nil, err
	}
	t := &Ticket{pool: p, job: job, turn: make(chan struct{}), result: make(chan outcome, 1)}
	p.tickets[job] = t
	p.wake()
	return t, nil
}

// Leave gives up the place unless its proof was found. What was not spent is given back. Attempts
// under way end at once.
func (t *Ticket) Leave() {
	t.pool.mu.Lock()
	defer t.pool.mu.Unlock()
	t.end(outcome{err: context.Canceled})
	t.pool.wake() // its turn may have kept others waiting
}

// Turn waits for the ticket's turn. A record that is composed after it is not old when its proof is
// found. [Ticket.Solve] may be called without it. For report see there.
func (t *Ticket) Turn(ctx context.Context, report func(Progress)) error {
	o, err := t.wait(ctx, t.turn, report)
	if err != nil {
		return err
	}
	return o.err
}

// Solve waits for the proof of a puzzle. Its effort may differ from the one that was said before:
// a [*BudgetError] says that the budget does not cover the difference. It returns the cause of
// ctx's end, or [ErrClosed]. report may be nil. It is called on the calling goroutine, about every
// 100 milliseconds, and more seldom while many jobs of the same client come first.
func (t *Ticket) Solve(ctx context.Context, challenge []byte, effort uint32, report func(Progress)) (pow.Proof, error) {
	if err := t.begin(challenge, effort); err != nil {
		return pow.Proof{}, err
	}
	o, err := t.wait(ctx, nil, report)
	if err != nil {
		t.Leave()
		return pow.Proof{}, err
	}
	return o.proof, o.err
}

// wait returns when something comes of the ticket: its turn or its outcome. err is the cause of
// ctx's end.
func (t *Ticket) wait(ctx context.Context, turn <-chan struct{}, report func(Progress)) (o outcome, err error) {
	var due <-chan time.Time
	var timer *time.Timer
	if report != nil {
		timer = time.NewTimer(reportInterval)
		defer timer.Stop()
		due = timer.C
	}
	for {
		select {
		case <-ctx.Done():
			return o, context.Cause(ctx)
		case <-turn:
			return o, nil
		case o := <-t.result:
			return o, nil
		case <-due:
			p := t.Progress()
			report(p)
			timer.Reset(min(reportInterval+time.Duration(p.Jobs)*reportDelay, maxReportInterval))
		}
	}
}

func (t *Ticket) begin(challenge []byte, effort uint32) error {
	search, err := t.pool.config.Search(challenge, effort)
	if err != nil {
		return err
	}
	t.pool.mu.Lock()
	defer t.pool.mu.Unlock()
	if t.pool.closed {
		return ErrClosed
	}
	t.search = search
	if err := t.pool.queue.Ready(time.Now(), t.job, effort); err != nil {
		return err
	}
	t.pool.wake()
	return nil
}

// Progress is how far a ticket is.
type Progress struct {
	Standing
	Wait     time.Duration // until it is solved, on average; 0 where nothing is known
	Attempts uint64        // made so far
}

// Progress tells how far the ticket is.
func (t *Ticket) Progress() Progress {
	t.pool.mu.Lock()
	defer t.pool.mu.Unlock()
	p := Progress{Standing: t.pool.queue.Standing(t.job)}
	p.Wait = t.pool.rate.time(p.Effort, t.pool.config.Threads)
	if t.search != nil {
		p.Attempts = t.search.Progress().Attempts
	}
	return p
}

// end takes a ticket out, once.
func (t *Ticket) end(o outcome) {
	if _, in := t.pool.tickets[t.job]; !in {
		return
	}
	delete(t.pool.tickets, t.job)
	if o.err == nil {
		t.pool.queue.Solved(t.job)
	} else {
		t.pool.queue.Give(t.job)
	}
	if t.search != nil {
		t.search.Stop()
	}
	t.result <- o
	if t.pool.empty != nil && len(t.pool.tickets) == 0 {
		close(t.pool.empty)
		t.pool.empty = nil
	}
}

// wake starts the threads that are missing.
func (p *Pool) wake() {
	for p.running < p.config.Threads && !p.closed && p.queue.Len() > 0 {
		p.running++
		p.threads.Go(p.work)
	}
}

// work makes attempts until there is none to make.
func (p *Pool) work() {
	p.yield()
	for t := p.next(); t != nil; t = p.next() {
		begun := time.Now()
		proof, found := t.search.Attempt()
		p.attempted(t, proof, found, time.Since(begun))
	}
}

func (p *Pool) next() *Ticket {
	p.mu.Lock()
	defer p.mu.Unlock()
	job := p.queue.Next(func(j *Job) { close(p.tickets[j].turn) })
	if job == nil || p.closed {
		p.running--
		return nil
	}
	return p.tickets[job]
}

func (p *Pool) attempted(t *Ticket, proof pow.Proof, found bool, took time.Duration) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.queue.Attempted(t.job)
	if _, in := p.tickets[t.job]; !in {
		return // it was stopped
	}
	p.rate.add(took)
	if found {
		t.end(outcome{proof: proof})
	}
}
