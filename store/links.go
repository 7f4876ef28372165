package store

import (
	"context"
	"database/sql/driver"
	"math"
	"math/rand/v2"
	"slices"

	"github.com/lf-store/lf/protocol"
	"github.com/lf-store/lf/store/dag"
)

// LinksQuery asks what a new record should link to. Now is the writer's clock, in milliseconds. Where Owner is given, it is who will
// sign the record.
type LinksQuery struct {
	Count int
	Now   uint64
	Owner *protocol.Owner
}

// Links are records to link, whose mergeset fits. Newest is the greatest of their timestamps, which the new record must not precede.
// Certified says that one of them is a certificate of the owner's that the new record can rest on.
type Links struct {
	IDs       []protocol.ID
	Newest    uint64
	Certified bool
}

// Links chooses records for a new one to link: at random among the newest tips that are reputable and not ahead of now; where
// these are too few, among the latest attached records; and at last from the genesis. A disreputable tip is never offered. Where a branch is
// too long to be merged at once, a record on its way is offered in place of its tip.
func (s *Store) Links(ctx context.Context, q LinksQuery) (links Links, err error) {
	err = s.read(ctx, func(c *conn) error {
		links, err = s.links(c, q)
		return err
	})
	return links, err
}

func (s *Store) links(c *conn, q LinksQuery) (links Links, err error) {
	now := int64(min(q.Now, math.MaxInt64))
	chosen, err := c.chooseLinks(max(0, min(q.Count, protocol.MaxLinks)), now, len(s.network.Genesis()))
	if err != nil {
		return links, err
	}
	if q.Owner != nil {
		if chosen, links.Certified, err = s.linkCertificate(c, *q.Owner, now, chosen); err != nil {
			return Links{}, err
		}
	}
	for _, idx := range chosen {
		id, err := c.idOf(idx)
		if err != nil {
			return Links{}, err
		}
		timestamp, err := c.number("SELECT timestamp FROM dag WHERE idx = ?", idx)
		if err != nil {
			return Links{}, err
		}
		links.IDs, links.Newest = append(links.IDs, id), max(links.Newest, uint64(timestamp))
	}
	return links, nil
}

// linkCertificate adds a certificate of the owner's to the links, if there is one that a record with these links can rest on.
func (s *Store) linkCertificate(c *conn, owner protocol.Owner, now int64, links []int64) (with []int64, certified bool, err error) {
	certificate, err := c.usableCertificate(s.network, owner, now, links)
	if err != nil || certificate == 0 {
		return links, false, err
	}
	if slices.Contains(links, certificate) {
		return links, true, nil
	}
	// Where it is one too many, or brings up too much together with the others, the last of them can wait.
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

// chooseLinks returns the indices of count records to link.
func (c *conn) chooseLinks(count int, now int64, genesis int) ([]int64, error) {
	var candidates []dag.Index
	for _, from := range []struct {
		sql  string
		args []driver.Value
	}{
		{"SELECT idx FROM tips WHERE reputable = 1 AND timestamp <= ? ORDER BY timestamp DESC, idx LIMIT ?", []driver.Value{now, int64(recentTips)}},
		{`SELECT idx FROM (SELECT idx, timestamp FROM dag ORDER BY idx DESC LIMIT ?2) AS d WHERE timestamp <= ?1
			AND NOT EXISTS (SELECT 1 FROM tips WHERE reputable = 0 AND tips.timestamp = d.timestamp AND tips.idx = d.idx)
			ORDER BY idx DESC`, []driver.Value{now, int64(recentRecords)}},
		{"SELECT idx FROM dag WHERE idx <= ? ORDER BY idx DESC", []driver.Value{int64(genesis)}},
	} {
		first := len(candidates)
		if err := c.each(func(r *rows) error {
			candidates = append(candidates, dag.Index(r.int(0)))
			return nil
		}, from.sql, from.args...); err != nil {
			return nil, err
		}
		if first == 0 {
			rand.Shuffle(len(candidates), func(i, j int) { candidates[i], candidates[j] = candidates[j], candidates[i] })
		}
		if chosen := c.dag.Choose(candidates, count); len(chosen) == count {
			return indicesOf(chosen), nil
		}
	}
	return indicesOf(c.dag.Choose(candidates, count)), nil
}
