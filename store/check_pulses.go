package store

import "github.com/lf-store/lf/protocol"

// checkPulses checks that each pulse is signed by the owner of a record that may have it, and that
// no claim has two.
func (v *verifier) checkPulses() error {
	type claim struct {
		composite protocol.CompositeID
		owner     protocol.Owner
	}
	seen := map[claim]int64{}
	return v.eachPulse(0, func(idx int64, p protocol.Pulse) error {
		if err := v.ctx.Err(); err != nil {
			return err
		}
		r, sound, err := ifSound(headerOf(v.frame(idx)))
		if err != nil || !sound { // it is reported with the records
			return err
		}
		p.Record = r.ID()
		if last, _, ok := v.network.PulseTerm(r); !ok || p.Second > last {
			v.problem("record %d has a pulse of second %d, and may have none then", idx, p.Second)
		}
		if err := v.network.CheckPulse(&p, r.Owner); err != nil {
			v.problem("record %d: %v", idx, err)
		}
		of := claim{r.CompositeID(), r.Owner}
		if other := seen[of]; other != 0 {
			v.problem("records %d and %d are of one claim, and each has a pulse", other, idx)
		}
		seen[of] = idx
		return nil
	})
}
