package node

import (
	"slices"
	"sync"
	"time"

	"github.com/libp2p/go-libp2p/core/peer"
	"github.com/libp2p/go-libp2p/p2p/protocol/holepunch"
)

// keptPunches is how many of the last attempts at a direct connection are remembered, for who asks
// why there is none.
const keptPunches = 16

// keptHoles bounds the peers remembered to whom a hole was punched, some 60 bytes each: more than a
// node has such connections.
const keptHoles = 1024

// punchSlack is what a connection through a hole may be outside of the time that the attempt is
// said to have taken.
const punchSlack = time.Second

// punchFacts is how it went to turn relayed connections into direct ones.
type punchFacts struct {
	Direct    int // a plain dial was enough: the peer can be reached by everybody
	Succeeded int // through a hole in both NATs
	Failed    int
	Last      []punch // the last ones, the newest at the end
}

// punch is one attempt. Error is empty where it succeeded.
type punch struct {
	Peer  peer.ID
	At    time.Time
	Error string
	took  time.Duration
}

// punches traces libp2p's hole punching. The zero value is ready.
type punches struct {
	mu    sync.Mutex
	known punchFacts
	holes map[peer.ID]punch // the last one that was made to each
}

var _ holepunch.EventTracer = (*punches)(nil)

// Trace implements holepunch.EventTracer.
func (p *punches) Trace(e *holepunch.Event) {
	p.mu.Lock()
	defer p.mu.Unlock()
	tried := punch{Peer: e.Remote, At: time.Unix(0, e.Timestamp)}
	switch evt := e.Evt.(type) {
	case *holepunch.DirectDialEvt:
		if !evt.Success {
			return // a hole is punched next
		}
		p.known.Direct++
	case *holepunch.EndHolePunchEvt:
		if evt.Success {
			p.known.Succeeded++
			tried.took = evt.EllapsedTime
			p.note(tried)
		} else {
			p.known.Failed++
			tried.Error = evt.Error
		}
	case *holepunch.ProtocolErrorEvt:
		p.known.Failed++
		tried.Error = evt.Error
	default:
		return
	}
	if len(p.known.Last) == keptPunches {
		p.known.Last = slices.Delete(p.known.Last, 0, 1)
	}
	p.known.Last = append(p.known.Last, tried)
}

// note remembers a hole; of too many, one is forgotten, whose connection then counts as any other.
func (p *punches) note(made punch) {
	if p.holes == nil {
		p.holes = map[peer.ID]punch{}
	}
	for forgotten := range p.holes {
		if len(p.holes) < keptHoles {
			break
		}
		delete(p.holes, forgotten)
	}
	p.holes[made.Peer] = made
}

// made reports whether a direct connection with a peer, opened then, goes through a hole that was
// punched for it.
func (p *punches) made(id peer.ID, opened time.Time) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	hole, known := p.holes[id]
	return known && !opened.Before(hole.At.Add(-hole.took-punchSlack)) && !opened.After(hole.At.Add(punchSlack))
}

func (p *punches) facts() punchFacts {
	p.mu.Lock()
	defer p.mu.Unlock()
	f := p.known
	f.Last = slices.Clone(f.Last)
	return f
}
