package store

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"testing"
	"time"

	"github.com/lf-store/lf/protocol"
)

// crowdBench is a store with one key that many owners claim. Their records are made from one, with
// other owners and times: nobody signs them, and the store does not look.
type crowdBench struct {
	*trustWorld
	b        *testing.B
	s        *Store
	path     string
	owners   int
	last     *protocol.Record // of the honest chain
	perClaim time.Duration
}

var crowdSizes = []int{1, 1_000, 100_000}

// crowdOwnersOf are the sizes to measure; LF_CROWD=1000000 adds another one.
func crowdOwnersOf(b *testing.B) []int {
	if n, err := strconv.Atoi(os.Getenv("LF_CROWD")); err == nil {
		return []int{n}
	}
	if testing.Short() {
		return crowdSizes[:2]
	}
	return crowdSizes
}

func numbered(i int) (o protocol.Owner) {
	binary.BigEndian.PutUint64(o[:], uint64(i)+1)
	o[31] = 1
	return o
}

// newCrowdBench opens a store and puts what comes before the claims, and the claims. A chain of
// honest records builds on one of them. The others link the genesis. Every second of them is linked
// by a record that links 16.
func newCrowdBench(b *testing.B, owners int, before func(*crowdBench)) *crowdBench {
	c := &crowdBench{trustWorld: newTrustWorld(b, func(p *protocol.Params) { p.MaxValue = 16 << 10 }), b: b, owners: owners, path: filepath.Join(b.TempDir(), "lf.db")}
	c.open(Options{volatile: true})
	if before != nil {
		before(c)
	}
	winner := c.full(spec{at: 1000, owner: 0, sels: keyA, value: "v"})
	c.last = winner
	records := append([]*protocol.Record{winner}, c.chainOn(winner, 200)...)
	c.put(records)
	template := c.full(spec{at: 2000, owner: 1, sels: keyA, value: "v"})
	began := time.Now()
	var claims []*protocol.Record
	for i := 1; i < owners; i++ {
		claims = append(claims, c.as(template, i, 2000+uint64(i%1000), nil))
		if len(claims) == batchRecords || i == owners-1 {
			c.put(claims)
			c.perClaim = time.Since(began) / time.Duration(owners)
			if i%(2*batchRecords) < batchRecords {
				c.linkAll(claims)
			}
			claims = claims[:0]
		}
	}
	settleRanks(b, c.s, nil)
	return c
}

func (c *crowdBench) open(o Options) {
	var err error
	if c.s, err = Open(c.path, c.Network, o); err != nil {
		c.b.Fatal(err)
	}
	s := c.s
	c.b.Cleanup(func() { s.Close() })
}

// as is a record of another owner, time and links.
func (c *crowdBench) as(r *protocol.Record, owner int, at uint64, links []protocol.ID) *protocol.Record {
	h := r.Header
	h.Owner, h.Timestamp = numbered(owner), testTime+at
	if links != nil {
		h.Links = links
	}
	made, err := protocol.NewRecord(h, r.ValueBytes())
	if err != nil {
		c.b.Fatal(err)
	}
	return made
}

func (c *crowdBench) put(records []*protocol.Record) {
	results, err := c.s.PutAll(context.Background(), records, nil)
	if err != nil {
		c.b.Fatal(err)
	}
	for _, r := range results {
		if r.Outcome != Attached {
			c.b.Fatal(r.Outcome, r.Err)
		}
	}
}

// chainOn makes records that build on one, under keys of their own.
func (c *crowdBench) chainOn(r *protocol.Record, n int) (chain []*protocol.Record) {
	template := c.full(spec{at: 1001, owner: 2, sels: []sel{{"chain", 0}}, value: "v"})
	for range n {
		r = c.as(template, 3, r.Timestamp-testTime+1, []protocol.ID{r.ID()})
		chain = append(chain, r)
	}
	return chain
}

