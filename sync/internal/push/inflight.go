package push

import (
	"context"
	"maps"
	"sync"
	"time"

	lru "github.com/hashicorp/golang-lru/v2"

	"github.com/lf-store/lf/protocol"
)

// requests are the pending requests of all pushes under way, so that a record that several peers
// announce comes once.
type requests struct {
	mu       sync.Mutex
	inFlight map[protocol.ID]*request
	// rejected are records that came, were not stored, and may be some time: until when nobody is
	// asked for them.
	rejected *lru.Cache[protocol.ID, time.Time]
}

// request is a record that one push was asked for.
type request struct {
	id    protocol.ID
	until time.Time     // then somebody else is asked
	over  chan struct{} // closed when it came, or the push has ended
}

func newRequests() *requests {
	return &requests{inFlight: make(map[protocol.ID]*request), rejected: newCache[protocol.ID, time.Time](maxRejected)}
}

// begin notes that a push is asked for these records until a time. If it can wait, and others were
// asked for some of them, it notes nothing and returns those. A push that holds some while it waits
// for others would delay whatever waits for the former.
func (a *requests) begin(ids []protocol.ID, until time.Time, patient bool) (mine, others []*request) {
	a.mu.Lock()
	defer a.mu.Unlock()
	now := time.Now()
	for _, id := range ids {
		if c := a.inFlight[id]; patient && c != nil && now.Before(c.until) {
			others = append(others, c)
		}
	}
	if len(others) > 0 {
		return nil, others
	}
	if len(a.inFlight)+len(ids) > maxRequests {
		maps.DeleteFunc(a.inFlight, func(_ protocol.ID, c *request) bool { return !now.Before(c.until) })
	}
	for _, id := range ids {
		c := &request{id: id, until: until, over: make(chan struct{})}
		if a.inFlight[id] != nil || len(a.inFlight) < maxRequests { // else it may come twice
			a.inFlight[id] = c
		}
		mine = append(mine, c)
	}
	return mine, nil
}

// end notes that these have been dealt with, or will not come. It may be told twice, by the one
// goroutine that asked.
func (a *requests) end(mine []*request) {
	a.mu.Lock()
	defer a.mu.Unlock()
	for _, c := range mine {
		if a.inFlight[c.id] == c {
			delete(a.inFlight, c.id)
		}
		select {
		case <-c.over:
		default:
			close(c.over)
		}
	}
}

// await waits until these have been dealt with or should have been, but not longer than until
// latest.
func await(ctx context.Context, others []*request, latest time.Time) error {
	for _, c := range others {
		until := c.until
		if latest.Before(until) {
			until = latest
		}
		select {
		case <-c.over:
		case <-time.After(time.Until(until)):
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	return nil
}

// reject notes that a record is not wanted for some time.
func (a *requests) reject(id protocol.ID) { a.rejected.Add(id, time.Now().Add(rejectTime)) }

func (a *requests) isRejected(id protocol.ID) bool {
	until, ok := a.rejected.Get(id)
	return ok && time.Now().Before(until)
}
