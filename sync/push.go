package lfsync

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"sync"
	"time"

	lru "github.com/hashicorp/golang-lru/v2"
	"github.com/libp2p/go-libp2p/core/network"
	"github.com/libp2p/go-libp2p/core/peer"

	"github.com/lf-store/lf/protocol"
)

// pusher announces new records to the peers that are reached through relays only, and sends those
// that they want: GossipSub leaves such connections alone, and without it a record would wait for
// the next comparison. What gossip forwards, it pushes.
//
// Such a peer usually has the record already, by gossip over its other connections or from another
// who pushes, and what a relay carries is somebody else's bandwidth. So records are announced
// first, and not before gossip had its chance.
//
// Like gossip it is a hint. A queue that is full drops, and a peer that fails loses what waits for
// it: comparing finds that.
type pusher struct {
	sync *Sync

	mu     sync.Mutex
	queues map[peer.ID]*pushQueue // one for each such peer
}

// pushQueue is what waits to be announced to a peer.
type pushQueue struct {
	news   []news
	bytes  int
	due    time.Time     // when it is announced
	sooner chan struct{} // says that due has changed
	tended bool          // somebody sees to it
	// told are records that the peer was told of, or that it announced or sent itself: there is no
	// need to tell it.
	told *lru.Cache[protocol.ID, struct{}]
}

// news is a record to push. The frame must not change any more.
type news struct {
	id    protocol.ID
	frame []byte
}

func newPusher(s *Sync) *pusher { return &pusher{sync: s, queues: map[peer.ID]*pushQueue{}} }

// meet tells whether a peer is to be pushed to from now on.
func (u *pusher) meet(p peer.ID, relayed bool) {
	u.mu.Lock()
	defer u.mu.Unlock()
	switch q := u.queues[p]; {
	case relayed && q == nil:
		u.queues[p] = &pushQueue{sooner: make(chan struct{}, 1), told: newCache[protocol.ID, struct{}](maxTold)}
	case !relayed && q != nil:
		q.news, q.bytes = nil, 0
		delete(u.queues, p)
	}
}

// offer has a record announced to all such peers but the one from which it came. It does not wait.
func (u *pusher) offer(n news, from peer.ID) {
	u.mu.Lock()
	defer u.mu.Unlock()
	for p, q := range u.queues {
		switch {
		case p == from:
			q.told.Add(n.id, struct{}{})
		case q.told.Contains(n.id) || q.holds(n.id):
		case len(q.news) >= maxPushQueue || q.bytes+len(n.frame) > maxPushBytes:
			u.sync.metrics.unpushed.Add(1)
		default:
			q.add(n, time.Now().Add(u.grace(p, from)))
			if !q.tended {
				q.tended = true
				u.sync.spawn(func() { u.tend(p, q) })
			}
		}
	}
}

// grace is how long a record waits before it is announced to a peer. Of two nodes that both have
// heard of it by other ways, one waits longer, and has the other one announce it. What was written
// here nobody else announces.
func (u *pusher) grace(p, from peer.ID) time.Duration {
	if from == "" || u.sync.host.ID() < p {
		return gatherTime
	}
	return u.sync.timeouts.yield
}

// holds tells whether a record waits already: it must not be announced twice, whatever told has
// forgotten.
func (q *pushQueue) holds(id protocol.ID) bool {
	return slices.ContainsFunc(q.news, func(n news) bool { return n.id == id })
}

// add queues a record; the caller holds the lock.
func (q *pushQueue) add(n news, due time.Time) {
	q.told.Add(n.id, struct{}{})
	if len(q.news) == 0 || due.Before(q.due) {
		q.due = due
		select {
		case q.sooner <- struct{}{}:
		default:
		}
	}
	q.news, q.bytes = append(q.news, n), q.bytes+len(n.frame)
}

// heard notes that a peer announces these records: then it has them.
func (u *pusher) heard(p peer.ID, ids []protocol.ID) {
	u.mu.Lock()
	defer u.mu.Unlock()
	q := u.queues[p]
	if q == nil {
		return
	}
	for _, id := range ids {
		q.told.Add(id, struct{}{})
	}
	q.news = slices.DeleteFunc(q.news, func(n news) bool {
		has := slices.Contains(ids, n.id)
		if has {
			q.bytes -= len(n.frame)
		}
		return has
	})
}

