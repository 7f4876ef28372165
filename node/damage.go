package node

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"sync"

	"github.com/lf-store/lf/node/api"
	"github.com/lf-store/lf/store"
)

// damageListed is how many damaged records the doctor is told of by their IDs.
const damageListed = 16

// startScrub looks for damage in the database in the background.
func (n *Node) startScrub() {
	ctx, stop := context.WithCancel(context.Background())
	var running sync.WaitGroup
	running.Go(func() {
		if err := n.store.Scrub(ctx); err != nil {
			n.config.Logger.Warn("nobody looks for damage in the database", "error", err)
		}
	})
	n.closing.add("scrub", func() error {
		stop()
		running.Wait()
		return nil
	})
}

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

// repairing says that the node is not ready while it repairs, and nil otherwise. What no peer has
// does not keep it unready.
func (n *Node) repairing() error {
	if f := damageFacts(n.store.Damage()); f.Repairing > 0 {
		return fmt.Errorf("the disk damaged %d records, which are being fetched from peers", f.Repairing)
	}
	return nil
}
