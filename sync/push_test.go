package lfsync

import (
	"encoding/binary"
	"fmt"
	"io"
	"slices"
	"testing"
	"time"

	"github.com/libp2p/go-libp2p/core/host"
	"github.com/libp2p/go-libp2p/core/network"
	"github.com/libp2p/go-libp2p/core/peer"
	"github.com/prometheus/client_golang/prometheus"
	dto "github.com/prometheus/client_model/go"

	"github.com/lf-store/lf/protocol"
	"github.com/lf-store/lf/sync/internal/push"
)

func newsOf(records ...*protocol.Record) (all []push.Announcement) {
	for _, r := range records {
		all = append(all, push.Announcement{ID: r.ID(), Frame: r.EncodeFrame()})
	}
	return all
}

func idsOfRecords(records ...*protocol.Record) (ids []protocol.ID) {
	for _, r := range records {
		ids = append(ids, r.ID())
	}
	return ids
}

// pushStream opens a stream of the push protocol.
func pushStream(t testing.TB, from host.Host, to *node) network.Stream {
	t.Helper()
	connect(t, from, to.host)
	s, err := from.NewStream(t.Context(), to.host.ID(), push.Service.ID(to.network))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Reset() })
	if err := s.SetDeadline(time.Now().Add(20 * time.Second)); err != nil {
		t.Fatal(err)
	}
	return s
}

// pushAs does what a correct sender does. It returns how many of the records were wanted, once they
// have been dealt with.
func pushAs(t testing.TB, from host.Host, to *node, records ...*protocol.Record) int {
	t.Helper()
	s := pushStream(t, from, to)
	n, err := push.SendOn(s, newsOf(records...))
	if err != nil {
		t.Fatal(err)
	}
	_ = s.Close()
	return n
}

// announces announces records and does no more. It returns when the announcement was answered.
func announces(t testing.TB, from host.Host, to *node, ids ...protocol.ID) (network.Stream, []bool) {
	t.Helper()
	s := pushStream(t, from, to)
	if _, err := s.Write(push.AppendAnnouncement(nil, ids)); err != nil {
		t.Fatal(err)
	}
	wanted, err := push.ReadWanted(s, len(ids))
	if err != nil {
		t.Fatal(err)
	}
	return s, wanted
}

// pushesOf counts the records of a node's own announcements that ended so.
func (n *node) pushesOf(result string) int {
	var m dto.Metric
	if err := n.pushes.Metrics()[0].(*prometheus.CounterVec).WithLabelValues(result).Write(&m); err != nil {
		panic(err)
	}
	return int(m.GetCounter().GetValue())
}

// TestPushIsTakenIn holds that what is pushed is there when the stream ends, goes on by gossip, and
// is not wanted again.
func TestPushIsTakenIn(t *testing.T) {
	t.Parallel()
	w := newWorld(t, nil)
	a, b := w.newNode(t, nil), w.newNode(t, nil)
	connect(t, a.host, b.host)
	eventually(t, "a mesh", func() bool { return len(a.gossip.topic.ListPeers()) == 1 && len(b.gossip.topic.ListPeers()) == 1 })
	sender := newHost(t)
	chain := w.chain(t, push.MaxPushed)
	if n := pushAs(t, sender, a, chain...); n != len(chain) {
		t.Fatalf("%d were wanted", n)
	}
	for _, r := range chain {
		if got := a.store.State(r.ID()); got != Attached {
			t.Fatalf("record %s: %s", r.ID(), got)
		}
		eventually(t, "the other node has it", func() bool { return b.store.State(r.ID()) == Attached })
	}
	last := w.record(t, chain[push.MaxPushed-1])
	if n := pushAs(t, sender, a, append(chain[1:], last)...); n != 1 || a.store.State(last.ID()) != Attached {
		t.Errorf("%d were wanted where one was news", n)
	}
	if a.isGuilty(sender.ID()) {
		t.Error("an honest sender was blamed")
	}
}

