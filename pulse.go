package lf

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/lf-store/lf/internal/text"
	"github.com/lf-store/lf/node/api"
	"github.com/lf-store/lf/protocol"
)

// Pulsed tells what became of the pulse of one claim.
type Pulsed struct {
	Key   Key
	Owner protocol.Owner
	// Record is the owner's newest version under the key, for which the pulse was made; the zero ID
	// where there is none.
	Record protocol.ID
	// At is when the newest pulse of the claim was made, New tells that it is this one. Another one
	// of the last minute does as well.
	At  time.Time
	New bool
	// Ends is when the record can have no further pulses, because its work does not pay for more:
	// set the value again before. The zero time stands for never.
	Ends time.Time
	// Err is nil where the claim is alive as of At. Otherwise it is [ErrNotFound], [ErrDeleted],
	// [ErrDamaged], [ErrPulseOver], a [*PulseError], or what kept the node from answering.
	Err error

	answer *Answer // that was found
}

// ErrPulseOver says that a record can have no further pulses: its value must be set again.
var ErrPulseOver = errors.New("its work pays for no further pulses: set the value again")

// PulseError says why a node refused a pulse.
type PulseError struct {
	Key Key
	Why string
}

func (e *PulseError) Error() string {
	return fmt.Sprintf("%s: the pulse was refused: %s", e.Key, e.Why)
}

// Pulse says once that the owner's claims under these keys are alive. Each key has one ordinal for
// each name. A pulse is no record: it costs no work, and nodes forget it after a day. One a minute
// is enough for a claim. The result has one [Pulsed] for each key, in their order. The error is
// about all of them.
func (c *Client) Pulse(ctx context.Context, keys []Key, options ...PulseOption) ([]Pulsed, error) {
	p, err := c.pulser(pulsingOf(options))
	if err != nil {
		return nil, err
	}
	return p.beat(ctx, keys)
}

// pulser makes pulses as one owner.
type pulser struct {
	*Client
	*pulsing
	author *author
}

func (c *Client) pulser(p *pulsing) (*pulser, error) {
	if p.err != nil {
		return nil, p.err
	}
	if err := errors.Join(c.check(), c.mayWrite()); err != nil {
		return nil, err
	}
	a := &author{Client: c, writing: &p.writing, secret: p.secret}
	if a.secret == nil {
		if err := c.checkHasOwner(); err != nil {
			return nil, err
		}
		key, err := c.ownerKey(&p.writing)
		if err != nil {
			return nil, err
		}
		a.name, a.secret = key.Name, key.Secret
	}
	a.owner = protocol.OwnerOf(a.secret)
	return &pulser{Client: c, pulsing: p, author: a}, nil
}

// beat makes a pulse for each key whose claim has none of the last minute.
func (p *pulser) beat(ctx context.Context, keys []Key) ([]Pulsed, error) {
	done := make([]Pulsed, 0, len(keys))
	var made []*protocol.Pulse // for each key, nil for none
	for l, err := range p.GetMany(ctx, keys, By(p.author.owner.String()), MaskingKey(p.maskingKey)) {
		if err != nil {
			return nil, err
		}
		one, pulse := p.prepare(&l)
		done, made = append(done, one), append(made, pulse)
	}
	return done, p.send(ctx, done, made)
}

// prepare makes the pulse of a claim, nil where there is no need or no way.
func (p *pulser) prepare(l *Lookup) (Pulsed, *protocol.Pulse) {
	one := Pulsed{Key: l.Key, Owner: p.author.owner, Err: l.Err}
	switch {
	case errors.Is(l.Err, ErrNotFound):
		one.Err = notFound("owner %q has nothing under %s", ownerText(p.author.name, p.author.owner), l.Key)
	case errors.Is(l.Err, ErrSealed):
		one.Err = nil // nobody needs the value
	}
	if one.Err != nil {
		return one, nil
	}
	r := l.Answer.record
	one.answer = l.Answer
	one.Record = r.ID()
	last, paid, _ := p.network.PulseTerm(r)
	if paid {
		one.Ends = time.Unix(int64(last), 0) // of at most 43 bits
	}
	second := clock() / 1000
	if known := l.Answer.Alive; known != nil {
		if one.At = known.At; second < uint64(known.At.Unix())+uint64(protocol.PulseInterval/time.Second) {
			return one, nil
		}
	}
	if second > last {
		one.Err = fmt.Errorf("%s: %w (it was possible until %s)", l.Key, ErrPulseOver, text.LocalTime(1000*last))
		return one, nil
	}
	pulse := p.network.NewPulse(one.Record, second, p.author.secret)
	return one, &pulse
}

// send hands in the pulses that were made, and notes what became of each.
func (p *pulser) send(ctx context.Context, done []Pulsed, made []*protocol.Pulse) error {
	var of []int // the numbers of those that are sent
	for i, pulse := range made {
		if pulse != nil {
			of = append(of, i)
		}
	}
	for len(of) > 0 {
		n := min(len(of), api.MaxPulses)
		var r api.PulseRequest
		for _, i := range of[:n] {
			r.Pulses = append(r.Pulses, made[i].Encode())
		}
		var said *api.Pulsed
		err := p.retry(ctx, p.patience, func(node api.Service) (err error) {
			said, err = node.Pulse(ctx, r)
			return err
		})
		if err != nil {
			return fmt.Errorf("hand in pulses: %w", err)
		}
		if len(said.Pulses) != n {
			return &ForgedError{Node: p.Address(), What: fmt.Errorf("it tells what became of %d pulses, and got %d", len(said.Pulses), n)}
		}
		for j, i := range of[:n] {
			done[i].note(made[i], &said.Pulses[j])
		}
		of = of[n:]
	}
	return nil
}

// note takes what a node says of a pulse.
func (d *Pulsed) note(p *protocol.Pulse, o *api.PulseOutcome) {
	switch {
	case o.State == api.PulseAccepted:
		d.At, d.New = time.Unix(int64(p.Second), 0), true
	case o.State == api.PulseKnown:
		d.At = time.Unix(int64(p.Second), 0)
	default:
		d.Err = &PulseError{Key: d.Key, Why: o.Why}
	}
}
