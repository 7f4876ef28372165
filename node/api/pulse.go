package api

import (
	"context"
	"net/http"
	"slices"
	"time"

	"github.com/lf-store/lf/protocol"
)

// MaxPulses is how many pulses one request may have.
const MaxPulses = 64

// Alive is the newest pulse of the claim that answers: its owner said that it is there. Nodes
// forget it after a day.
type Alive struct {
	Second uint64 `json:"second" doc:"when the owner made it, s since the Unix epoch, by the owner's clock"`
	Age    uint64 `json:"age" doc:"how long ago that was by the node's clock, in s; 0 where it is ahead"`
	// Pulse is what a client verifies this with. The owner may have made it for another version of
	// the claim than the one that answers.
	Pulse []byte `json:"pulse" doc:"the pulse itself, as it travels, base64: what a client verifies with"`
}

// NewAlive tells of a pulse at a time, in ms since the Unix epoch.
func NewAlive(p *protocol.Pulse, now uint64) *Alive {
	second := now / 1000
	return &Alive{Second: p.Second, Age: max(second, p.Second) - p.Second, Pulse: p.Encode()}
}

// Within reports whether the pulse is at most so old, in seconds. A nil Alive is too old.
func (a *Alive) Within(age uint64) bool { return a != nil && a.Age <= age }

// LeaveOutLapsed drops the answers that have no pulse of at most this age, in seconds, and counts
// them. An age of 0 drops none. What a disk damaged stays: nobody knows what would answer.
func (r *QueryResult) LeaveOutLapsed(age uint64) {
	if age == 0 {
		return
	}
	before := len(r.Answers)
	r.Answers = slices.DeleteFunc(r.Answers, func(a Answer) bool { return a.Error == "" && !a.Alive.Within(age) })
	r.Lapsed = before - len(r.Answers)
}

// CheckAlive says what is wrong with an Alive of a query on a network, nil if nothing is.
func (q *Query) CheckAlive(n *protocol.Network) error {
	least := n.LeastAlive()
	switch age := time.Duration(min(q.Alive, MaxAlive+1)) * time.Second; {
	case q.Alive == 0:
		return nil
	case age < least:
		return Invalid("alive must be at least %d s on this network, not %d: a service pulses once a minute, a pulse may get lost, and clocks may differ by %d s",
			int(least.Seconds()), q.Alive, n.Params().ClockDrift/1000)
	case q.Until != 0:
		return Invalid("alive and until do not go together: nobody knows who was alive in the past")
	}
	return nil
}

// MaxAlive is the largest Alive of a query, in seconds: nodes forget a pulse then.
const MaxAlive = uint64(protocol.PulseKeep / time.Second)

// PulseRequest hands in pulses that their owners signed.
type PulseRequest struct {
	Pulses [][]byte `json:"pulses" minItems:"1" maxItems:"64" nullable:"false" doc:"pulses as they travel (SPEC.md, section 22.1), base64 each"`
}

// Parse reads the pulses.
func (r *PulseRequest) Parse() ([]protocol.Pulse, error) {
	if len(r.Pulses) == 0 || len(r.Pulses) > MaxPulses {
		return nil, Invalid("%d pulses, want 1 to %d", len(r.Pulses), MaxPulses)
	}
	list := make([]protocol.Pulse, len(r.Pulses))
	for i, raw := range r.Pulses {
		var err error
		if list[i], err = protocol.DecodePulse(raw); err != nil {
			return nil, Invalid("pulse %d: %v", i, err)
		}
	}
	return list, nil
}

// Pulsed says what became of the pulses of a request.
type Pulsed struct {
	Pulses []PulseOutcome `json:"pulses" nullable:"false" doc:"one for each pulse, in the order of the request"`
}

// PulseOutcome is what became of one pulse.
type PulseOutcome struct {
	Record protocol.ID `json:"record"`
	Second uint64      `json:"second"`
	State  string      `json:"state" enum:"accepted,known,refused" doc:"accepted: it is the newest pulse of its claim, and is passed on. known: the node has this one or a newer one. refused: why says what is wrong"`
	Why    string      `json:"why,omitempty" doc:"why it was refused, and what to do"`
	// Last is when the record has to be written again for further pulses; 0 where that is not
	// known.
	Last uint64 `json:"last,omitempty" doc:"the last second of which this record may have a pulse: write it again before"`
}

// The states of a PulseOutcome.
const (
	PulseAccepted = "accepted"
	PulseKnown    = "known"
	PulseRefused  = "refused"
)

// Pulse implements [Service].
func (c *Client) Pulse(ctx context.Context, r PulseRequest) (*Pulsed, error) {
	if _, err := r.Parse(); err != nil {
		return nil, err
	}
	var p Pulsed
	return ok(&p, c.send(ctx, request{method: http.MethodPost, path: "/v1/pulses", repeatable: true, out: &p}, r))
}
