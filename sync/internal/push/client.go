package push

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"github.com/libp2p/go-libp2p/core/network"
	"github.com/libp2p/go-libp2p/core/peer"
	"github.com/prometheus/client_golang/prometheus"

	"github.com/lf-store/lf/internal/supervisor"
	"github.com/lf-store/lf/protocol"
	"github.com/lf-store/lf/sync/internal/penalty"
	"github.com/lf-store/lf/sync/internal/stream"
)

// Node is what pushing needs of the node that it works for. It is safe for concurrent use.
type Node interface {
	// Unknown returns those of some announced records that are neither here nor refused for good.
	Unknown(ctx context.Context, ids []protocol.ID) ([]protocol.ID, error)
	// Admit takes in a record that a peer pushed, and forwards it if gossip would. It reports
	// whether the record is to be asked for again. The error is a violation, or nil.
	Admit(ctx context.Context, r *protocol.Record, from peer.ID) (again bool, err error)
	// IsUnforwarded reports whether a record is here and was not forwarded.
	IsUnforwarded(id protocol.ID) bool
	// ForwardKnown forwards such a record, if gossip would forward a copy of it now.
	ForwardKnown(ctx context.Context, id protocol.ID, from peer.ID) error
}

// Config is what a Pusher is made of.
type Config struct {
	Self   peer.ID
	Dialer *stream.Dialer
	Node   Node
	Group  *supervisor.Group // in which records are announced
	Log    *slog.Logger
}

// Pusher announces records to relayed peers, and takes in what peers push. It is safe for
// concurrent use.
//
// Such a peer usually has a record already, by gossip over its other connections or by a push of
// another node. And what a relay carries is somebody else's bandwidth. So records are announced
// first, and not before gossip had its chance.
type Pusher struct {
	// Times are those of the limits. Tests change them before use.
	Times Times

	c        Config
	requests *requests
	sent     *prometheus.CounterVec
	heard    *prometheus.CounterVec
	dropped  atomic.Uint64

	mu     sync.Mutex
	queues map[peer.ID]*queue // one for each relayed peer
}

// Times are how long a node has another one announce what both heard of, and how long a requested
// record is not requested of others.
type Times struct{ Yield, Request time.Duration }

// New makes a pusher.
func New(c Config) *Pusher {
	counter := func(name, help, label string) *prometheus.CounterVec {
		return prometheus.NewCounterVec(prometheus.CounterOpts{Namespace: "lf", Subsystem: "sync", Name: name, Help: help}, []string{label})
	}
	return &Pusher{
		c: c, Times: Times{yieldTime, requestTime}, requests: newRequests(), queues: map[peer.ID]*queue{},
		sent:  counter("pushed_total", "Records announced to relayed peers, by result.", "result"),
		heard: counter("announced_total", "Records that peers announced, by answer.", "answer"),
	}
}

// Metrics are those of pushing.
func (u *Pusher) Metrics() []prometheus.Collector { return []prometheus.Collector{u.sent, u.heard} }

// Dropped counts the announcements that were given up.
func (u *Pusher) Dropped() uint64 { return u.dropped.Load() }

// Meet tells whether a peer is to be pushed to from now on.
func (u *Pusher) Meet(p peer.ID, relayed bool) {
	u.mu.Lock()
	defer u.mu.Unlock()
	switch q := u.queues[p]; {
	case relayed && q == nil:
		u.queues[p] = newQueue()
	case !relayed && q != nil:
		q.waiting, q.bytes = nil, 0
		delete(u.queues, p)
	}
}

// Offer has a record announced to all such peers but the one from which it came. It does not wait.
func (u *Pusher) Offer(a Announcement, from peer.ID) {
	u.mu.Lock()
	defer u.mu.Unlock()
	for p, q := range u.queues {
		switch {
		case p == from:
			q.known.Add(a.ID, struct{}{})
		case q.isKnown(a.ID):
		case q.isFull(a):
			u.dropped.Add(1)
		default:
			q.add(a, time.Now().Add(u.delay(p, from)))
			if !q.running {
				q.running = true
				u.c.Group.Go(func(ctx context.Context) error {
					u.run(ctx, p, q)
					return nil
				})
			}
		}
	}
}

// delay is how long a record waits before it is announced to a peer. Of two nodes that both have
// heard of it by other ways, one waits longer, and has the other one announce it. What was written
// here nobody else announces.
func (u *Pusher) delay(p, from peer.ID) time.Duration {
	if from == "" || u.c.Self < p {
		return gatherTime
	}
	return u.Times.Yield
}

