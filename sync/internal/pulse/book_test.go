package pulse

import (
	"encoding/binary"
	"fmt"
	"testing"

	"pgregory.net/rapid"

	"github.com/lf-store/lf/protocol"
)

// factsFor makes up facts of the n-th record of an owner.
func factsFor(owner byte, n int, effort uint32) *Facts {
	f := &Facts{Claim: Claim{Owner: protocol.Owner{owner}}, Index: uint64(owner)<<32 | uint64(n+1), Effort: effort, Last: protocol.MaxPulseSecond, Stands: true}
	binary.BigEndian.PutUint64(f.Composite[:], uint64(n))
	f.Record = protocol.ID{byte(n), owner, byte(n >> 8)}
	return f
}

func pulseFor(f *Facts, second uint64) protocol.Pulse {
	return protocol.Pulse{Record: f.Record, Second: second}
}

// check holds the lists of a book to each other.
func (b *book) check(t *rapid.T) {
	inBuckets, inShares := 0, 0
	for i := range b.buckets {
		for id, e := range b.buckets[i] {
			inBuckets++
			if b.claims[e.Claim] != e || e.Pulse.Record != id || bucketOf(id) != i {
				t.Fatalf("%+v is in bucket %d", e, i)
			}
		}
	}
	for owner, s := range b.free {
		inShares += len(s.entries)
		if s.owner != owner || len(s.entries) == 0 || b.shares.All()[s.place] != s {
			t.Fatalf("the share of %s", owner)
		}
	}
	for i, e := range b.paid.All() {
		if e.place != i || e.Effort == 0 {
			t.Fatalf("%+v is at %d", e, i)
		}
	}
	if b.count > b.size || b.count != len(b.claims) || b.count != inBuckets || b.count != inShares+b.paid.Len() {
		t.Fatalf("%d claims of %d: %d, in buckets %d, free %d, paid %d", b.count, b.size, len(b.claims), inBuckets, inShares, b.paid.Len())
	}
}

// TestBook: a book is within its bound, and what paid more stays. Owners that paid nothing have the
// same shares. The newest pulse of each claim is kept and saved.
func TestBook(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		b := newBook(rapid.IntRange(1, 12).Draw(t, "size"))
		saved := map[uint64]uint64{}
		gone := map[Claim]uint32{} // what the claims that are not kept had paid
		for range rapid.IntRange(1, 80).Draw(t, "steps") {
			effort := uint32(rapid.IntRange(0, 4).Draw(t, "effort"))
			// a claim pays always the same here, so that the order of what is kept is clear
			f := factsFor(byte(rapid.IntRange(1, 4).Draw(t, "owner")), 10*rapid.IntRange(0, 6).Draw(t, "claim")+int(effort), effort)
			f.Index, f.Record[3] = f.Index<<1, byte(rapid.IntRange(0, 1).Draw(t, "version"))
			f.Index += uint64(f.Record[3])
			second := b.newest(f.Claim) + uint64(rapid.IntRange(1, 100).Draw(t, "second"))
			before := map[Claim]uint32{}
			for c, e := range b.claims {
				before[c] = e.Effort
			}
			kept := b.put(pulseFor(f, second), f)
			b.check(t)
			if e := b.claims[f.Claim]; kept != (e != nil) || kept && e.Second != second {
				t.Fatalf("kept: %v, %+v", kept, e)
			}
			delete(gone, f.Claim)
			if !kept {
				gone[f.Claim] = effort
				if most := len(b.shares.All()); effort == 0 && most > 0 && len(b.shares.First().entries) > b.shareOf(f.Owner)+1 {
					t.Fatalf("an owner with %d was refused, and another has %d", b.shareOf(f.Owner), len(b.shares.First().entries))
				}
			}
			for c, paid := range before {
				if b.claims[c] == nil {
					gone[c] = paid
				}
			}
			for c, paid := range gone {
				for other, e := range b.claims {
					if _, had := before[other]; e.Effort < paid && !had && b.claims[c] == nil {
						t.Fatalf("%d stays, %d went", e.Effort, paid)
					}
				}
			}
			if rapid.Bool().Draw(t, "save") {
				keep, forget := b.save()
				for _, i := range forget {
					delete(saved, i)
				}
				for _, p := range keep {
					saved[p.Index] = p.Second
				}
				if len(saved) != len(b.claims) {
					t.Fatalf("%d are saved of %d", len(saved), len(b.claims))
				}
				for _, e := range b.claims {
					if saved[e.Index] != e.Second {
						t.Fatalf("saved %d of %+v", saved[e.Index], e.Pulse)
					}
				}
			}
		}
	})
}

// TestExpire: a pulse is forgotten after a day, and removed from the disk.
func TestExpire(t *testing.T) {
	t.Parallel()
	b := newBook(10)
	old, young := factsFor(1, 1, 1), factsFor(1, 2, 0)
	b.put(pulseFor(old, 1000), old)
	b.put(pulseFor(young, 1001), young)
	b.save()
	if gone := b.expire(1000 + keepSeconds); len(gone) != 0 {
		t.Fatalf("%d went a second early", len(gone))
	}
	if gone := b.expire(1001 + keepSeconds); len(gone) != 1 || gone[0].Claim != old.Claim {
		t.Fatalf("%+v", gone)
	}
	if keep, forget := b.save(); len(keep) != 0 || len(forget) != 1 || forget[0] != old.Index {
		t.Errorf("keep %v, forget %v", keep, forget)
	}
}

// TestDiffering: where two books differ in a little, a question brings what the asker lacks and
// little else. Then both are equal.
func TestDiffering(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		const until = 1_800_000_000
		a, b := newBook(1<<12), newBook(1<<12)
		add := func(to *book, f *Facts, second uint64) {
			if second > to.newest(f.Claim) {
				to.put(pulseFor(f, second), f)
			}
		}
		facts := map[protocol.ID]*Facts{}
		n := rapid.IntRange(0, 2000).Draw(t, "both")
		for i := range n {
			f := factsFor(1, i, 0)
			facts[f.Record] = f
			second := until - uint64(i)
			add(a, f, second)
			add(b, f, second)
		}
		lacks := rapid.IntRange(0, 20).Draw(t, "lacks")
		for i := range lacks {
			f := factsFor(2, i, 0)
			facts[f.Record] = f
			add(b, f, until-uint64(rapid.IntRange(0, 1000).Draw(t, "age")))
		}
		came := 0
		for p := range b.differing(question{until: until, fingerprints: a.fingerprints(until)}) {
			came++
			add(a, facts[p.Record], p.Second)
		}
		if most := lacks * (n/buckets + 2 + lacks); n > 0 && came > most {
			t.Fatalf("%d came of %d, %d were lacking", came, n, lacks)
		}
		if fmt.Sprint(a.fingerprints(until)) != fmt.Sprint(b.fingerprints(until)) {
			t.Fatal("they differ")
		}
		for p := range b.differing(question{until: until, fingerprints: a.fingerprints(until)}) {
			if n+lacks > 0 {
				t.Fatalf("%+v comes again", p)
			}
		}
	})
}
