package lfsync

import (
	"context"
	"maps"
	"sync"
	"time"

	lru "github.com/hashicorp/golang-lru/v2"

	"github.com/lf-store/lf/protocol"
)

// asked is what pushes under way were asked for, so that a record that several peers announce comes
// once.
type asked struct {
	mu     sync.Mutex
	time   time.Duration // see askedTime
	claims map[protocol.ID]*claim
	// spurned are records that came, were not stored, and may be some time: until when nobody is
	// asked for them.
	spurned *lru.Cache[protocol.ID, time.Time]
}

// claim is a record that one push was asked for.
type claim struct {
	id    protocol.ID
	until time.Time     // then somebody else is asked
	over  chan struct{} // closed when it came, or the push has ended
}

func newAsked(timeout time.Duration) *asked {
	return &asked{
		time: timeout, claims: make(map[protocol.ID]*claim), spurned: newCache[protocol.ID, time.Time](maxSpurned),
	}
}

// ask notes that a push is asked for these records. If it can wait, and others were asked for some
// of them, it notes nothing and returns those: a push that holds some while it waits for others
// would delay those who wait for the former.
func (a *asked) ask(ids []protocol.ID, patient bool) (mine, others []*claim) {
	a.mu.Lock()
	defer a.mu.Unlock()
	now := time.Now()
	for _, id := range ids {
		if c := a.claims[id]; patient && c != nil && now.Before(c.until) {
			others = append(others, c)
		}
	}
	if len(others) > 0 {
		return nil, others
	}
	if len(a.claims)+len(ids) > maxClaims {
		maps.DeleteFunc(a.claims, func(_ protocol.ID, c *claim) bool { return !now.Before(c.until) })
	}
	for _, id := range ids {
		c := &claim{id: id, until: now.Add(a.time), over: make(chan struct{})}
		if a.claims[id] != nil || len(a.claims) < maxClaims { // else it may come twice
			a.claims[id] = c
		}
		mine = append(mine, c)
	}
	return mine, nil
}

// end notes that these have been dealt with, or will not come. It may be told twice, by the one
// goroutine that asked.
func (a *asked) end(mine []*claim) {
	a.mu.Lock()
	defer a.mu.Unlock()
	for _, c := range mine {
		if a.claims[c.id] == c {
			delete(a.claims, c.id)
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
func await(ctx context.Context, others []*claim, latest time.Time) error {
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

// spurn notes that a record is not wanted for some time.
func (a *asked) spurn(id protocol.ID) { a.spurned.Add(id, time.Now().Add(spurnTime)) }

func (a *asked) spurns(id protocol.ID) bool {
	until, ok := a.spurned.Get(id)
	return ok && time.Now().Before(until)
}
