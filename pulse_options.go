package lf

import "time"

// PulseOption says who pulses, and how often. Those of a [BulkOption] that say who signs are some.
type PulseOption interface{ pulse(p *pulsing) }

type pulseOption func(*pulsing)

func (o pulseOption) pulse(p *pulsing) { o(p) }

// pulsing is how pulses are made.
type pulsing struct {
	writing
	every  time.Duration
	pulsed func(Pulsed)
	renew  func(Key, *Written, error) // nil: values are not set again
}

const (
	// DefaultPulse is how often [Client.KeepAlive] pulses unless [Every] says otherwise. It is the
	// most often that nodes take.
	DefaultPulse = time.Minute
	maxPulse     = 12 * time.Hour // half of what nodes keep a pulse for
)

// Every is how often to pulse: 1 minute, which is the default, to 12 hours. Up to a tenth is added
// at random each time, so that nobody sees by the beat which claims one program keeps alive.
func Every(d time.Duration) PulseOption {
	return pulseOption(func(p *pulsing) {
		if p.every = d; d < DefaultPulse || d > maxPulse {
			p.err = wrongInput("one may pulse once a minute to once in 12 hours, not every %s", d)
		}
	})
}

// OnPulse is called with what became of each pulse of [Client.KeepAlive], on its goroutine.
func OnPulse(tell func(Pulsed)) PulseOption {
	return pulseOption(func(p *pulsing) { p.pulsed = tell })
}

func pulsingOf(options []PulseOption) *pulsing {
	p := &pulsing{every: DefaultPulse, pulsed: func(Pulsed) {}}
	for _, option := range options {
		option.pulse(p)
	}
	return p
}
