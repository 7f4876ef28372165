package lf

import (
	"context"
	"errors"
	"fmt"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/lf-store/lf/internal/text"
	"github.com/lf-store/lf/node/api"
	"github.com/lf-store/lf/protocol"
)

// LastPulse is the newest pulse of a claim: its owner said that it was there. The owner's signature
// was checked.
type LastPulse struct {
	// At is when the owner made it, by the owner's clock, in whole seconds.
	At time.Time
	// Age is how long ago that was by this computer's clock, 0 where At is ahead of it.
	Age time.Duration

	record protocol.ID // for which it was made, a version of the claim
}

// Alive asks only for answers whose claim has a pulse that is at most this old, in whole seconds.
// That is looked at after the claims are ranked: where the best claim is not alive there is no
// answer, never another owner's. [Client.Get] and [Client.GetMany] then say [ErrLapsed]. The age
// must be at least two beats and the network's clock drift, 4 minutes on most networks, and at most
// a day.
func Alive(age time.Duration) ReadOption {
	return readOption(func(q *query) {
		if q.alive = age; age <= 0 || age%time.Second != 0 {
			q.err = wrongInput("the age of a pulse must be whole seconds above 0, not %s", age)
		}
	})
}

// lapsedError says since when a claim is not alive. It is an [ErrLapsed].
type lapsedError struct {
	key    Key
	within time.Duration
	last   *LastPulse // nil: no pulse is known
}

func (e *lapsedError) Error() string {
	last := "no pulse of the last day is known"
	if e.last != nil {
		last = fmt.Sprintf("its last pulse was made %s", text.LocalTime(msOf(e.last.At)))
	}
	return fmt.Sprintf("%s: not alive within %s: %s", e.key, text.Duration(e.within), last)
}

func (e *lapsedError) Is(target error) bool { return target == ErrLapsed }

// checkAlive says what is wrong with the age that a question asks for.
func (c *Client) checkAlive(q *query) error {
	if q.alive == 0 {
		return nil
	}
	least := c.network.LeastAlive()
	switch {
	case q.alive < least:
		return wrongInput("the age of a pulse must be at least %s on this network, not %s: a service pulses once a minute, a pulse may get lost, and clocks differ",
			least, q.alive)
	case q.alive > protocol.PulseKeep:
		return wrongInput("the age of a pulse must be at most %s, not %s: then nodes forget it", protocol.PulseKeep, q.alive)
	case q.until > 0:
		return wrongInput("nobody knows who was alive in the past: ask for what is alive, or as of a time")
	}
	return nil
}

// pulse checks the pulse that a node shows beside an answer. One that the owner has dated further
// ahead than clocks may differ says nothing: it would outlive its owner.
func (r *reader) pulse(from *api.Alive, won *protocol.Record) (*LastPulse, error) {
	if from == nil {
		return nil, nil
	}
	p, err := protocol.DecodePulse(from.Pulse)
	if err == nil {
		err = r.network.CheckPulse(&p, won.Owner)
	}
	switch {
	case err != nil:
		return nil, err
	case won.Tombstone():
		return nil, errors.New("a pulse of what was deleted")
	}
	at, now := time.Unix(int64(p.Second), 0), time.Now() // a second has 43 bits
	if at.Sub(now) > 2*r.drift() {
		return nil, nil
	}
	return &LastPulse{At: at, Age: max(now.Sub(at), 0), record: p.Record}, nil
}

func (r *reader) drift() time.Duration {
	return time.Duration(r.network.Params().ClockDrift) * time.Millisecond
}

// checkAge makes sure that an answer is as much alive as was asked for. The node has another clock.
func (r *reader) checkAge(a *Answer) error {
	switch {
	case r.alive == 0 || r.lapsed:
		return nil
	case a.Alive == nil:
		return fmt.Errorf("record %s has no pulse, and only what is alive was asked for", a.Record)
	case a.Alive.Age > r.alive+r.drift():
		return fmt.Errorf("record %s has a pulse of %s, and one of the last %s was asked for", a.Record, text.LocalTime(msOf(a.Alive.At)), r.alive)
	}
	return nil
}

// lapsedIn says that an answer is not alive, nil if it is or if nobody asks.
func (q *query) lapsedIn(a *Answer) error {
	if q.alive == 0 || a == nil || a.Alive != nil && a.Alive.Age <= q.alive {
		return nil
	}
	return &lapsedError{key: a.Key, within: q.alive, last: a.Alive}
}

// checkingPulses is how many records are asked for at once that pulses were made for.
const checkingPulses = 16

// checkPulsed makes sure that the pulse beside each answer was made for a version of its claim. It
// must not be for another claim of the same owner. That version may be older than the one that
// answers. A pulse of a record that the node cannot show says nothing.
func (c *Client) checkPulsed(ctx context.Context, answers []*Answer) error {
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(checkingPulses)
	for _, a := range answers {
		if a.Alive == nil || a.hasVersion(a.Alive.record) {
			continue
		}
		group.Go(func() error {
			_, r, err := c.Record(ctx, a.Alive.record)
			switch {
			case errors.Is(err, ErrNotFound) || errors.Is(err, ErrDamaged):
				a.Alive = nil
			case err != nil:
				return err
			case r.Type != protocol.TypeDatum || r.Owner != a.Owner || r.CompositeID() != a.record.CompositeID():
				return &ForgedError{Node: c.Address(), What: fmt.Errorf("record %s: its pulse was made for record %s, which is of another claim", a.Record, r.ID())}
			}
			return nil
		})
	}
	return group.Wait()
}

func (a *Answer) hasVersion(id protocol.ID) bool {
	if a.Record == id {
		return true
	}
	for i := range a.Older {
		if a.Older[i].Record == id {
			return true
		}
	}
	return false
}