// Waiting is what waits to be announced to a peer; relayed tells whether it is pushed to.
func (u *Pusher) Waiting(p peer.ID) (records, bytes int, relayed bool) {
	u.mu.Lock()
	defer u.mu.Unlock()
	if q := u.queues[p]; q != nil {
		return len(q.waiting), q.bytes, true
	}
	return 0, 0, false
}

// MarkKnown notes that a peer announces these records: then it has them.
func (u *Pusher) MarkKnown(p peer.ID, ids []protocol.ID) {
	u.mu.Lock()
	defer u.mu.Unlock()
	if q := u.queues[p]; q != nil {
		q.markKnown(ids)
	}
}

// run announces what is in a queue, and what comes meanwhile.
func (u *Pusher) run(ctx context.Context, p peer.ID, q *queue) {
	for u.waitDue(ctx, q) {
		batch := u.take(q)
		if len(batch) == 0 {
			continue
		}
		sent, err := u.Push(ctx, p, batch)
		u.count(len(batch), sent, err)
		if err != nil {
			u.giveUp(p, q, len(batch), err)
			return
		}
	}
}

// waitDue waits until a queue is due, or full enough. It returns false when nothing is in it, or
// the node ends.
func (u *Pusher) waitDue(ctx context.Context, q *queue) bool {
	for {
		u.mu.Lock()
		n, wait := len(q.waiting), time.Until(q.due)
		q.running = n > 0
		u.mu.Unlock()
		if n == 0 || ctx.Err() != nil {
			return false
		}
		if n >= MaxPushed || wait <= 0 {
			return true
		}
		select {
		case <-time.After(wait):
		case <-q.sooner:
		case <-ctx.Done():
		}
	}
}

func (u *Pusher) take(q *queue) []Announcement {
	u.mu.Lock()
	defer u.mu.Unlock()
	return q.take()
}

// count counts the records of an announcement of our own, of which some were sent, unless it
// failed.
func (u *Pusher) count(records, sent int, err error) {
	if err != nil {
		u.sent.WithLabelValues("failed").Add(float64(records))
		return
	}
	u.sent.WithLabelValues("sent").Add(float64(sent))
	u.sent.WithLabelValues("unwanted").Add(float64(records - sent))
}

// giveUp gives up what waits for a peer, after an announcement of records came to nothing.
func (u *Pusher) giveUp(p peer.ID, q *queue, records int, err error) {
	u.c.Log.Debug("could not push to a relayed peer", "peer", p, "records", records, "error", err)
	u.mu.Lock()
	defer u.mu.Unlock()
	u.dropped.Add(uint64(records + q.drop()))
	q.running = false
}

// Push announces records on one stream, sends those that the peer wants, and returns how many, when
// the peer has dealt with them.
func (u *Pusher) Push(ctx context.Context, p peer.ID, batch []Announcement) (sent int, err error) {
	ctx, done := context.WithTimeout(ctx, pushTime)
	defer done()
	err = u.c.Dialer.Converse(ctx, p, Service, MaxBytes, func(s network.Stream) (err error) {
		sent, err = SendOn(s, batch)
		return err
	})
	return sent, err
}

// SendOn is one push: it announces records on a stream and sends those that the peer wants.
func SendOn(s network.Stream, batch []Announcement) (sent int, err error) {
	wanted, err := announce(s, batch)
	if err != nil || len(wanted) == 0 {
		return 0, err
	}
	var out []byte
	for _, a := range wanted {
		out = AppendPushed(out, a.Frame)
	}
	if _, err := s.Write(out); err != nil {
		return 0, fmt.Errorf("send records: %w", err)
	}
	if err := stream.CloseWrite(s); err != nil {
		return 0, fmt.Errorf("send records: %w", err)
	}
	switch n, err := s.Read(make([]byte, 1)); {
	case n > 0:
		return 0, penalty.Violates("more than an answer to an announcement")
	case !errors.Is(err, io.EOF):
		return 0, fmt.Errorf("wait for the peer: %w", err)
	}
	return len(wanted), nil
}

// announce returns those of the records that the peer wants.
func announce(s network.Stream, batch []Announcement) (wanted []Announcement, err error) {
	var ids []protocol.ID
	for _, a := range batch {
		ids = append(ids, a.ID)
	}
	if _, err := s.Write(AppendAnnouncement(nil, ids)); err != nil {
		return nil, fmt.Errorf("announce records: %w", err)
	}
	answer, err := ReadWanted(s, len(batch))
	if err != nil {
		return nil, err
	}
	for i, a := range batch {
		if answer[i] {
			wanted = append(wanted, a)
		}
	}
	return wanted, nil
}
