package workqueue

import "time"

// Use is what a client has of a queue.
type Use struct {
	Jobs  int    // that wait or are worked for
	Spent uint64 // effort in the past hour, that of the jobs included
}

// Use tells what a client has of the queue now. One that never came has nothing.
func (q *Queue) Use(now time.Time, name string) Use {
	c, ok := q.clients[name]
	if !ok {
		return Use{}
	}
	c.spent.advance(now)
	return Use{Jobs: c.jobs.Len(), Spent: c.spent.sum}
}

// Use tells what a client has of the pool's queue now.
func (p *Pool) Use(name string) Use {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.queue.Use(time.Now(), name)
}
