package lfsync

import (
	"io"
	"testing"
	"time"

	"github.com/libp2p/go-libp2p/core/host"
	"github.com/libp2p/go-libp2p/core/network"
	"github.com/libp2p/go-libp2p/core/peer"

	"github.com/lf-store/lf/protocol"
)

// push sends raw bytes to a node by the push protocol, and returns once the node has closed or reset the stream.
func push(t *testing.T, from host.Host, to *node, raw []byte) error {
	t.Helper()
	connect(t, from, to.host)
	s, err := from.NewStream(t.Context(), to.host.ID(), pushProtocol(to.network))
	if err != nil {
		t.Fatal(err)
	}
	defer s.Reset() //nolint:errcheck // it is over
	if err := s.SetDeadline(time.Now().Add(20 * time.Second)); err != nil {
		t.Fatal(err)
	}
	_, _ = s.Write(raw) // it may be reset meanwhile
	_ = s.CloseWrite()
	_, err = io.ReadAll(s)
	return err
}

// pushOf is a push of these records.
func pushOf(records ...*protocol.Record) (raw []byte) {
	for _, r := range records {
		raw = appendPushed(raw, r.EncodeFrame())
	}
	return raw
}

// TestPushIsTakenIn holds that what is pushed is there when the stream ends, and goes on by gossip.
func TestPushIsTakenIn(t *testing.T) {
	t.Parallel()
	w := newWorld(t, nil)
	a, b := w.newNode(t, nil), w.newNode(t, nil)
	connect(t, a.host, b.host)
	eventually(t, "a mesh", func() bool { return len(a.gossip.topic.ListPeers()) == 1 && len(b.gossip.topic.ListPeers()) == 1 })
	sender := newHost(t)
	chain := w.chain(t, maxPushed)
	for range 2 { // what is known already is no fault
		if err := push(t, sender, a, pushOf(chain...)); err != nil {
			t.Fatal(err)
		}
	}
	for _, r := range chain {
		if _, ok, err := a.store.Record(t.Context(), r.ID()); err != nil || !ok {
			t.Fatalf("record %s: %v, %v", r.ID(), ok, err)
		}
		eventually(t, "the other node has it", func() bool {
			_, ok, err := b.store.Record(t.Context(), r.ID())
			return err == nil && ok
		})
	}
	if a.isGuilty(sender.ID()) {
		t.Error("an honest sender was blamed")
	}
}

// TestHostilePush holds that what no correct peer sends is a fault.
func TestHostilePush(t *testing.T) {
	t.Parallel()
	w := newWorld(t, nil)
	good := w.record(t)
	forged := good.EncodeFrame()
	forged[len(forged)-1] ^= 1
	for name, raw := range map[string][]byte{
		"nothing":              {},
		"an empty frame":       {0, 0, 0, 0},
		"a frame too long":     {0xff, 0xff, 0xff, 0xff},
		"garbage":              {0, 0, 0, 4, 1, 2, 3, 4},
		"a forged value":       appendPushed(nil, forged),
		"too many":             pushOf(w.chain(t, maxPushed+1)...),
		"garbage after a good": append(pushOf(good), 0, 0, 0, 1, 0xff),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			n, sender := w.newNode(t, nil), newHost(t)
			dropped := make(chan struct{}, 8)
			n.conduct.drop = n.dropping(func(peer.ID, time.Duration) { dropped <- struct{}{} })
			if err := push(t, sender, n, raw); err == nil {
				t.Error("taken")
			}
			select {
			case <-dropped:
			case <-time.After(20 * time.Second):
				t.Error("not blamed")
			}
		})
	}
}

// TestPushQueueIsBounded holds that a peer that takes nothing costs a queue and no more, and nobody waits for it.
func TestPushQueueIsBounded(t *testing.T) {
	t.Parallel()
	w := newWorld(t, nil)
	n := w.newNode(t, nil)
	silent := newHost(t)
	silent.SetStreamHandler(pushProtocol(w.network), func(network.Stream) {})
	connect(t, n.host, silent)
	n.pusher.meet(silent.ID(), true)
	begin := time.Now()
	for range 2 * maxPushQueue {
		n.pusher.offer(make([]byte, 100), "")
	}
	for range 4 {
		n.pusher.offer(make([]byte, maxPushBytes/2), "")
	}
	if took := time.Since(begin); took > 5*time.Second {
		t.Errorf("offering took %s", took)
	}
	n.pusher.mu.Lock()
	q := n.pusher.queues[silent.ID()]
	frames, bytes := len(q.frames), q.bytes
	n.pusher.mu.Unlock()
	if frames > maxPushQueue || bytes > maxPushBytes {
		t.Errorf("%d records, %d bytes wait", frames, bytes)
	}
	if n.Status().Dropped[queuePush] == 0 {
		t.Error("nothing is said of what was dropped")
	}
}
