package lf

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"

	"github.com/lf-store/lf/node/api"
	"github.com/lf-store/lf/protocol"
)

// maxLastWrites is how many writes a client remembers.
const maxLastWrites = 1024

// lastWrite is what a client knows of its last write as one owner under a composite key. It has the
// timestamp that the write took, and the record that the node acknowledged as attached, nil for
// none.
type lastWrite struct {
	owner    protocol.Owner
	at       uint64
	attached *protocol.Record
}

// lastWrites remembers a client's own writes. Of two under one key the second must be dated later,
// even within a millisecond. What was acknowledged must be answered from then on.
type lastWrites struct {
	mu    sync.Mutex
	known map[protocol.CompositeID][]lastWrite
}

func pointsOf(names []protocol.NamePoint) []protocol.SelectorPoint {
	points := make([]protocol.SelectorPoint, len(names))
	for i, n := range names {
		points[i] = protocol.SelectorPoint{Key: n.Name.Selector(), Ordinal: n.Ordinal}
	}
	return points
}

func compositeOf(names []protocol.NamePoint) protocol.CompositeID {
	return protocol.CompositeOf(pointsOf(names))
}

// next returns the least timestamp from least on that is above that of the same owner's last write
// under the key.
func (l *lastWrites) next(key protocol.CompositeID, owner protocol.Owner, least, now uint64) uint64 {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.known == nil {
		l.known = map[protocol.CompositeID][]lastWrite{}
	}
	t := least
	if last := l.find(key, owner); last != nil {
		t = max(t, last.at+1)
		last.at = t
		return t
	}
	if len(l.known) >= maxLastWrites {
		l.shrink(now)
	}
	l.known[key] = append(l.known[key], lastWrite{owner: owner, at: t})
	return t
}

func (l *lastWrites) find(key protocol.CompositeID, owner protocol.Owner) *lastWrite {
	list := l.known[key]
	i := slices.IndexFunc(list, func(w lastWrite) bool { return w.owner == owner })
	if i < 0 {
		return nil
	}
	return &list[i]
}

// shrink makes room: timestamps in the past can no longer be met.
func (l *lastWrites) shrink(now uint64) {
	for key, list := range l.known {
		if !slices.ContainsFunc(list, func(w lastWrite) bool { return w.at >= now }) {
			delete(l.known, key)
		}
		if len(l.known) < maxLastWrites/2 {
			return
		}
	}
}

// acknowledged notes that a node has attached a record.
func (l *lastWrites) acknowledged(r *protocol.Record, done *Written) {
	if done.State != api.StateAttached || len(r.Selectors) == 0 {
		return
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	last := l.find(r.CompositeID(), r.Owner)
	if last != nil && (last.attached == nil || last.attached.Timestamp < r.Timestamp) {
		last.attached = r
	}
}

// under returns what was acknowledged under a composite key.
func (l *lastWrites) under(key protocol.CompositeID) (records []*protocol.Record) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, w := range l.known[key] {
		if w.attached != nil {
			records = append(records, w.attached)
		}
	}
	return records
}

// acknowledged are this client's own records that a question about one key, as of now, must find.
func (c *Client) acknowledged(r *reader, t *target) []*protocol.Record {
	if r.open || !t.key.Exact() || r.since > 0 || (r.until > 0 && r.until < protocol.MaxTimestamp) {
		return nil
	}
	points := make([]protocol.NamePoint, len(t.names))
	for i, name := range t.names {
		points[i] = protocol.NamePoint{Name: name, Ordinal: t.key.selectors[i].From}
	}
	records := c.last.under(compositeOf(points))
	return slices.DeleteFunc(records, func(own *protocol.Record) bool {
		return len(r.owners) > 0 && !slices.Contains(r.owners, own.Owner)
	})
}

// checkFresh makes sure that an answer is not older than what the node had acknowledged before it
// was asked. A revocation may hide what was acknowledged, and a release of the same owner from
// elsewhere withdraw it. So the record itself is asked for where it is missed.
func (c *Client) checkFresh(ctx context.Context, own []*protocol.Record, found *Result) error {
	for _, mine := range own {
		older, missed := stale(mine, found)
		if older == nil && !missed {
			continue
		}
		info, _, err := c.Record(ctx, mine.ID())
		switch {
		case errors.Is(err, ErrNotFound):
			return &ForgedError{Node: c.Address(), What: fmt.Errorf("it acknowledged record %s and does not have it any more, unless its database was set back", mine.ID())}
		case err != nil:
			return err
		case older != nil && !info.Hidden:
			return &ForgedError{Node: c.Address(), What: fmt.Errorf("it acknowledged record %s and answers with the older %s", mine.ID(), older.Record)}
		}
	}
	return nil
}

// stale compares an answer with the newest record that was acknowledged to one owner. It returns
// the version that answers though it is older, or reports that the owner's claim is missing.
func stale(mine *protocol.Record, found *Result) (older *Answer, missed bool) {
	released := mine.Type == protocol.TypeRelease
	switch {
	case len(found.Damaged) > 0:
		return nil, false
	case len(found.Answers) == 0:
		return nil, !released
	}
	a := found.Answers[0]
	if a.Owner != mine.Owner {
		return nil, !released && a.Claims == 1
	}
	if a.record.Timestamp < mine.Timestamp || (released && a.record.Timestamp == mine.Timestamp) {
		return a, false
	}
	return nil, false
}
