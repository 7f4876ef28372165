package store

import (
	"cmp"
	"context"
	"database/sql/driver"
	"math"
	"math/rand/v2"
	"slices"

	"github.com/lf-store/lf/protocol"
	"github.com/lf-store/lf/store/internal/blocks"
	"github.com/lf-store/lf/store/internal/dag"
)

// LinksQuery asks what a new record should link to. Now is the writer's clock, in milliseconds.
// Where Owner is given, it is the owner that will sign the record.
type LinksQuery struct {
	Count int
	Now   uint64
	Owner *protocol.Owner
}

// Links are records to link, whose mergeset fits. Newest is the greatest of their timestamps, which
// the new record must not precede. Certified says that one of them is a certificate of the owner's
// that the new record can rest on.
type Links struct {
	IDs       []protocol.ID
	Newest    uint64
	Certified bool
}

// Links chooses records for a new one to link. It draws among the tips that are reputable, not
// ahead of now, and have a great past. Where these are too few, it takes the latest attached
// records, and at last the genesis. A disreputable tip is never offered. Where a branch is too long
// to be merged at once, a record on its way is offered in place of its tip.
func (s *Store) Links(ctx context.Context, q LinksQuery) (links Links, err error) {
	err = s.read(ctx, func(c *conn) error {
		links, err = s.links(c, q)
		return err
	})
	return links, err
}

func (s *Store) links(c *conn, q LinksQuery) (links Links, err error) {
	now := int64(min(q.Now, math.MaxInt64))
	chosen, read, err := c.chooseSound(max(0, min(q.Count, protocol.MaxLinks)), now, len(s.network.Genesis()))
	if err != nil {
		return links, err
	}
	if q.Owner != nil {
		if chosen, links.Certified, err = s.linkCertificate(c, *q.Owner, now, chosen); err != nil {
			return Links{}, err
		}
	}
	for _, idx := range chosen {
		r := read[idx]
		if r == nil { // a certificate
			if r, err = c.frame(idx); err != nil {
				return Links{}, err
			}
		}
		links.IDs, links.Newest = append(links.IDs, r.ID()), max(links.Newest, r.Timestamp)
	}
	return links, nil
}

// linkCertificate adds a certificate of the owner's to the links, if there is one that a record
// with these links can rest on.
func (s *Store) linkCertificate(c *conn, owner protocol.Owner, now int64, links []int64) (with []int64, certified bool, err error) {
	certificate, err := c.usableCertificate(s.network, owner, now, links)
	if err != nil || certificate == 0 {
		return links, false, err
	}
	if slices.Contains(links, certificate) {
		return links, true, nil
	}
	// Where it is one too many, or brings up too much together with the others, the last of them
	// can wait.
	for _, n := range []int{len(links), len(links) - 1} {
		if n < 0 || n == protocol.MaxLinks {
			continue
		}
		with = append(slices.Clone(links[:n]), certificate)
		if _, err := c.dag.Place(graphOf(with)); err == nil {
			return with, true, nil
		}
	}
	return links, false, nil
}

// chooseSound is chooseLinks without damaged records: nothing new is built on what this node could
// not show. It also returns the records that it has read to find out, by index.
func (c *conn) chooseSound(count int, now int64, genesis int) ([]int64, map[int64]*protocol.Record, error) {
	damaged := map[dag.Index]bool{}
	read := make(map[int64]*protocol.Record, count)
	for {
		chosen, err := c.chooseLinks(count, now, genesis, damaged)
		if err != nil {
			return nil, nil, err
		}
		before := len(damaged)
		for _, idx := range chosen {
			r, err := c.frame(idx)
			switch d := asDamaged(err); {
			case err == nil:
				read[idx] = r
			case d == nil:
				return nil, nil, err
			case damaged[dag.Index(idx)] || before >= recentTips:
				// it stands in for a tip, or there are too many
				return nil, nil, err
			default:
				damaged[dag.Index(idx)] = true
			}
		}
		if len(damaged) == before {
			return chosen, read, nil
		}
	}
}

