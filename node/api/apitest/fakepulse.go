package apitest

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/lf-store/lf/node/api"
	"github.com/lf-store/lf/protocol"
)

// pulsedClaim is the claim that a pulse is for.
type pulsedClaim struct {
	composite protocol.CompositeID
	owner     protocol.Owner
}

// Pulse implements api.Service. A fake passes nothing on.
func (f *Fake) Pulse(ctx context.Context, r api.PulseRequest) (*api.Pulsed, error) {
	pulses, err := r.Parse()
	if err != nil {
		return nil, err
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	f.settle()
	out := &api.Pulsed{}
	for i := range pulses {
		out.Pulses = append(out.Pulses, f.pulse(&pulses[i]))
	}
	return out, ctx.Err()
}

func (f *Fake) pulse(p *protocol.Pulse) api.PulseOutcome {
	out := api.PulseOutcome{Record: p.Record, Second: p.Second, State: api.PulseRefused}
	e := f.records[p.Record]
	if e == nil || e.state != api.StateAttached {
		out.Why = fmt.Sprintf("record %s is not here", p.Record)
		return out
	}
	last, _, ok := f.network.PulseTerm(e.Record)
	if versions := f.standing(e.CompositeID(), e.Owner); !ok || !slices.Contains(versions, e) || versions[0].Tombstone() {
		out.Why = "only a value that was neither deleted nor released can be alive"
		return out
	}
	out.Last = last
	of := pulsedClaim{e.CompositeID(), e.Owner}
	known := f.pulses[of].Second
	drift, past := f.network.Params().ClockDrift, uint64(protocol.PulsePast.Milliseconds())
	switch at := 1000 * p.Second; {
	case at+past < now() || at > now()+drift:
		out.Why = "its second is too far from the node's clock"
	case p.Second <= known:
		out.State = api.PulseKnown
	case f.network.CheckPulse(p, e.Owner) != nil:
		out.Why = "the owner's signature does not verify"
	case known > 0 && p.Second < known+uint64(protocol.PulseInterval/time.Second):
		out.Why = "less than a minute after the one before"
	case p.Second > last:
		out.Why = "the record's work does not pay for it any more: write the record again"
	default:
		f.pulses[of] = *p
		close(f.changed)
		f.changed = make(chan struct{})
		out.State = api.PulseAccepted
	}
	return out
}

// standing returns the versions of an owner's claim that no release withdraws, newest first.
func (f *Fake) standing(composite protocol.CompositeID, owner protocol.Owner) (versions []*entry) {
	for _, e := range f.records {
		if e.state == api.StateAttached && e.Owner == owner && len(e.Selectors) > 0 && e.CompositeID() == composite &&
			(e.Type == protocol.TypeDatum || e.Type == protocol.TypeRelease) {
			versions = append(versions, e)
		}
	}
	slices.SortFunc(versions, newest)
	if released := slices.IndexFunc(versions, func(e *entry) bool { return e.Type == protocol.TypeRelease }); released >= 0 {
		versions = versions[:released]
	}
	return versions
}

// alive tells of the newest pulse of a claim, nil where there is none.
func (f *Fake) alive(composite protocol.CompositeID, versions []*entry) *api.Alive {
	p, ok := f.pulses[pulsedClaim{composite, versions[0].Owner}]
	if !ok || versions[0].Tombstone() || !slices.Contains(versions, f.records[p.Record]) {
		return nil
	}
	return api.NewAlive(&p, now())
}
