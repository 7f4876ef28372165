package lfsync

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"sync"
	"time"

	"github.com/libp2p/go-libp2p/core/network"
	"github.com/libp2p/go-libp2p/core/peer"
)

// timekeeper measures how this node's clock stands to its peers', on the schedule of the pure state
// machine clocks. Nothing goes by the outcome: a person whose clock is wrong is told.
type timekeeper struct {
	sync   *Sync
	mu     sync.Mutex
	clocks *clocks
}

func newTimekeeper(s *Sync) *timekeeper {
	return &timekeeper{sync: s, clocks: newClocks(rand.Float64)}
}

func (t *timekeeper) elapsed() time.Duration { return time.Since(t.sync.started) }

func (t *timekeeper) wall() int64 { return t.sync.clock().UnixMilli() }

// meet tells whether a peer can be asked.
func (t *timekeeper) meet(p peer.ID, here bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.clocks.meet(p, here, t.elapsed())
}

func (t *timekeeper) tick() {
	t.mu.Lock()
	due := t.clocks.tick(t.elapsed(), t.wall())
	t.mu.Unlock()
	for _, p := range due {
		t.sync.spawn(func() { t.measure(p) })
	}
}

func (t *timekeeper) status() ClockStatus {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.clocks.status(t.elapsed(), t.wall())
}

// measure asks a peer. What no correct peer answers is a fault; silence is none, for nobody waits.
func (t *timekeeper) measure(p peer.ID) {
	r, err := t.ask(p)
	t.sync.accuse(p, clockService, err)
	if err != nil && t.sync.ctx.Err() == nil {
		t.sync.log.Debug("could not read a peer's clock", "peer", p, "error", err)
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	if err != nil {
		t.clocks.failed(p, t.elapsed())
	} else {
		t.clocks.read(p, r)
	}
}

func (t *timekeeper) ask(p peer.ID) (r reading, err error) {
	ctx, done := context.WithTimeout(network.WithAllowLimitedConn(network.WithNoDial(t.sync.ctx, "clock"), "clock"), t.sync.timeouts.item)
	defer done()
	stream, err := t.sync.host.NewStream(ctx, p, clockProtocol(t.sync.network))
	if err != nil {
		return r, fmt.Errorf("open a stream: %w", err)
	}
	release, err := secure(ctx, clockService, stream, clockMemory)
	if err != nil {
		_ = stream.Reset()
		return r, err
	}
	defer release()
	r.asked = t.elapsed()
	if r.clock, err = readClock(stream); err != nil {
		_ = stream.Reset()
		return r, err
	}
	r.came = t.elapsed()
	return r, stream.Close()
}

// readClock sends the question, which is the end of it, and reads the answer: eight bytes, and not
// one more.
func readClock(stream network.Stream) (uint64, error) {
	if err := stream.CloseWrite(); err != nil {
		return 0, fmt.Errorf("ask for the clock: %w", err)
	}
	var answer [clockSize + 1]byte
	switch n, err := io.ReadFull(stream, answer[:]); {
	case err == nil:
		return 0, guilty("more than a clock's %d bytes", clockSize)
	case n < clockSize || !errors.Is(err, io.ErrUnexpectedEOF):
		return 0, fmt.Errorf("read the clock: %w", err)
	}
	return parseClock(answer[:clockSize])
}

// Clock tells how this node's clock stands to those of its peers.
func (s *Sync) Clock() ClockStatus { return s.timekeeper.status() }
