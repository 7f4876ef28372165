package lfsync

import (
	"bytes"
	"errors"
	"io"
	"slices"
	"testing"

	"github.com/libp2p/go-libp2p/core/network"
	"github.com/libp2p/go-libp2p/core/peer"

	"github.com/lf-store/lf/protocol"
	"github.com/lf-store/lf/sync/internal/clock"
	"github.com/lf-store/lf/sync/internal/fetch"
	"github.com/lf-store/lf/sync/internal/penalty"
	"github.com/lf-store/lf/sync/internal/push"
	"github.com/lf-store/lf/sync/internal/reconcile"
)

// streamPlayer plays one side of a session: it sends this side's steps, and wants the other's as
// they are recorded.
type streamPlayer struct {
	role  streamRole
	steps []streamStep
}

// run plays on a stream. Where the player is guilty, the other side resets the stream in the end.
func (p *streamPlayer) run(t *testing.T, stream network.Stream, guilty bool) {
	defer func() { _ = stream.Reset() }()
	for i, step := range p.steps {
		if step.From == p.role {
			if _, err := stream.Write(step.Bytes); err != nil && !guilty {
				t.Errorf("step %d: %v", i, err)
				return
			}
			if step.End {
				_ = stream.CloseWrite()
			}
			continue
		}
		got := make([]byte, len(step.Bytes))
		if _, err := io.ReadFull(stream, got); err != nil || !bytes.Equal(got, step.Bytes) {
			t.Errorf("step %d: %v\n%x, want\n%x", i, err, got, step.Bytes)
			return
		}
		if step.End {
			if n, err := stream.Read(make([]byte, 1)); n > 0 || !errors.Is(err, io.EOF) {
				t.Errorf("step %d: %d bytes more, %v", i, n, err)
				return
			}
		}
	}
	if !guilty {
		return
	}
	var reset *network.StreamError
	if _, err := io.Copy(io.Discard, stream); p.role == roleInitiator && (!errors.As(err, &reset) || !reset.Remote || reset.ErrorCode != network.StreamProtocolViolation) {
		t.Errorf("the stream was not reset for a violation: %v", err)
	}
}

// begin has a node play the initiator of a session against a peer, and holds it to the outcome.
func (b *streamBench) begin(t *testing.T, n *node, at peer.ID, s streamSession, guilty bool) {
	t.Helper()
	var err error
	switch s.Protocol {
	case "reconcile":
		err = n.compareWith(t, at, s.Initiator.From)
		if errors.Is(err, reconcile.ErrBusy) != slices.Contains(s.Initiator.Told, "busy") {
			t.Errorf("compared: %v", err)
		}
		if errors.Is(err, reconcile.ErrBusy) {
			err = nil
		}
	case "fetch":
		err = b.fetchFrom(t, n, at, s.Initiator)
	case "push":
		var batch []push.Announcement
		for _, r := range b.pick(s.Initiator.Sends) {
			batch = append(batch, push.Announcement{ID: r.ID(), Frame: r.EncodeFrame()})
		}
		_, err = n.pushes.Push(t.Context(), at, batch)
	case "clock":
		var r clock.Reading
		if r, err = n.clocks.Ask(t.Context(), at); err == nil && r.Clock != s.Responder.Clock {
			t.Errorf("the clock shows %d", r.Clock)
		}
	case "pulse":
		if s.Initiator.Pushes != nil {
			err = n.pulses.Push(t.Context(), at, b.decodePulses(t, s.Initiator.Pushes))
		} else {
			_, err = n.pulses.Ask(t.Context(), at)
		}
	default:
		t.Fatalf("no protocol %q", s.Protocol)
	}
	if (penalty.ViolationIn(err) != nil) != guilty || !guilty && err != nil {
		t.Errorf("it ended with %v", err)
	}
}

// compareWith has a node compare its set with a peer's.
func (n *node) compareWith(t *testing.T, p peer.ID, from *streamBound) error {
	t.Helper()
	return n.reconciler.Compare(t.Context(), p, from.bound())
}

// fetchFrom has a node fetch what a side asks for, and holds it to what it is told.
func (b *streamBench) fetchFrom(t *testing.T, n *node, p peer.ID, side streamSide) error {
	t.Helper()
	a := fetch.Ask{Peer: p, Wide: side.Asks.Width == fetch.IDSize, Ancestors: side.Asks.Ancestors}
	for _, name := range side.Asks.Names {
		a.IDs = append(a.IDs, protocol.ID(name))
	}
	answer, err := n.fetcher.Fetch(t.Context(), a)
	if penalty.ViolationIn(err) != nil {
		return err
	}
	if side.Told == nil {
		return err
	}
	for i, id := range a.IDs {
		want := ""
		if i < len(side.Told) {
			want = side.Told[i]
		}
		for told, list := range map[string][]protocol.ID{
			"unknown": answer.Lacking, "pruned": answer.Pruned, "ambiguous": answer.Unclear, "unavailable": answer.Damaged,
		} {
			if slices.Contains(list, id) != (want == told) {
				t.Errorf("name %d: among the %s: %t, and it is to be told %q", i, told, want != told, want)
			}
		}
	}
	return err
}
