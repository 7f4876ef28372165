package lfsync

import (
	"bytes"
	"io"
	"testing"
	"time"

	"github.com/libp2p/go-libp2p/core/host"
	"github.com/libp2p/go-libp2p/core/network"

	"github.com/lf-store/lf/sync/internal/clock"
)

// clockPeer is a host that serves nothing but a clock, in a way of its own.
func (w *world) clockPeer(t *testing.T, serve func(network.Stream)) host.Host {
	t.Helper()
	h := newHost(t)
	h.SetStreamHandler(clock.Service.ID(w.network), serve)
	return h
}

// TestClock has nodes measure each other, one of which has a clock that is wrong.
func TestClock(t *testing.T) {
	t.Parallel()
	w := newWorld(t, nil)
	wrong := func(c *Config) { c.Clock = func() time.Time { return time.Now().Add(-3 * time.Minute) } }
	slow, right := w.newNode(t, wrong), w.newNode(t, nil)
	if s := slow.Clock(); s != (ClockStatus{}) {
		t.Errorf("before there is a peer: %+v", s)
	}
	connect(t, slow.host, right.host)
	for n, want := range map[*node]time.Duration{slow: 3 * time.Minute, right: -3 * time.Minute} {
		eventually(t, "a measurement", func() bool { return n.Clock().Peers == 1 })
		s := n.Clock()
		if off := (s.Offset - want).Abs(); off > s.Error || s.Silent > 0 {
			t.Errorf("%+v, want an offset of %s", s, want)
		}
	}
}

// TestClockOfHostilePeers holds that silence is borne, and that what is no clock is a fault and
// counts for nothing.
func TestClockOfHostilePeers(t *testing.T) {
	t.Parallel()
	w := newWorld(t, nil)
	for name, test := range map[string]struct {
		serve  func(network.Stream)
		guilty bool
	}{
		"silent":       {func(network.Stream) {}, false},
		"resets":       {func(s network.Stream) { _ = s.Reset() }, false},
		"cuts off":     {func(s network.Stream) { _, _ = s.Write(make([]byte, 7)); _ = s.Close() }, false},
		"says no more": {func(s network.Stream) { _, _ = s.Write(make([]byte, 8)) }, false},
		"garbage":      {func(s network.Stream) { _, _ = s.Write(bytes.Repeat([]byte{0xff}, 8)); _ = s.Close() }, true},
		"a byte more":  {func(s network.Stream) { _, _ = s.Write(make([]byte, 9)); _ = s.Close() }, true},
		"floods": {func(s network.Stream) {
			for block := make([]byte, 1<<16); ; {
				if _, err := s.Write(block); err != nil {
					return
				}
			}
		}, true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			n := w.hurried(t)
			dropped := n.bans()
			connect(t, n.host, w.clockPeer(t, test.serve))
			eventually(t, "it was asked", func() bool { return n.Clock().Silent == 1 })
			if s := n.Clock(); s.Peers != 0 || s.Offset != 0 {
				t.Errorf("%+v", s)
			}
			select {
			case <-dropped:
				if !test.guilty {
					t.Error("blamed")
				}
			default:
				if test.guilty {
					t.Error("not blamed")
				}
			}
		})
	}
}

// TestServeClock holds that a question is answered, that one which says more is a fault, and that
// one which does not end is left.
func TestServeClock(t *testing.T) {
	t.Parallel()
	w := newWorld(t, nil)
	for name, test := range map[string]struct {
		ask    func(network.Stream)
		answer bool
		guilty bool
	}{
		"a question": {func(s network.Stream) { _ = s.CloseWrite() }, true, false},
		"more":       {func(s network.Stream) { _, _ = s.Write([]byte("what time is it?")); _ = s.CloseWrite() }, false, true},
		"a flood":    {func(s network.Stream) { _, _ = s.Write(make([]byte, 1<<20)) }, false, true},
		"no end":     {func(s network.Stream) { _, _ = s.Write(nil) }, false, false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			n, h := w.hurried(t), newHost(t)
			dropped := n.bans()
			connect(t, h, n.host)
			s, err := h.NewStream(t.Context(), n.host.ID(), clock.Service.ID(w.network))
			if err != nil {
				t.Fatal(err)
			}
			defer s.Reset()
			_ = s.SetDeadline(time.Now().Add(20 * time.Second))
			test.ask(s)
			raw, err := io.ReadAll(s)
			if test.answer != (err == nil && len(raw) == clock.Size) {
				t.Errorf("answer %x, %v", raw, err)
			}
			if test.answer {
				ms, err := clock.Parse(raw)
				if off := time.Since(time.UnixMilli(int64(ms))); err != nil || off.Abs() > 30*time.Second {
					t.Errorf("a clock that is %s off, %v", off, err)
				}
			}
			if test.guilty {
				select {
				case <-dropped:
				case <-time.After(20 * time.Second):
					t.Error("not blamed")
				}
			} else if len(dropped) > 0 {
				t.Error("blamed")
			}
		})
	}
}