func (c *crowdBench) linkAll(claims []*protocol.Record) {
	template := c.full(spec{at: 1001, owner: 2, sels: []sel{{"links", 0}}, value: "v"})
	var merging []*protocol.Record
	for ; len(claims) >= protocol.MaxLinks; claims = claims[protocol.MaxLinks:] {
		var links []protocol.ID
		at := uint64(5000)
		for _, l := range claims[:protocol.MaxLinks] {
			links, at = append(links, l.ID()), max(at, l.Timestamp-testTime)
		}
		merging = append(merging, c.as(template, 4, at, links))
	}
	c.put(merging)
}

// grow adds honest records.
func (c *crowdBench) grow(n int) {
	chain := c.chainOn(c.last, n)
	c.put(chain)
	c.last = chain[n-1]
}

func (c *crowdBench) ask(b *testing.B, q Query) bool {
	q.Where = []Range{c.where("a", 0, 0)}
	x := c.s.newSearch(context.Background(), q)
	err := c.s.read(context.Background(), x.run)
	if err != nil && !errors.Is(err, ErrTooBroad) {
		b.Fatal(err)
	}
	if err == nil && (len(x.answers.Keys) != 1 || x.answers.Keys[0].Total != c.owners) {
		b.Fatalf("%+v", x.answers.Keys)
	}
	return err == nil && (x.rowsUsed > 0 || c.owners < 64)
}

// isSettled reports whether there is nothing left to do in the background.
func (c *crowdBench) isSettled() (settled bool) {
	if err := c.s.change(context.Background(), func(t *tx) error {
		worked, err := t.rankStep()
		r := t.store.ranker
		r.mu.Lock()
		defer r.mu.Unlock()
		settled = !worked && len(r.stale) == 0 && len(r.roots) == 0
		return err
	}); err != nil {
		c.b.Fatal(err)
	}
	return settled
}

// measure benchmarks a query, and says what the first ones cost: the very first, and on average
// until nothing is left to do in the background.
func (c *crowdBench) measure(b *testing.B, name string, q Query) {
	b.Run(name, func(b *testing.B) {
		began := time.Now()
		c.ask(b, q)
		first, asked := time.Since(began), 1
		for deadline := began.Add(2 * time.Minute); !c.isSettled() && time.Now().Before(deadline); asked++ {
			c.ask(b, q)
		}
		settled := time.Since(began)
		for b.Loop() {
			if !c.ask(b, q) {
				b.ReportMetric(1, "all-ranked")
			}
		}
		b.ReportMetric(float64(first.Microseconds())/1000, "first-ms")
		b.ReportMetric(settled.Seconds(), "settled-s")
		b.ReportMetric(float64(settled.Microseconds())/1000/float64(asked), "until-ms")
	})
}

func (c *crowdBench) measureAll(b *testing.B, oracles []protocol.Owner) {
	c.measure(b, "default", Query{Oracles: oracles})
	for _, by := range everyCriterion {
		c.measure(b, string(by), Query{Policy: protocol.Policy{by}, Oracles: oracles})
	}
	c.measure(b, "explain", Query{Oracles: oracles, Explain: true})
}

// BenchmarkCrowd asks for one key that many owners claim, by the default policy and with each
// criterion first. It does so while honest records build on the first claim, after a start, and
// after a heal that makes another claim the heaviest.
func BenchmarkCrowd(b *testing.B) {
	for _, owners := range crowdOwnersOf(b) {
		b.Run(fmt.Sprintf("owners=%d", owners), func(b *testing.B) {
			c := newCrowdBench(b, owners, nil)
			b.Logf("%v a claim", c.perClaim)
			c.measureAll(b, nil)
			c.grow(1000)
			c.measure(b, "after 1000 records", Query{})
			c.s.Close()
			c.open(Options{volatile: true})
			c.measure(b, "after a start", Query{})
			if owners > 1 {
				healed := c.as(c.full(spec{at: 2000, sels: keyA, value: "v"}), owners/2, 1900, nil)
				branch := append([]*protocol.Record{healed}, c.chainOn(healed, 5000)...)
				c.put(branch)
				c.measure(b, "after a heal", Query{})
			}
		})
	}
}

