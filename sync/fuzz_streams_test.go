package lfsync

import (
	"bytes"
	"context"
	"slices"
	"testing"
	"time"

	"github.com/libp2p/go-libp2p/core/host"
	"github.com/libp2p/go-libp2p/core/network"
	"github.com/libp2p/go-libp2p/core/peer"
	libprotocol "github.com/libp2p/go-libp2p/core/protocol"

	"github.com/lf-store/lf/protocol"
	"github.com/lf-store/lf/sync/internal/fetch"
	"github.com/lf-store/lf/sync/internal/push"
	"github.com/lf-store/lf/sync/internal/stream"
)

// scriptedStream is a stream on which a peer has said all that it will ever say.
type scriptedStream struct {
	network.Stream
	in    *bytes.Reader
	out   bytes.Buffer
	peer  peer.ID
	ended int // how often it was closed or reset
}

func (s *scriptedStream) Read(p []byte) (int, error)                   { return s.in.Read(p) }
func (s *scriptedStream) Write(p []byte) (int, error)                  { return s.out.Write(p) }
func (s *scriptedStream) CloseWrite() error                            { return nil }
func (s *scriptedStream) CloseRead() error                             { return nil }
func (s *scriptedStream) Close() error                                 { s.ended++; return nil }
func (s *scriptedStream) Reset() error                                 { s.ended++; return nil }
func (s *scriptedStream) ResetWithError(network.StreamErrorCode) error { s.ended++; return nil }
func (s *scriptedStream) SetDeadline(time.Time) error                  { return nil }
func (s *scriptedStream) SetReadDeadline(time.Time) error              { return nil }
func (s *scriptedStream) SetWriteDeadline(time.Time) error             { return nil }
func (s *scriptedStream) Scope() network.StreamScope                   { return &network.NullScope{} }
func (s *scriptedStream) Conn() network.Conn                           { return scriptedConn{peer: s.peer} }

type scriptedConn struct {
	network.Conn
	peer peer.ID
}

func (c scriptedConn) RemotePeer() peer.ID     { return c.peer }
func (c scriptedConn) Stat() network.ConnStats { return network.ConnStats{} }

// scriptedHost is a host whose streams are all the same one, once there is one.
type scriptedHost struct {
	host.Host
	stream *scriptedStream
}

func (h *scriptedHost) NewStream(ctx context.Context, p peer.ID, of ...libprotocol.ID) (network.Stream, error) {
	if h.stream == nil {
		return h.Host.NewStream(ctx, p, of...)
	}
	return h.stream, nil
}

var streamServices = []string{"reconcile", "fetch", "push", "clock", "pulse"}

// addStreams adds what one side says in the recorded sessions.
func addStreams(f *testing.F, v streamVectors, role streamRole) {
	f.Helper()
	for _, s := range v.Sessions {
		var said []byte
		for _, step := range s.Steps {
			if step.From == role {
				said = append(said, step.Bytes...)
			}
		}
		f.Add(byte(slices.Index(streamServices, s.Protocol)), said)
	}
}

// fuzzBench makes a node with some of the records, of which nothing is asked but by the test.
func fuzzBench(f *testing.F, v streamVectors) (*streamBench, *node) {
	f.Helper()
	b := newStreamBench(f, v.Records)
	n := b.node(f, streamSide{Clock: streamTime + 100_000_000, Records: []int{0, 1, 2, 3, 8}, Items: [][2]int{{0, 300}}})
	return b, n
}

// onlyValid holds a store to records that are valid.
func (b *streamBench) onlyValid(t *testing.T, s *testStore) {
	t.Helper()
	for _, r := range s.All() {
		if err := b.network.Check(r, noWork); err != nil || !r.HasValue() {
			t.Fatalf("record %s is stored: %v", r.ID(), err)
		}
	}
}

// FuzzServe: whatever a peer says on a stream, serving it ends, in one close or reset, and nothing
// invalid is stored.
func FuzzServe(f *testing.F) {
	v := readStreams(f)
	addStreams(f, v, roleInitiator)
	b, n := fuzzBench(f, v)
	f.Fuzz(func(t *testing.T, service byte, said []byte) {
		s := &scriptedStream{in: bytes.NewReader(said), peer: "peer"}
		// as if it were a new peer, and nobody else were served
		n.limiter = stream.NewLimiter(n.limiter.Config)
		n.serve(streamServices[int(service)%len(streamServices)], s)
		if s.ended != 1 || s.out.Len() > 2<<20 {
			t.Fatalf("ended %d times after %d bytes", s.ended, s.out.Len())
		}
		b.onlyValid(t, n.store)
	})
}

// FuzzAsk: whatever a peer answers on a stream that this node opened, asking it ends, and nothing
// invalid is stored.
func FuzzAsk(f *testing.F) {
	v := readStreams(f)
	addStreams(f, v, roleResponder)
	b, n := fuzzBench(f, v)
	var ids []protocol.ID
	for _, r := range b.pick([]int{0, 8, 11, 9, 7}) {
		ids = append(ids, r.ID())
	}
	f.Fuzz(func(t *testing.T, service byte, said []byte) {
		s := &scriptedStream{in: bytes.NewReader(said), peer: "peer"}
		n.Sync.host.(*scriptedHost).stream = s
		switch int(service) % len(streamServices) {
		case 0:
			_ = n.compareWith(t, "peer", nil)
		case 1:
			for _, ancestors := range []int{0, 3} {
				s.in.Reset(said)
				_, _ = n.fetcher.Fetch(t.Context(), fetch.Ask{Peer: "peer", IDs: ids, Ancestors: ancestors})
			}
		case 2:
			_, _ = n.pushes.Push(t.Context(), "peer", []push.Announcement{{ID: ids[0], Frame: b.records[0].EncodeFrame()}})
		case 3:
			_, _ = n.clocks.Ask(t.Context(), "peer")
		case 4:
			_, _ = n.pulses.Ask(t.Context(), "peer")
			if s.ended > 0 {
				s.in.Reset(said)
			}
			_ = n.pulses.Push(t.Context(), "peer", []protocol.Pulse{{Record: ids[0], Second: streamTime / 1000}})
		}
		if s.ended == 0 {
			t.Fatal("the stream is open")
		}
		b.onlyValid(t, n.store)
	})
}
