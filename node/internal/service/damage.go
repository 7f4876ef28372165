package service

import (
	"cmp"
	"fmt"
	"slices"

	"github.com/lf-store/lf/node/api"
	"github.com/lf-store/lf/store"
)

// damageListed is how many damaged records the doctor is told of by their IDs.
const damageListed = 16

// damageFacts counts what is known of damage.
func damageFacts(d store.Damage) api.DamageFacts {
	f := api.DamageFacts{Repaired: d.Repaired, Rows: d.Rows, Problems: d.Problems}
	slices.SortStableFunc(d.Records, func(a, b store.DamagedRecord) int { return cmp.Compare(weightOf(a), weightOf(b)) })
	for i, r := range d.Records {
		if r.Unavailable {
			f.Unavailable++
		} else {
			f.Repairing++
		}
		if i < damageListed {
			f.Records = append(f.Records, r.ID)
		}
	}
	return f
}

// weightOf puts first what a person has to see to.
func weightOf(r store.DamagedRecord) int {
	if r.Unavailable {
		return 0
	}
	return 1
}

// Repairing says that the node repairs records, and nil otherwise. What no peer has is not counted.
func (s *Service) Repairing() error {
	if f := damageFacts(s.config.Store.Damage()); f.Repairing > 0 {
		return fmt.Errorf("the disk damaged %d records, which are being fetched from peers", f.Repairing)
	}
	return nil
}
