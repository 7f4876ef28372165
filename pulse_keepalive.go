package lf

import (
	"context"
	"errors"
	"math/rand/v2"
	"time"
)

const (
	// together is how far apart pulses may be due that go in one request.
	together = time.Second
	// pulseAgain is how soon a pulse is made again that did not reach a node.
	pulseAgain = 5 * time.Second
)

// KeepAlive pulses for the owner's claims under these keys until the context ends, whose cause is
// then the error. Each time it looks for the newest version of each claim, so values may be set,
// deleted and set again meanwhile. It also goes on while the node is away. [OnPulse] learns what
// becomes of each pulse. If at first a key has no value of the owner's, or a pulse is refused,
// KeepAlive ends with that error. See also [Renew].
func (c *Client) KeepAlive(ctx context.Context, keys []Key, options ...PulseOption) error {
	p, err := c.pulser(pulsingOf(options))
	if err != nil {
		return err
	}
	first, err := p.beat(ctx, keys)
	if err != nil {
		return err
	}
	for _, one := range first {
		if one.Err != nil && (p.renew == nil || !errors.Is(one.Err, ErrPulseOver)) {
			return one.Err
		}
	}
	b := &beats{pulser: p, renewals: renewals{pulser: p}}
	defer b.renewals.running.Wait()
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	for i, one := range first {
		b.list = append(b.list, &beat{key: keys[i]})
		b.told(ctx, b.list[i], one)
	}
	return b.run(ctx)
}

// beats are the claims that are kept alive. Each has a beat of its own.
type beats struct {
	*pulser
	list     []*beat
	renewals renewals
}

type beat struct {
	key     Key
	due     time.Time
	renewal renewal
}

func (b *beats) run(ctx context.Context) error {
	for {
		select {
		case <-ctx.Done():
			return context.Cause(ctx)
		case <-time.After(time.Until(b.next())):
		}
		if due := b.due(time.Now().Add(together)); len(due) > 0 {
			b.pulse(ctx, due)
		}
	}
}

// next returns when the next pulse is due. Without keys that is never.
func (b *beats) next() time.Time {
	next := time.Now().Add(maxPulse)
	for _, one := range b.list {
		if one.due.Before(next) {
			next = one.due
		}
	}
	return next
}

func (b *beats) due(until time.Time) (due []*beat) {
	for _, one := range b.list {
		if one.due.Before(until) {
			due = append(due, one)
		}
	}
	return due
}

// pulse makes the pulses that are due, and tells of each.
func (b *beats) pulse(ctx context.Context, due []*beat) {
	keys := make([]Key, len(due))
	for i, one := range due {
		keys[i] = one.key
	}
	done, err := b.beat(ctx, keys)
	if ctx.Err() != nil {
		return
	}
	if err != nil { // it is about all of them
		done = make([]Pulsed, len(due))
		for i := range done {
			done[i] = Pulsed{Key: keys[i], Owner: b.author.owner, Err: err}
		}
	}
	for i, one := range due {
		b.told(ctx, one, done[i])
		if err != nil {
			one.due = time.Now().Add(pulseAgain + jitter(pulseAgain))
		}
	}
}

// told tells the program what became of a pulse, and says when the next one is due.
func (b *beats) told(ctx context.Context, one *beat, done Pulsed) {
	last := time.Now()
	if done.Err == nil && !done.New && done.At.Before(last) { // somebody else pulses, too
		last = done.At.Add(time.Second)
	}
	one.due = last.Add(b.every + together + jitter(b.every/10)) // it may go as much earlier
	b.pulsed(done)
	b.renewals.consider(ctx, &one.renewal, &done)
}

// jitter is a random time below d.
func jitter(d time.Duration) time.Duration { return rand.N(d) }