// TestHostilePush holds that what no correct sender sends is a fault. Two records are announced
// that are wanted, and between them one that is not.
func TestHostilePush(t *testing.T) {
	t.Parallel()
	w := newWorld(t, nil)
	first, known, last, other := w.record(t), w.record(t), w.record(t), w.record(t)
	announced := slices.Clip(push.AppendAnnouncement(nil, idsOfRecords(first, known, last)))
	sends := func(records ...*protocol.Record) []byte {
		raw := announced
		for _, r := range records {
			raw = push.AppendPushed(raw, r.EncodeFrame())
		}
		return raw
	}
	forged := first.EncodeFrame()
	forged[len(forged)-1] ^= 1
	for name, raw := range map[string][]byte{
		"announces nothing":          {0},
		"announces too many":         push.AppendAnnouncement(nil, make([]protocol.ID, push.MaxPushed+1)),
		"announces one twice":        push.AppendAnnouncement(nil, idsOfRecords(first, known, first)),
		"sends nothing":              announced,
		"sends less than wanted":     sends(first),
		"sends what was not wanted":  sends(first, known, last),
		"sends more than wanted":     sends(first, last, known),
		"sends in another order":     sends(last, first),
		"sends others":               sends(other, last),
		"sends to who wants nothing": push.AppendPushed(push.AppendAnnouncement(nil, idsOfRecords(known)), known.EncodeFrame()),
		"sends an empty frame":       append(announced, 0, 0, 0, 0),
		"sends a frame too long":     append(announced, 0xff, 0xff, 0xff, 0xff),
		"sends garbage":              append(announced, 0, 0, 0, 4, 1, 2, 3, 4),
		"sends a forged value":       push.AppendPushed(announced, forged),
		"garbage after a good":       append(sends(first), 0, 0, 0, 1, 0xff),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			n, sender := w.newNode(t, nil), newHost(t)
			n.load(t, known)
			dropped := n.bans()
			s := pushStream(t, sender, n)
			_, _ = s.Write(raw) // it may be reset meanwhile
			_ = s.CloseWrite()
			if _, err := io.ReadAll(s); err == nil {
				t.Error("taken")
			}
			receive(t, "it is blamed", dropped)
			if n.store.State(other.ID()) != 0 {
				t.Error("a record came in that nobody announced")
			}
		})
	}
}

// TestHostileReceiver holds that what no correct receiver answers is a fault.
func TestHostileReceiver(t *testing.T) {
	t.Parallel()
	w := newWorld(t, nil)
	for name, answer := range map[string][]byte{
		"wants more than there is": {2},
		"answers more":             {1, 1},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			n, _ := w.metered(t)
			bad := newHost(t)
			dropped := n.bans()
			bad.SetStreamHandler(push.Service.ID(w.network), func(s network.Stream) {
				_, _ = push.ReadAnnouncement(s)
				_, _ = s.Write(answer)
				_, _ = io.Copy(io.Discard, s)
				_ = s.Close()
			})
			n.pushTo(t, bad)
			n.submit(t, w.record(t))
			receive(t, "it is blamed", dropped)
			eventually(t, "it is counted", func() bool { return n.Status().Dropped[queuePush] == 1 })
		})
	}
}

