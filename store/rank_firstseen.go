package store

import (
	"math"

	"github.com/lf-store/lf/protocol"
)

// This is about when this node saw claims first. A claim is as old here as that of its versions
// which was seen first. It is late when that came with a timestamp that was past by more than the
// network's drift: with a catch-up or a heal. Between late claims the order in which they came says
// nothing where each says that it was made before the other came.

// firstSeen is when a claim was seen first, in microseconds, and the timestamp of the version that
// was seen, in milliseconds.
type firstSeen struct {
	seen, timestamp int64
	late            bool
}

func newFirstSeen(seen, timestamp int64, n *protocol.Network) firstSeen {
	return firstSeen{seen, timestamp, seen/1000-timestamp > int64(n.Params().ClockDrift)}
}

// earliestSeen is when claims under one composite key were first seen, those that came late and
// those on time. Where there are none, it is the greatest number.
type earliestSeen struct{ onTime, late int64 }

var noneSeen = earliestSeen{math.MaxInt64, math.MaxInt64}

func (f *earliestSeen) add(s firstSeen) {
	if s.late {
		f.late = min(f.late, s.seen)
	} else {
		f.onTime = min(f.onTime, s.seen)
	}
}

// isFirst reports whether no other claim counts against one. None was seen earlier, but for those
// that came late like it and not before its own timestamp. That the claim itself may be among the
// earliest makes no difference.
func (f *earliestSeen) isFirst(s firstSeen) bool {
	return f.onTime >= s.seen && (f.late >= s.seen || s.late && s.timestamp*1000 <= f.late)
}

// firstSeenOf returns when a record was seen first.
func (c *conn) firstSeenOf(idx, timestamp int64, n *protocol.Network) (firstSeen, error) {
	seen, err := c.seenOf(idx)
	return newFirstSeen(seen, timestamp, n), err
}

// addFirst makes a version the first of its claim that was seen, unless another one was.
func (t *tx) addFirst(v keyed) error {
	s, err := t.firstSeenOf(v.idx, v.timestamp, t.store.network)
	if err != nil {
		return err
	}
	late := int64(0)
	if s.late {
		late = 1
	}
	_, err = t.exec(`INSERT INTO firsts VALUES (?, ?, ?, ?, ?) ON CONFLICT (composite, owner)
		DO UPDATE SET seen = excluded.seen, late = excluded.late, idx = excluded.idx WHERE excluded.seen < seen`,
		v.composite, v.owner, s.seen, late, v.idx)
	return err
}

// dropFirst forgets what was seen first of a claim if that is withdrawn up to a time.
func (t *tx) dropFirst(of keyed, until int64) error {
	first, _, err := t.firstOf(of.composite, of.owner, t.store.network)
	if err != nil || first.timestamp > until {
		return err
	}
	_, err = t.exec("DELETE FROM firsts WHERE composite = ? AND owner = ?", of.composite, of.owner)
	return err
}

// firstOf returns when the claim of an owner that stands was seen first; nothing is kept of a claim
// that is alone.
func (c *conn) firstOf(composite, owner int64, n *protocol.Network) (s firstSeen, found bool, err error) {
	var seen, idx int64
	found, err = c.one(func(r *rows) { seen, idx = r.int(0), r.int(1) }, "SELECT seen, idx FROM firsts WHERE composite = ? AND owner = ?", composite, owner)
	if err != nil || !found {
		return s, false, err
	}
	timestamp, err := c.timestampOf(idx)
	return newFirstSeen(seen, timestamp, n), true, err
}

// isReputable reports whether a record is reputable as a tip. It is if it is no datum, or if no
// other claim counts against its claim as far as this node has seen. Certificates and what they
// hide are left aside. Where it is not kept when a claim was seen first, this record stands for it,
// and that claim does not count against others.
func (t *tx) isReputable(e *entry, at place) (bool, error) {
	if e.Type != protocol.TypeDatum || len(e.rows) == 0 || e.alone {
		return true, nil
	}
	owner, err := t.ownerNumber(e.Owner)
	if err != nil {
		return false, err
	}
	own, found, err := t.firstOf(e.composite, owner, t.store.network)
	if err == nil && !found {
		own, found, err = t.walkedFirstSeen(keyed{e.composite, owner, version{at.timestamp, at.idx, false}})
	}
	if err != nil || !found { // withdrawn already
		return err == nil, err
	}
	others := noneSeen
	for late, into := range []*int64{&others.onTime, &others.late} {
		if _, err := t.one(func(r *rows) { *into = r.int(0) },
			"SELECT seen FROM firsts INDEXED BY firsts_seen WHERE composite = ? AND late = ? ORDER BY seen LIMIT 1", e.composite, int64(late)); err != nil {
			return false, err
		}
	}
	if others.isFirst(own) {
		return true, nil
	}
	// Whom an authority vouches for is no squatter, whoever was here before.
	by, err := t.certChecker().certified(e.Owner, at.idx, at.timestamp)
	return by > 0, err
}

// walkedFirstSeen returns when a version was seen that stands in an epoch whose versions have to be
// walked.
func (t *tx) walkedFirstSeen(v keyed) (s firstSeen, walked bool, err error) {
	ep, err := t.epochOf(v.composite, v.owner, v.timestamp)
	if err != nil || ep.end < math.MaxInt64 {
		return s, false, err
	}
	if walked, err = t.isWalked(v, ep); err != nil || !walked {
		return s, false, err
	}
	s, err = t.firstSeenOf(v.idx, v.timestamp, t.store.network)
	return s, true, err
}