// tend announces what is in a queue, and what comes meanwhile.
func (u *pusher) tend(p peer.ID, q *pushQueue) {
	for u.gather(q) {
		batch := u.take(q)
		if len(batch) == 0 {
			continue
		}
		sent, err := u.send(p, batch)
		u.sync.metrics.pushed(len(batch), sent, err)
		if err != nil {
			u.failed(p, q, len(batch), err)
			return
		}
	}
}

// gather waits until a queue is due, or full enough. It returns false when nothing is in it, or the
// node ends.
func (u *pusher) gather(q *pushQueue) bool {
	for {
		u.mu.Lock()
		n, wait := len(q.news), time.Until(q.due)
		q.tended = n > 0
		u.mu.Unlock()
		if n == 0 || u.sync.ctx.Err() != nil {
			return false
		}
		if n >= maxPushed || wait <= 0 {
			return true
		}
		select {
		case <-time.After(wait):
		case <-q.sooner:
		case <-u.sync.ctx.Done():
		}
	}
}

// take takes out of a queue what one announcement holds.
func (u *pusher) take(q *pushQueue) []news {
	u.mu.Lock()
	defer u.mu.Unlock()
	n := min(len(q.news), maxPushed)
	batch := q.news[:n:n]
	q.news = q.news[n:]
	for _, b := range batch {
		q.bytes -= len(b.frame)
	}
	return batch
}

// failed gives up what waits for a peer, after an announcement of so many records came to nothing.
func (u *pusher) failed(p peer.ID, q *pushQueue, records int, err error) {
	u.sync.log.Debug("could not push to a relayed peer", "peer", p, "records", records, "error", err)
	u.sync.accuse(p, pushService, err)
	u.mu.Lock()
	defer u.mu.Unlock()
	u.sync.metrics.unpushed.Add(uint64(records + len(q.news))) // lengths
	q.news, q.bytes, q.tended = nil, 0, false
	q.told.Purge()
}

// send announces records on one stream, sends those that the peer wants, and returns how many, when
// the peer has dealt with them.
func (u *pusher) send(p peer.ID, batch []news) (int, error) {
	ctx, done := context.WithTimeout(network.WithAllowLimitedConn(network.WithNoDial(u.sync.ctx, "push"), "push"), pushTime)
	defer done()
	stream, err := u.sync.host.NewStream(ctx, p, pushProtocol(u.sync.network))
	if err != nil {
		return 0, fmt.Errorf("open a stream: %w", err)
	}
	sent, err := sendPush(ctx, stream, batch)
	if err != nil {
		_ = stream.Reset()
		return 0, err
	}
	return sent, stream.Close()
}

func sendPush(ctx context.Context, stream network.Stream, batch []news) (sent int, err error) {
	release, err := secure(ctx, pushService, stream, maxPushBytes)
	if err != nil {
		return 0, err
	}
	defer release()
	wanted, err := announce(stream, batch)
	if err != nil || len(wanted) == 0 {
		return 0, err
	}
	var out []byte
	for _, n := range wanted {
		out = appendPushed(out, n.frame)
	}
	if _, err := stream.Write(out); err != nil {
		return 0, fmt.Errorf("send records: %w", err)
	}
	if err := stream.CloseWrite(); err != nil {
		return 0, fmt.Errorf("send records: %w", err)
	}
	switch n, err := stream.Read(make([]byte, 1)); {
	case n > 0:
		return 0, guilty("more than an answer to an announcement")
	case !errors.Is(err, io.EOF):
		return 0, fmt.Errorf("wait for the peer: %w", err)
	}
	return len(wanted), nil
}

// announce returns those of the records that the peer wants.
func announce(stream network.Stream, batch []news) (wanted []news, err error) {
	var ids []protocol.ID
	for _, n := range batch {
		ids = append(ids, n.id)
	}
	if _, err := stream.Write(appendAnnouncement(nil, ids)); err != nil {
		return nil, fmt.Errorf("announce records: %w", err)
	}
	answer, err := readWanted(stream, len(batch))
	if err != nil {
		return nil, err
	}
	for i, n := range batch {
		if answer[i] {
			wanted = append(wanted, n)
		}
	}
	return wanted, nil
}

// spread has a record that is news passed on: by gossip, and to the peers that gossip does not
// reach.
func (s *Sync) spread(ctx context.Context, id protocol.ID, frame []byte, from peer.ID) {
	if s.gossip != nil {
		if err := s.gossip.publish(ctx, frame); err != nil {
			// It is stored, and that is what was promised; peers find it by comparing.
			s.log.Warn("could not publish a record", "record", id, "error", err)
		}
	}
	s.pusher.offer(news{id, frame}, from)
}
