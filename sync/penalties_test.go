package lfsync

import (
	"io"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/libp2p/go-libp2p/core/network"
	"github.com/libp2p/go-libp2p/core/peer"
	libprotocol "github.com/libp2p/go-libp2p/core/protocol"

	"github.com/lf-store/lf/protocol"
	"github.com/lf-store/lf/sync/internal/clock"
	"github.com/lf-store/lf/sync/internal/fetch"
	"github.com/lf-store/lf/sync/internal/penalty"
	"github.com/lf-store/lf/sync/internal/push"
	"github.com/lf-store/lf/sync/internal/reconcile"
	"github.com/lf-store/lf/sync/internal/stream"
)

// bans has what this node bans told, and done.
func (n *node) bans() <-chan penalty.Ban {
	told := make(chan penalty.Ban, 16)
	n.penalties.OnBan = func(b penalty.Ban) {
		n.carryOut(b, nil)
		told <- b
	}
	return told
}

// logLines is a log as its lines.
type logLines struct {
	mu    sync.Mutex
	lines []string
}

func (l *logLines) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.lines = append(l.lines, string(p))
	return len(p), nil
}

func (l *logLines) with(text string) (found []string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, line := range l.lines {
		if strings.Contains(line, text) {
			found = append(found, line)
		}
	}
	return found
}

// One violation is one ban, whatever protocol it is in, and the log names it, at a level that is
// shown.
func TestOneViolationIsOneBan(t *testing.T) {
	w := newWorld(t, nil)
	wrong, chain := []byte{0xff}, w.chain(t, 1)
	for name, test := range map[string]struct {
		protocol  libprotocol.ID
		say       []byte
		service   string
		violation string
	}{
		"comparing": {reconcile.Service.ID(w.network), reconcile.AppendEnvelope(nil, reconcile.Envelope{Message: wrong}), "lf.reconcile", "negentropy"},
		"fetching":  {fetch.Service.ID(w.network), []byte{0, 0, 8}, "lf.fetch", "a request for nothing"},
		"pushing":   {push.Service.ID(w.network), []byte{0}, "lf.push", "an announcement of 0 records"},
		"clock":     {clock.Service.ID(w.network), wrong, "lf.clock", "a question for the clock that says more"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			log := new(logLines)
			n := w.hurriedLogging(t, slog.New(slog.NewTextHandler(log, &slog.HandlerOptions{Level: slog.LevelInfo})))
			bans := n.bans()
			h := newHost(t)
			connect(t, h, n.host)
			n.load(t, chain...)
			s, err := h.NewStream(t.Context(), n.host.ID(), test.protocol)
			if err != nil {
				t.Fatal(err)
			}
			_ = s.SetDeadline(time.Now().Add(20 * time.Second))
			_, _ = s.Write(test.say)
			_ = s.CloseWrite()
			_, _ = io.ReadAll(s)
			select {
			case b := <-bans:
				if b.Peer != h.ID() || b.For != n.penalties.First || b.Protocol != test.service || !strings.Contains(b.Reason.Error(), test.violation) {
					t.Errorf("%+v", b)
				}
			case <-time.After(20 * time.Second):
				t.Fatal("no ban")
			}
			if err := n.Close(); err != nil { // all that was under way is over
				t.Fatal(err)
			}
			if len(bans) > 0 || counterOf(n.metrics.banned) != 1 {
				t.Errorf("a second ban: %v, %v in all", len(bans), counterOf(n.metrics.banned))
			}
			if lines := log.with(test.violation); len(lines) != 1 || !strings.Contains(lines[0], h.ID().String()) || !strings.Contains(lines[0], test.service) {
				t.Errorf("the log: %q", lines)
			}
		})
	}
}

// Whoever lists a record and denies it when it is fetched is dropped in the end, and not for
// denying what others listed.
func TestDenial(t *testing.T) {
	w := newWorld(t, nil)
	n := w.hurried(t)
	drops := make(chan peer.ID, 10)
	n.penalties.OnBan = func(b penalty.Ban) { drops <- b.Peer }
	liar := w.responder(t, func(s network.Stream, _ fetch.Request) { _, _ = fetch.WriteItem(s, nil) })
	honest := w.responder(t, func(s network.Stream, _ fetch.Request) { _, _ = fetch.WriteItem(s, nil) })
	connect(t, n.host, liar)
	connect(t, n.host, honest)
	eventually(t, "both are known", func() bool { return n.Status().Peers == 2 })
	n.reconciler.Expect(liar.ID()) // neither speaks reconcile
	n.reconciler.Expect(honest.ID())
	for range 30/missingListed.Weight + 1 {
		id := w.record(t).ID()
		n.reconciler.List(liar.ID(), id)
		n.fetcher.Want([]protocol.ID{id}, liar.ID(), 0)
		eventually(t, "both have denied it", func() bool {
			return n.fetcher.Wanted()[id]
		})
	}
	if p := receive(t, "somebody is dropped", drops); p != liar.ID() {
		t.Error("the wrong one was dropped")
	}
	if len(drops) > 0 {
		t.Error("more than one was dropped")
	}
}

// Streams beyond a peer's share cost it the connection.
func TestFloodIsDropped(t *testing.T) {
	w := newWorld(t, nil)
	n := w.hurried(t)
	n.times.Item = time.Minute
	drops := make(chan peer.ID, 10)
	n.penalties.OnBan = func(b penalty.Ban) {
		drops <- b.Peer
		_ = n.host.Network().ClosePeer(b.Peer)
	}
	h := newHost(t)
	connect(t, h, n.host)
	for i := range 10 * (stream.MaxServed + 30) {
		s, err := h.NewStream(network.WithNoDial(t.Context(), "test"), n.host.ID(), fetch.Service.ID(w.network))
		if err != nil {
			if i < stream.MaxServed+30 {
				t.Fatalf("stream %d: %v", i, err)
			}
			break
		}
		_, _ = s.Write([]byte{1})
	}
	if p := receive(t, "it is dropped", drops); p != h.ID() {
		t.Error("the wrong one was dropped")
	}
}
