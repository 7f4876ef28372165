package hostile

import (
	"context"
	"errors"
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/libp2p/go-libp2p/core/network"
	"github.com/libp2p/go-libp2p/core/peer"
)

// Event is one thing that the attacker did or met.
type Event struct {
	// At is when, in milliseconds since the epoch.
	At   int64  `json:"at"`
	Kind Kind   `json:"event"`
	Mode string `json:"mode,omitempty"`
	// Peer is the target; of begun, the attacker itself.
	Peer   string `json:"peer,omitempty"`
	Detail string `json:"detail,omitempty"`
	Tally  *Tally `json:"tally,omitempty"`
}

// Kind is what kind of event it is.
type Kind string

// The kinds of events.
const (
	Begun     Kind = "begun"
	Connected Kind = "connected"
	Dropped   Kind = "dropped" // the target ended the connection
	// the target did not accept it; only the first of several in a row is told
	Refused Kind = "refused"
	Tallied Kind = "tally" // the sums by now, once a second where they have changed
	Ended   Kind = "ended"
)

// Tally is what the attacker did to one target and met there.
type Tally struct {
	// Connected and Dropped count connections and those that the target ended, Refused those that
	// it did not accept.
	Connected int `json:"connected"`
	Dropped   int `json:"dropped"`
	Refused   int `json:"refused"`
	// Opened counts streams that the attacker opened, Unopened those that it could not, Asked those
	// that the target opened.
	Opened   int `json:"opened"`
	Unopened int `json:"unopened"`
	Asked    int `json:"asked"`
	// Reset counts streams of either kind that the target reset; Limited are those of them for
	// which it gave too much use as its reason, Blamed a breach of the protocol.
	Reset   int `json:"reset"`
	Limited int `json:"limited"`
	Blamed  int `json:"blamed"`
	// Published counts gossiped messages.
	Published int `json:"published"`
}

// reporter keeps the tallies and hands events on, one at a time.
type reporter struct {
	mu      sync.Mutex
	report  func(Event)
	tallies map[peer.ID]*Tally
	told    map[peer.ID]Tally
	refused map[peer.ID]bool // the last connection was refused
}

func newReporter(report func(Event), targets []peer.AddrInfo) *reporter {
	r := &reporter{report: report, tallies: make(map[peer.ID]*Tally), told: make(map[peer.ID]Tally), refused: make(map[peer.ID]bool)}
	for _, t := range targets {
		r.tallies[t.ID] = new(Tally)
	}
	return r
}

// tell reports an event.
func (r *reporter) tell(e Event) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.send(e)
}

func (r *reporter) send(e Event) {
	e.At = time.Now().UnixMilli()
	r.report(e)
}

// count changes a target's tally; what others than targets do is of no interest.
func (r *reporter) count(p peer.ID, change func(*Tally)) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if t := r.tallies[p]; t != nil {
		change(t)
	}
}

// met reports how a connection began or ended.
func (r *reporter) met(p peer.ID, kind Kind, detail string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	again := kind == Refused && r.refused[p]
	r.refused[p] = kind == Refused
	switch t := r.tallies[p]; kind {
	case Connected:
		t.Connected++
	case Dropped:
		t.Dropped++
	case Refused:
		t.Refused++
	}
	if !again {
		r.send(Event{Kind: kind, Peer: p.String(), Detail: detail})
	}
}

// stream notes how a stream ended.
func (r *reporter) stream(p peer.ID, err error) {
	var reset *network.StreamError
	if !errors.As(err, &reset) || !reset.Remote {
		return
	}
	r.count(p, func(t *Tally) {
		t.Reset++
		switch reset.ErrorCode {
		case network.StreamRateLimited, network.StreamResourceLimitExceeded:
			t.Limited++
		case network.StreamProtocolViolation:
			t.Blamed++
		}
	})
}

// keepTelling reports the tallies once a second, and a last time at the end.
func (r *reporter) keepTelling(ctx context.Context) {
	tick := time.NewTicker(time.Second)
	defer tick.Stop()
	for ctx.Err() == nil {
		select {
		case <-tick.C:
		case <-ctx.Done():
		}
		r.tellTallies()
	}
}

func (r *reporter) tellTallies() {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, p := range slices.Sorted(maps.Keys(r.tallies)) {
		if now := *r.tallies[p]; now != r.told[p] {
			r.told[p] = now
			r.send(Event{Kind: Tallied, Peer: p.String(), Tally: &now})
		}
	}
}