// TestFalseAnnouncement holds that a peer which announces a record and does not deliver delays it
// by a second. Many such peers together delay it no more. When the peer that was asked goes away,
// the next one is asked at once.
func TestFalseAnnouncement(t *testing.T) {
	t.Parallel()
	w := newWorld(t, nil)
	n, honest := w.newNode(t, nil), newHost(t)
	connect(t, honest, n.host)
	r := w.record(t)
	const liars = 8
	for i := range liars {
		liar := newHost(t)
		s := pushStream(t, liar, n)
		if _, err := s.Write(push.AppendAnnouncement(nil, []protocol.ID{r.ID(), testID(fmt.Sprint(i))})); err != nil {
			t.Fatal(err)
		}
		if i == 0 { // the others wait as the honest one does
			if wanted, err := push.ReadWanted(s, 2); err != nil || !wanted[0] || !wanted[1] {
				t.Fatalf("wanted %v, %v", wanted, err)
			}
		}
	}
	begin := time.Now()
	if pushAs(t, honest, n, r) != 1 || n.store.State(r.ID()) != Attached {
		t.Fatal("not wanted of the next")
	}
	// one after the other they would delay it by all of that
	if took := time.Since(begin); took > liars/2*n.pushes.Times.Request {
		t.Errorf("asked of the next only after %s", took)
	}
	n = w.newNode(t, nil)
	n.pushes.Times.Request = patience
	connect(t, honest, n.host)
	s, _ := announces(t, newHost(t), n, r.ID())
	time.AfterFunc(50*time.Millisecond, func() { _ = s.Reset() })
	begin = time.Now()
	if pushAs(t, honest, n, r) != 1 {
		t.Fatal("not wanted of the next")
	}
	if took := time.Since(begin); took > patience*3/4 {
		t.Errorf("asked of the next only after %s, when the first had gone", took)
	}
	if n.isGuilty(honest.ID()) {
		t.Error("an honest sender was blamed")
	}
}

// TestComesOnce holds that of several who announce a record one is asked.
func TestComesOnce(t *testing.T) {
	t.Parallel()
	w := newWorld(t, nil)
	n := w.newNode(t, nil)
	n.pushes.Times.Request = patience
	chain := w.chain(t, 3)
	s, wanted := announces(t, newHost(t), n, idsOfRecords(chain[:2]...)...)
	if !wanted[0] || !wanted[1] {
		t.Fatalf("wanted %v", wanted)
	}
	time.AfterFunc(250*time.Millisecond, func() {
		for _, r := range chain[:2] {
			_, _ = s.Write(push.AppendPushed(nil, r.EncodeFrame()))
		}
		_ = s.CloseWrite()
	})
	if got := pushAs(t, newHost(t), n, chain...); got != 1 {
		t.Errorf("%d records are wanted of the second, and one is news", got)
	}
	for _, r := range chain {
		if got := n.store.State(r.ID()); got != Attached {
			t.Errorf("record %s: %s", r.ID(), got)
		}
	}
}

// TestRefusedIsNotAskedAgain holds that a record that came and cannot be stored now is not asked of
// all who announce it.
func TestRefusedIsNotAskedAgain(t *testing.T) {
	t.Parallel()
	w := newWorld(t, nil)
	n, sender := w.newNode(t, nil), newHost(t)
	d := w.draft()
	d.Timestamp = uint64(time.Now().Add(72 * time.Hour).UnixMilli())
	ahead := w.finish(t, d)
	n.store.BoundPending(0)
	full := w.record(t, w.record(t))
	for _, r := range []*protocol.Record{ahead, full} {
		if pushAs(t, sender, n, r) != 1 || pushAs(t, newHost(t), n, r) != 0 {
			t.Error("not asked for once")
		}
	}
	if n.isGuilty(sender.ID()) {
		t.Error("an honest sender was blamed")
	}
}

// TestAnnouncedAfterFetched holds that a record that this node fetched goes on by gossip when a
// peer announces it.
func TestAnnouncedAfterFetched(t *testing.T) {
	t.Parallel()
	w := newWorld(t, nil)
	a, b := w.newNode(t, nil), w.newNode(t, nil)
	connect(t, a.host, b.host)
	eventually(t, "a mesh", func() bool { return len(a.gossip.topic.ListPeers()) == 1 && len(b.gossip.topic.ListPeers()) == 1 })
	r := w.record(t)
	if _, err := a.Ingest(t.Context(), r.EncodeFrame(), Source{Via: ViaFetch}); err != nil {
		t.Fatal(err)
	}
	if pushAs(t, newHost(t), a, r) != 0 {
		t.Error("wanted again")
	}
	eventually(t, "the other node has it by gossip", func() bool { return b.store.State(r.ID()) == Attached })
	if a, ok := a.admission.recent.Peek(r.ID()); !ok || a.unforwarded.Load() {
		t.Error("it was not passed on")
	}
}

