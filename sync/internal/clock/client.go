package clock

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"math/rand/v2"
	"sync"
	"time"

	"github.com/libp2p/go-libp2p/core/network"
	"github.com/libp2p/go-libp2p/core/peer"

	"github.com/lf-store/lf/internal/supervisor"
	"github.com/lf-store/lf/sync/internal/penalty"
	"github.com/lf-store/lf/sync/internal/stream"
)

// Config is what a Monitor is made of.
type Config struct {
	Dialer *stream.Dialer
	Group  *supervisor.Group // in which peers are asked
	Log    *slog.Logger
	Clock  func() time.Time // the one that records go by
}

// Monitor measures how this node's clock stands to its peers'. It is safe for concurrent use.
type Monitor struct {
	c       Config
	started time.Time

	mu        sync.Mutex
	estimates *estimates
}

// New makes a monitor. Nothing is asked before Tick.
func New(c Config) *Monitor {
	return &Monitor{c: c, started: time.Now(), estimates: newEstimates(rand.Float64)}
}

func (m *Monitor) elapsed() time.Duration { return time.Since(m.started) }

func (m *Monitor) wall() int64 { return m.c.Clock().UnixMilli() }

// Meet tells whether a peer can be asked.
func (m *Monitor) Meet(p peer.ID, here bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.estimates.meet(p, here, m.elapsed())
}

// Tick asks the peers that are to be asked now.
func (m *Monitor) Tick() {
	m.mu.Lock()
	due := m.estimates.tick(m.elapsed(), m.wall())
	m.mu.Unlock()
	for _, p := range due {
		m.c.Group.Go(func(ctx context.Context) error {
			m.measure(ctx, p)
			return nil
		})
	}
}

// Status tells how this node's clock stands to those of its peers.
func (m *Monitor) Status() Status {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.estimates.status(m.elapsed(), m.wall())
}

// measure asks a peer. Silence is no violation, for nobody waits.
func (m *Monitor) measure(ctx context.Context, p peer.ID) {
	r, err := m.Ask(ctx, p)
	if err != nil && ctx.Err() == nil {
		m.c.Log.Debug("could not read a peer's clock", "peer", p, "error", err)
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if err != nil {
		m.estimates.failed(p, m.elapsed())
	} else {
		m.estimates.read(p, r)
	}
}

// Ask reads a peer's clock.
func (m *Monitor) Ask(ctx context.Context, p peer.ID) (r Reading, err error) {
	ctx, done := context.WithTimeout(ctx, m.c.Dialer.ItemTime())
	defer done()
	err = m.c.Dialer.Converse(ctx, p, Service, memory, func(s network.Stream) (err error) {
		r.asked = m.elapsed()
		r.Clock, err = readAnswer(s)
		r.came = m.elapsed()
		return err
	})
	return r, err
}

// readAnswer sends the question, which is the end of it, and reads the answer: eight bytes, and not
// one more.
func readAnswer(s network.Stream) (uint64, error) {
	if err := stream.CloseWrite(s); err != nil {
		return 0, fmt.Errorf("ask for the clock: %w", err)
	}
	var answer [Size + 1]byte
	switch n, err := io.ReadFull(s, answer[:]); {
	case err == nil:
		return 0, penalty.Violates("more than a clock's %d bytes", Size)
	case n < Size || !errors.Is(err, io.ErrUnexpectedEOF):
		return 0, fmt.Errorf("read the clock: %w", err)
	}
	return Parse(answer[:Size])
}
