package lfsync

import (
	"context"
	"fmt"
	"runtime"
	"slices"
	"sync"

	"github.com/lf-store/lf/protocol"
)

// checker verifies records on a bounded number of cores, in batches where several wait: signatures
// verified together cost half. It has no goroutines of its own. Whoever waits for a record takes a
// core when one is free and verifies what waits the longest, which need not be its own.
type checker struct {
	verifyOne  func(*protocol.Record) error
	verifyMany func([]*protocol.Record) []error
	cores      chan struct{} // a token for each core in use
	// a token for each batch of fetched records that is on a core or waits for one
	ahead chan struct{}

	mu    sync.Mutex
	queue []*checking
	batch int // how many are verified together now
}

// checking is one record that waits.
type checking struct {
	record *protocol.Record
	taken  chan struct{} // closed when somebody verifies it
	done   chan error    // has room for the result, so that nobody waits for a caller that has gone
}

func newChecker(n *protocol.Network, verify protocol.WorkVerifier) *checker {
	return &checker{
		verifyOne:  func(r *protocol.Record) error { return n.Check(r, verify) },
		verifyMany: func(rs []*protocol.Record) []error { return n.CheckBatch(rs, verify) },
		cores:      make(chan struct{}, runtime.GOMAXPROCS(0)),
		ahead:      make(chan struct{}, checksAhead*runtime.GOMAXPROCS(0)),
		batch:      maxBatch,
	}
}

// check verifies a record, or returns when ctx ends. A record that goes first is in the next batch.
func (c *checker) check(ctx context.Context, r *protocol.Record, first bool) error {
	own := &checking{record: r, taken: make(chan struct{}), done: make(chan error, 1)}
	c.mu.Lock()
	if first {
		c.queue = slices.Insert(c.queue, 0, own)
	} else {
		c.queue = append(c.queue, own)
	}
	c.mu.Unlock()
	for {
		select {
		case <-own.taken:
			return own.wait(ctx)
		case c.cores <- struct{}{}:
			// who else can run joins the batch: cores are busy verifying, so it had no chance
			// before
			runtime.Gosched()
			c.verify(c.next())
			<-c.cores
		case <-ctx.Done():
			c.leave(own)
			return own.late(ctx)
		}
	}
}

// checkAll verifies records that came together, when a core is free. A fault among them has each
// verified by itself: it ends their answer, so nobody can make us do that all the time.
func (c *checker) checkAll(batch []*incoming) []error {
	records := make([]*protocol.Record, len(batch))
	for i, in := range batch {
		records[i] = in.record
	}
	c.cores <- struct{}{}
	defer func() { <-c.cores }()
	return c.verifyMany(records)
}

func (w *checking) wait(ctx context.Context) error {
	select {
	case err := <-w.done:
		return err
	case <-ctx.Done():
		return w.late(ctx)
	}
}

func (w *checking) late(ctx context.Context) error {
	return fmt.Errorf("wait to check record %s: %w", w.record.ID(), context.Cause(ctx))
}

// next takes the batch that waits the longest.
func (c *checker) next() []*checking {
	c.mu.Lock()
	defer c.mu.Unlock()
	n := min(c.batch, len(c.queue))
	batch := c.queue[:n:n]
	c.queue = c.queue[n:]
	for _, w := range batch {
		close(w.taken)
	}
	return batch
}

// leave takes out a record that nobody waits for any more, if it still waits.
func (c *checker) leave(gone *checking) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for i, w := range c.queue {
		if w == gone {
			c.queue = append(c.queue[:i:i], c.queue[i+1:]...)
			return
		}
	}
}

func (c *checker) verify(batch []*checking) {
	if len(batch) == 1 {
		c.tell(batch, []error{c.verifyOne(batch[0].record)})
		return
	}
	records := make([]*protocol.Record, len(batch))
	for i, w := range batch {
		records[i] = w.record
	}
	if len(records) > 0 {
		c.tell(batch, c.verifyMany(records))
	}
}

// tell hands out the results. The signatures of a batch with a fault are verified once more, one by
// one. Batches are small after a fault and grow again with each that has none, so nobody can make
// us do that all the time.
func (c *checker) tell(batch []*checking, errs []error) {
	faulty := false
	for i, w := range batch {
		faulty = faulty || errs[i] != nil
		w.done <- errs[i]
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if faulty {
		c.batch = 1
	} else {
		c.batch = min(maxBatch, 2*c.batch)
	}
}