// BenchmarkCrowdWithAuthorities has one certificate revoked, of nobody who claims the key, or
// everybody certified.
func BenchmarkCrowdWithAuthorities(b *testing.B) {
	for _, owners := range crowdOwnersOf(b) {
		b.Run(fmt.Sprintf("owners=%d/one revoked", owners), func(b *testing.B) {
			newCrowdBench(b, owners, func(c *crowdBench) {
				chain := c.always(b, c.ca, 7)
				c.put([]*protocol.Record{c.certificate(1, chain), c.revocation(2, ownerCA, c.revoke(b, c.ca, chain, 0, 0))})
			}).measureAll(b, nil)
		})
		b.Run(fmt.Sprintf("owners=%d/all certified", owners), func(b *testing.B) {
			newCrowdBench(b, owners, (*crowdBench).certifyAll).measureAll(b, nil)
		})
	}
}

// certifyAll copies the row of one certificate for all owners.
func (c *crowdBench) certifyAll() {
	c.put([]*protocol.Record{c.certificate(1, c.always(c.b, c.ca, 0))})
	for from := 1; from < c.owners; from += batchRecords {
		if err := c.s.change(context.Background(), func(t *tx) error {
			for i := from; i < min(from+batchRecords, c.owners); i++ {
				o := numbered(i)
				if _, err := t.exec(`INSERT INTO certificates SELECT ?, authority, own, ?, issuer, since, until, idx, issues FROM certificates
					WHERE authority = 1 LIMIT 1`, o[:], o[:chainSize]); err != nil {
					return err
				}
			}
			return nil
		}); err != nil {
			c.b.Fatal(err)
		}
	}
}

// BenchmarkCrowdWithOracle has an elected oracle object to all claims but one.
func BenchmarkCrowdWithOracle(b *testing.B) {
	for _, owners := range crowdOwnersOf(b) {
		b.Run(fmt.Sprintf("owners=%d", owners), func(b *testing.B) {
			oracle := []protocol.Owner{numbered(1 << 30)}
			c := newCrowdBench(b, owners, nil)
			settleRanks(b, c.s, oracle)
			key := c.compositeOf(keyA...)
			for from := 1; from < owners; from += 200 {
				var words []protocol.Word
				for i := from; i < min(from+200, owners); i++ {
					if i != owners/2 {
						words = append(words, protocol.Word{Composite: key, Owner: numbered(i), Objects: true})
					}
				}
				value, err := protocol.EncodeCommentary(append(words, protocol.Word{Composite: key, Owner: c.ownerID(0), Objects: true}))
				if err != nil {
					b.Fatal(err)
				}
				r := c.full(spec{kind: protocol.TypeCommentary, at: 3000, owner: 5, value: string(value)})
				h := r.Header
				h.Owner = oracle[0]
				if r, err = protocol.NewRecord(h, value); err != nil {
					b.Fatal(err)
				}
				c.put([]*protocol.Record{r})
			}
			c.s.Elect(oracle)
			c.measureAll(b, oracle)
		})
	}
}

// BenchmarkRoots asks for a key that an honest owner claims, and under which another one has many
// unrelated versions. At first nothing links these, then records link half of them.
func BenchmarkRoots(b *testing.B) {
	for _, versions := range crowdOwnersOf(b) {
		b.Run(fmt.Sprintf("versions=%d", versions), func(b *testing.B) {
			c := newCrowdBench(b, 1, nil)
			c.owners = 2
			template := c.full(spec{at: 2000, owner: 1, sels: keyA, value: "v"})
			var list []*protocol.Record
			for i := range versions {
				list = append(list, c.as(template, 1, 2000+uint64(i), nil))
			}
			began := time.Now()
			for batch := range slices.Chunk(list, batchRecords) {
				c.put(batch)
			}
			b.Logf("%v a version", time.Since(began)/time.Duration(versions))
			c.measureAll(b, nil)
			c.grow(1000)
			c.measure(b, "after 1000 records", Query{})
			for batch := range slices.Chunk(list[:versions/2], batchRecords) {
				c.linkAll(batch)
			}
			c.measure(b, "half linked", Query{})
			c.grow(1000)
			c.measure(b, "1000 records later", Query{})
			c.put([]*protocol.Record{c.as(c.full(spec{at: 1, sels: keyA, kind: protocol.TypeRelease}), 1, 1999, nil)})
			c.measure(b, "after a late release", Query{})
		})
	}
}