// TestOneAnnounces holds that of two nodes that both heard of a record elsewhere one tells the
// other.
func TestOneAnnounces(t *testing.T) {
	t.Parallel()
	w := newWorld(t, nil)
	a, _ := w.metered(t)
	b, _ := w.metered(t)
	// in which the first one's announcement arrives also on a busy machine
	const yield = 4 * time.Second
	a.pushes.Times.Yield, b.pushes.Times.Yield = yield, yield
	a.pushTo(t, b.host)
	b.pushTo(t, a.host)
	for i := range 3 {
		r := w.record(t)
		for _, n := range []*node{a, b} {
			n.load(t, r)
			n.pushes.Offer(newsOf(r)[0], peer.ID("elsewhere"))
		}
		eventually(t, "it was announced", func() bool { return a.pushesOf("unwanted")+b.pushesOf("unwanted") >= i+1 })
	}
	time.Sleep(yield + time.Second) // the other one would have announced it by then
	if got := a.pushesOf("unwanted") + b.pushesOf("unwanted"); got != 3 {
		t.Errorf("%d records were announced", got)
	}
}

// TestPushQueueIsBounded holds that a peer that takes nothing costs a queue and no more, and nobody
// waits for it.
func TestPushQueueIsBounded(t *testing.T) {
	t.Parallel()
	w := newWorld(t, nil)
	n, _ := w.metered(t)
	silent := newHost(t)
	silent.SetStreamHandler(push.Service.ID(w.network), func(network.Stream) {})
	n.pushTo(t, silent)
	offer := func(i, size int) {
		var id protocol.ID
		binary.BigEndian.PutUint64(id[:], uint64(i))
		n.pushes.Offer(push.Announcement{ID: id, Frame: make([]byte, size)}, "")
	}
	offered := make(chan struct{})
	go func() {
		defer close(offered)
		for i := range 3 * push.MaxQueue {
			offer(i, 100)
		}
		for i := range 4 {
			offer(1e6+i, push.MaxBytes/2)
		}
	}()
	receive(t, "nobody waits for it", offered) // the silent one never takes anything
	records, bytes, _ := n.pushes.Waiting(silent.ID())
	if records > push.MaxQueue || bytes > push.MaxBytes {
		t.Errorf("%d records, %d bytes wait", records, bytes)
	}
	if n.Status().Dropped[queuePush] == 0 {
		t.Error("nothing is said of what was dropped")
	}
}

// TestAnnouncedOnce holds that no record is twice in an announcement, which would be a fault,
// whatever the peer announces meanwhile.
func TestAnnouncedOnce(t *testing.T) {
	t.Parallel()
	w := newWorld(t, nil)
	n, _ := w.metered(t)
	far := newHost(t)
	twice := make(chan error, 1)
	far.SetStreamHandler(push.Service.ID(w.network), func(s network.Stream) {
		_, err := push.ReadAnnouncement(s)
		twice <- err
		_ = s.Reset()
	})
	n.pushTo(t, far)
	r := newsOf(w.record(t))[0]
	n.pushes.Offer(r, "")
	for i := range 2 * push.MaxKnown / push.MaxPushed { // it makes the node forget what it told
		ids := make([]protocol.ID, push.MaxPushed)
		for j := range ids {
			ids[j] = testID(fmt.Sprint(i, j))
		}
		n.pushes.MarkKnown(far.ID(), ids)
	}
	n.pushes.Offer(r, "")
	if err := <-twice; err != nil {
		t.Error(err)
	}
}