// chooseLinks returns the indices of count records to link, with candidates other than some.
func (c *conn) chooseLinks(count int, now int64, genesis int, except map[dag.Index]bool) ([]int64, error) {
	candidates, err := c.candidates(count, now)
	if err != nil {
		return nil, err
	}
	candidates = slices.DeleteFunc(candidates, func(idx dag.Index) bool { return except[idx] })
	last, err := c.lastInGraph()
	if err != nil {
		return nil, err
	}
	for _, more := range []struct{ after, upTo, until int64 }{{max(0, last-recentRecords), last, now}, {0, int64(genesis), math.MaxInt64}} {
		if chosen := c.dag.Choose(candidates, count); len(chosen) == count {
			return indicesOf(chosen), nil
		}
		recent, err := c.latest(more.after, more.upTo, more.until)
		if err != nil {
			return nil, err
		}
		disreputable, err := c.disreputable(recent)
		if err != nil {
			return nil, err
		}
		for _, idx := range recent {
			if !slices.Contains(disreputable, idx) && !except[idx] {
				candidates = append(candidates, idx)
			}
		}
	}
	return indicesOf(c.dag.Choose(candidates, count)), nil
}

// latest returns the records after an index and up to another that are not after a time, the last
// one first.
func (c *conn) latest(after, upTo, until int64) (list []dag.Index, err error) {
	err = c.eachInGraph(after, upTo, func(idx int64, b *blocks.Graph) error {
		if timestamp, _ := b.TimesOf(idx); timestamp <= until {
			list = append(list, dag.Index(idx))
		}
		return nil
	})
	slices.Reverse(list)
	return list, err
}

// disreputable returns those of these records that are disreputable tips. What another one of them
// links is no tip, so that only the rest is looked up.
func (c *conn) disreputable(list []dag.Index) (found []dag.Index, err error) {
	linked := make(map[dag.Index]bool, len(list))
	for _, idx := range list {
		for _, parent := range c.dag.Parents(idx) {
			linked[parent] = true
		}
	}
	for _, idx := range list {
		if linked[idx] {
			continue
		}
		is, err := c.one(nil, "SELECT 1 FROM tips WHERE reputable = 0 AND past = ? AND idx = ?", c.past(int64(idx)), int64(idx))
		if err != nil {
			return nil, err
		}
		if is {
			found = append(found, idx)
		}
	}
	return found, nil
}

func (c *conn) indices(sql string, args ...driver.Value) ([]dag.Index, error) {
	numbers, err := c.numbers(sql, args...)
	return graphOf(numbers), err
}

// candidates returns reputable tips that are not ahead of now, the preferred ones first. Fresh ones
// are at random, the more likely the further up they are. Every now and then one that fell back is
// among those that will be chosen.
func (c *conn) candidates(count int, now int64) ([]dag.Index, error) {
	tips, err := c.indices("SELECT idx FROM tips WHERE reputable = 1 AND timestamp <= ? ORDER BY past DESC, idx LIMIT ?", now, int64(recentTips))
	if err != nil || len(tips) == 0 {
		return nil, err
	}
	ladder := c.dag.Ladder(tips[0], freshSteps)
	fresh, late := c.splitTips(tips, ladder)
	if len(late) == 0 && len(tips) == recentTips {
		floor := int64(min(ladder[len(ladder)-1], math.MaxInt64))
		if late, err = c.indices("SELECT idx FROM tips WHERE reputable = 1 AND past < ? AND timestamp <= ? ORDER BY past DESC, idx LIMIT ?",
			floor, now, int64(recentTips)); err != nil {
			return nil, err
		}
	}
	if len(late) == 0 {
		return fresh, nil
	}
	// Half of the time it is the one with the greatest past. That is one that was passed over by
	// chance or, should the network have been in two, the other half.
	if rand.IntN(2) == 0 {
		rand.Shuffle(len(late), func(i, j int) { late[i], late[j] = late[j], late[i] })
	}
	if rand.IntN(lateShare) == 0 {
		return append(slices.Insert(fresh, min(max(count-1, 0), len(fresh)), late[0]), late[1:]...), nil
	}
	return append(fresh, late...), nil
}

// splitTips draws an order of the fresh ones of the tips, given by their past. It returns those
// that fell back in the order they are in. Some are both. ladder is the past of the heaviest and of
// the records of its main chain, downwards.
func (c *conn) splitTips(tips []dag.Index, ladder []uint64) (fresh, late []dag.Index) {
	draws := make(map[dag.Index]float64, len(tips))
	for _, tip := range tips {
		past := c.dag.Past(tip)
		steps, _ := slices.BinarySearchFunc(ladder, past, func(rung, past uint64) int { return cmp.Compare(past, rung) })
		if steps > evenSteps {
			late = append(late, tip)
		}
		if steps <= freshSteps {
			fresh = append(fresh, tip)
			// the least of exponentials: each wins by its rate
			draws[tip] = math.Ldexp(rand.ExpFloat64(), max(0, steps-evenSteps))
		}
	}
	slices.SortFunc(fresh, func(a, b dag.Index) int { return cmp.Compare(draws[a], draws[b]) })
	return fresh, late
}
