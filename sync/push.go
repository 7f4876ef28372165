package lfsync

import (
	"context"
	"errors"
	"fmt"
	"io"
	"sync"

	"github.com/libp2p/go-libp2p/core/network"
	"github.com/libp2p/go-libp2p/core/peer"

	"github.com/lf-store/lf/protocol"
)

// pusher sends new records to the peers that are reached through relays only: GossipSub leaves such connections alone, and without it a
// record would wait for the next comparison. What gossip forwards, it pushes.
//
// Like gossip it is a hint. A queue that is full drops, and a peer that fails loses what waits for it: comparing finds that.
type pusher struct {
	sync *Sync

	mu     sync.Mutex
	queues map[peer.ID]*pushQueue // one for each such peer
}

// pushQueue is what waits to be sent to a peer.
type pushQueue struct {
	frames  [][]byte
	bytes   int
	sending bool // somebody empties it
}

func newPusher(s *Sync) *pusher { return &pusher{sync: s, queues: map[peer.ID]*pushQueue{}} }

// meet tells whether a peer is to be pushed to from now on.
func (u *pusher) meet(p peer.ID, relayed bool) {
	u.mu.Lock()
	defer u.mu.Unlock()
	switch q := u.queues[p]; {
	case relayed && q == nil:
		u.queues[p] = new(pushQueue)
	case !relayed && q != nil:
		q.frames, q.bytes = nil, 0
		delete(u.queues, p)
	}
}

// offer has a record sent to all such peers but the one from which it came. It does not wait. The frame must not change any more.
func (u *pusher) offer(frame []byte, from peer.ID) {
	u.mu.Lock()
	defer u.mu.Unlock()
	for p, q := range u.queues {
		if p == from {
			continue
		}
		if len(q.frames) >= maxPushQueue || q.bytes+len(frame) > maxPushBytes {
			u.sync.metrics.unpushed.Add(1)
			continue
		}
		q.frames, q.bytes = append(q.frames, frame), q.bytes+len(frame)
		if !q.sending {
			q.sending = true
			u.sync.spawn(func() { u.empty(p, q) })
		}
	}
}

// empty sends what is in a queue, and what comes meanwhile.
func (u *pusher) empty(p peer.ID, q *pushQueue) {
	for {
		u.mu.Lock()
		n := min(len(q.frames), maxPushed)
		batch := q.frames[:n:n]
		q.frames = q.frames[n:]
		for _, f := range batch {
			q.bytes -= len(f)
		}
		q.sending = n > 0
		u.mu.Unlock()
		if n == 0 {
			return
		}
		err := u.send(p, batch)
		u.sync.metrics.sentPush(err, n)
		if err == nil {
			continue
		}
		u.sync.log.Debug("could not push to a relayed peer", "peer", p, "records", n, "error", err)
		u.mu.Lock()
		u.sync.metrics.unpushed.Add(uint64(n + len(q.frames))) //nolint:gosec // lengths
		q.frames, q.bytes, q.sending = nil, 0, false
		u.mu.Unlock()
		return
	}
}

// send sends records on one stream, and returns when the peer has dealt with them.
func (u *pusher) send(p peer.ID, frames [][]byte) error {
	ctx, done := context.WithTimeout(network.WithAllowLimitedConn(network.WithNoDial(u.sync.ctx, "push"), "push"), pushTime)
	defer done()
	stream, err := u.sync.host.NewStream(ctx, p, pushProtocol(u.sync.network))
	if err != nil {
		return fmt.Errorf("open a stream: %w", err)
	}
	if err := sendPush(ctx, stream, frames); err != nil {
		_ = stream.Reset()
		return err
	}
	return stream.Close() //nolint:wrapcheck // it is what it says
}

func sendPush(ctx context.Context, stream network.Stream, frames [][]byte) error {
	release, err := secure(ctx, pushService, stream, maxPushBytes)
	if err != nil {
		return err
	}
	defer release()
	var out []byte
	for _, f := range frames {
		out = appendPushed(out, f)
	}
	if _, err := stream.Write(out); err != nil {
		return fmt.Errorf("send records: %w", err)
	}
	if err := stream.CloseWrite(); err != nil {
		return fmt.Errorf("send records: %w", err)
	}
	switch n, err := stream.Read(make([]byte, 1)); {
	case n > 0:
		return errors.New("the peer answers a push")
	case !errors.Is(err, io.EOF):
		return fmt.Errorf("wait for the peer: %w", err)
	}
	return nil
}

// spread has a record that is news passed on: by gossip, and to the peers that gossip does not reach.
func (s *Sync) spread(ctx context.Context, id protocol.ID, frame []byte, from peer.ID) {
	if s.gossip != nil {
		if err := s.gossip.publish(ctx, frame); err != nil {
			// It is stored, and that is what was promised; peers find it by comparing.
			s.log.Warn("could not publish a record", "record", id, "error", err)
		}
	}
	s.pusher.offer(frame, from)
}
