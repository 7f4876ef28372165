package lfsync

import (
	"context"
	"errors"
	"sync"
	"testing"

	"github.com/lf-store/lf/protocol"
)

// However records come together in batches, each gets its own verdict.
func TestCheckTogether(t *testing.T) {
	w := newWorld(t, nil)
	bad := w.badFrames(t)
	c := newChecker(w.network, noWork)
	type paper struct {
		record *protocol.Record
		rule   protocol.Rule
	}
	var papers []paper
	for i := range 300 {
		switch {
		case i%41 == 7:
			papers = append(papers, paper{decode(t, bad["signature wrong"]), protocol.RuleSignature})
		case i%59 == 11:
			papers = append(papers, paper{decode(t, bad["claim by another name"]), protocol.RuleClaim})
		default:
			papers = append(papers, paper{w.record(t), ""})
		}
	}
	var checks sync.WaitGroup
	for _, p := range papers {
		checks.Go(func() {
			var rule protocol.Rule
			var invalid *protocol.InvalidError
			if err := c.check(t.Context(), p.record, false); errors.As(err, &invalid) {
				rule = invalid.Rule
			}
			if rule != p.rule {
				t.Errorf("record %s breaks rule %q, want %q", p.record.ID(), rule, p.rule)
			}
		})
	}
	checks.Wait()
	if len(c.queue) > 0 || len(c.cores) > 0 {
		t.Errorf("%d records wait, %d cores are in use", len(c.queue), len(c.cores))
	}
}

func decode(t testing.TB, frame []byte) *protocol.Record {
	t.Helper()
	r, err := protocol.DecodeFrame(frame)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// A fault makes batches small, so that one invalid record among many does not cost every time; then
// they grow again.
func TestBatchAfterFault(t *testing.T) {
	w := newWorld(t, nil)
	c := newChecker(w.network, noWork)
	for i, want := range []int{1, 2, 4, 8, 16, 32, 32} {
		frame := w.record(t).EncodeFrame()
		if i == 0 {
			frame = w.badFrames(t)["signature wrong"]
		}
		_ = c.check(t.Context(), decode(t, frame), false)
		if c.batch != want {
			t.Errorf("after %d records: batches of %d, want %d", i+1, c.batch, want)
		}
	}
}

// Who does not want to wait any longer leaves, in the queue or while verified, and the others stay.
func TestLeaveQueue(t *testing.T) {
	w := newWorld(t, nil)
	c := newChecker(w.network, noWork)
	entered, blocked := make(chan struct{}), make(chan struct{})
	plain := c.verifyOne
	c.verifyOne = func(r *protocol.Record) error {
		entered <- struct{}{}
		<-blocked
		return plain(r)
	}
	c.batch = 1
	var checks sync.WaitGroup
	for range cap(c.cores) {
		checks.Go(func() {
			if err := c.check(t.Context(), w.record(t), false); err != nil {
				t.Error(err)
			}
		})
		<-entered
	}
	gone, cancel := context.WithCancel(t.Context())
	cancel()
	if err := c.check(gone, w.record(t), false); !errors.Is(err, context.Canceled) {
		t.Errorf("left with %v", err)
	}
	if len(c.queue) != 0 {
		t.Errorf("%d wait", len(c.queue))
	}
	close(blocked)
	checks.Wait()
}

// What this node's own users write is checked in the next batch. It goes to the store before what
// peers sent, however much of that waits.
func TestOwnRecordsGoFirst(t *testing.T) {
	w := newWorld(t, nil)
	n := w.newNode(t, fetchOnly)
	c := n.admission.checker
	for range cap(c.cores) {
		c.cores <- struct{}{} // all cores are busy
	}
	var checks sync.WaitGroup
	waiting := func() int {
		c.mu.Lock()
		defer c.mu.Unlock()
		return len(c.queue)
	}
	for i := range 3 * maxBatch {
		frame := w.record(t).EncodeFrame()
		checks.Go(func() { _, _ = n.Ingest(t.Context(), frame, Source{Via: ViaGossip}) })
		eventually(t, "it waits", func() bool { return waiting() == i+1 })
	}
	own := w.record(t)
	checks.Go(func() {
		if in, err := n.Ingest(t.Context(), own.EncodeFrame(), Local); err != nil || in.Outcome != Attached {
			t.Errorf("%+v, %v", in, err)
		}
	})
	eventually(t, "it waits too", func() bool { return waiting() == 3*maxBatch+1 })
	c.verify(c.next())
	eventually(t, "it is stored", func() bool { return n.store.State(own.ID()) == Attached })
	if n := waiting(); n != 2*maxBatch+1 {
		t.Errorf("%d records wait", n)
	}
	for range cap(c.cores) {
		<-c.cores
	}
	checks.Wait()
	if n.store.submitted != 1 {
		t.Errorf("%d records went first", n.store.submitted)
	}
}
