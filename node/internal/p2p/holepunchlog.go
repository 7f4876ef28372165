package p2p

import (
	"slices"
	"sync"
	"time"

	"github.com/libp2p/go-libp2p/core/peer"
	"github.com/libp2p/go-libp2p/p2p/protocol/holepunch"

	"github.com/lf-store/lf/node/api"
)

// keptPunches is how many of the last attempts at a direct connection are remembered, for who asks
// why there is none.
const keptPunches = 16

// keptHoles bounds the remembered peers with a punched hole, about 60 bytes each. It is more than a
// node has such connections.
const keptHoles = 1024

// punchSlack is what a connection through a hole may be outside of the time that the attempt is
// said to have taken.
const punchSlack = time.Second

// punchedHole is a hole that was punched.
type punchedHole struct {
	at   time.Time
	took time.Duration // the attempt
}

// holePunchLog traces libp2p's hole punching. The zero value is ready.
type holePunchLog struct {
	mu    sync.Mutex
	known api.Punches
	holes map[peer.ID]punchedHole // the last one that was made to each
}

var _ holepunch.EventTracer = (*holePunchLog)(nil)

// Trace implements holepunch.EventTracer.
func (l *holePunchLog) Trace(e *holepunch.Event) {
	l.mu.Lock()
	defer l.mu.Unlock()
	at := time.Unix(0, e.Timestamp)
	tried := api.Punch{Peer: e.Remote.String(), At: api.Millis(at)}
	switch evt := e.Evt.(type) {
	case *holepunch.DirectDialEvt:
		if !evt.Success {
			return // a hole is punched next
		}
		l.known.Direct++
	case *holepunch.EndHolePunchEvt:
		if evt.Success {
			l.known.Succeeded++
			l.note(e.Remote, punchedHole{at, evt.EllapsedTime})
		} else {
			l.known.Failed++
			tried.Error = evt.Error
		}
	case *holepunch.ProtocolErrorEvt:
		l.known.Failed++
		tried.Error = evt.Error
	default:
		return
	}
	if len(l.known.Last) == keptPunches {
		l.known.Last = slices.Delete(l.known.Last, 0, 1)
	}
	l.known.Last = append(l.known.Last, tried)
}

// note remembers a hole; of too many, one is forgotten, whose connection then counts as any other.
func (l *holePunchLog) note(p peer.ID, hole punchedHole) {
	if l.holes == nil {
		l.holes = map[peer.ID]punchedHole{}
	}
	for forgotten := range l.holes {
		if len(l.holes) < keptHoles {
			break
		}
		delete(l.holes, forgotten)
	}
	l.holes[p] = hole
}

// wasPunched reports whether a direct connection with a peer, opened then, goes through a hole that
// was punched for it.
func (l *holePunchLog) wasPunched(id peer.ID, opened time.Time) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	hole, known := l.holes[id]
	return known && !opened.Before(hole.at.Add(-hole.took-punchSlack)) && !opened.After(hole.at.Add(punchSlack))
}

func (l *holePunchLog) facts() api.Punches {
	l.mu.Lock()
	defer l.mu.Unlock()
	f := l.known
	f.Last = append([]api.Punch{}, f.Last...)
	return f
}
