package negentropy

import (
	"bytes"
	"slices"
	"testing"

	"pgregory.net/rapid"
)

// session is what it took to compare two sets, and what came out.
type session struct {
	rounds, up, down int
	need, have       []ID
	unknown          []ID
	differ           bool
}

// reconcile runs a session to its end.
func reconcile(t rapid.TB, c Config, ours, theirs Set, limit int) session {
	var s session
	i := NewInitiator(c)
	done := c.From
	for message := i.Start(ours); message != nil; {
		s.rounds++
		s.up += len(message)
		reply, err := Respond(theirs, message, limit)
		if err != nil {
			t.Fatalf("round %d, Respond: %v", s.rounds, err)
		}
		if c.FrameLimit > 0 && len(message) > c.FrameLimit || limit > 0 && len(reply.Message) > limit {
			t.Fatalf("round %d: %d bytes up (limit %d), %d down (limit %d)", s.rounds, len(message), c.FrameLimit, len(reply.Message), limit)
		}
		s.down += len(reply.Message)
		s.differ = s.differ || reply.Differ
		s.unknown = append(s.unknown, reply.Unknown...)
		had := len(s.have)
		step, err := i.Next(ours, reply.Message, func(id ID) { s.have = append(s.have, id) })
		if err != nil {
			t.Fatalf("round %d, Next: %v", s.rounds, err)
		}
		if step.Done.Compare(done) < 0 {
			t.Fatalf("done moved back from %v to %v", done, step.Done)
		}
		if found := len(step.Need) > 0 || len(s.have) > had; step.Differ != found {
			t.Fatalf("round %d: differs %t, but found something %t", s.rounds, step.Differ, found)
		}
		done = step.Done
		s.need = append(s.need, step.Need...)
		message = step.Message
	}
	if done != Infinity {
		t.Fatalf("ended at %v", done)
	}
	return s
}

// minus lists what a has and b has not, from a bound on.
func minus(a, b slice, from Bound) []ID {
	known := map[Item]bool{}
	for _, item := range b {
		known[item] = true
	}
	var ids []ID
	for _, item := range a[a.Rank(from):] {
		if !known[item] {
			ids = append(ids, item.ID)
		}
	}
	return ids
}

func compareID(a, b ID) int { return bytes.Compare(a[:], b[:]) }

// sorted returns the IDs in their own order.
func sorted(ids []ID) []ID {
	ids = slices.Clone(ids)
	slices.SortFunc(ids, compareID)
	return ids
}

// halves deals items out to two parties.
func halves(items []Item, party func(i int) (ours, theirs bool)) (ours, theirs slice) {
	for i, item := range items {
		a, b := party(i)
		if a {
			ours.insert(item)
		}
		if b {
			theirs.insert(item)
		}
	}
	return ours, theirs
}

func TestSessionsFindTheDifference(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		items := randomItems(rapid.Uint64().Draw(t, "seed"), rapid.IntRange(0, 2000).Draw(t, "items"),
			rapid.SampledFrom([]uint64{1, 2, 300, 1 << 40, 1<<64 - 1}).Draw(t, "span"))
		percent := rapid.IntRange(0, 100)
		common, mine := percent.Draw(t, "common"), percent.Draw(t, "mine")
		ours, theirs := halves(items, func(i int) (bool, bool) {
			h := int(items[i].ID[7])*100/256 + 1
			if int(items[i].ID[9])*100/256 < common {
				return true, true
			}
			return h <= mine, h > mine
		})
		c := Config{FrameLimit: rapid.SampledFrom([]int{0, 4096, 10000}).Draw(t, "frame limit")}
		if len(items) > 0 && rapid.Bool().Draw(t, "resume") {
			c.From = Bound(rapid.SampledFrom(items).Draw(t, "from"))
		}
		limit := rapid.SampledFrom([]int{0, 4096, 9000}).Draw(t, "limit")
		s := reconcile(t, c, ours, theirs, limit)
		if !slices.Equal(s.need, minus(theirs, ours, c.From)) {
			t.Errorf("needs %d IDs, %d differ; or they are out of order", len(s.need), len(minus(theirs, ours, c.From)))
		}
		if !slices.Equal(sorted(s.have), sorted(minus(ours, theirs, c.From))) {
			t.Errorf("has %d IDs, %d differ", len(s.have), len(minus(ours, theirs, c.From)))
		}
		if s.differ != (len(s.need)+len(s.have) > 0) {
			t.Errorf("the responder says that they differ: %v", s.differ)
		}
	})
}

// TestAMillionThatDifferByOne takes three rounds and three kilobytes, both ways together, whichever
// side lacks the one.
func TestAMillionThatDifferByOne(t *testing.T) {
	if testing.Short() {
		t.Skip("a million items")
	}
	items := ordered(randomItems(11, 1_000_000, 1<<40), "up")
	all := newTree(t, items...)
	for _, at := range []int{0, 777_777} {
		one := new(Tree)
		for i, item := range items {
			if i != at {
				one.Insert(item)
			}
		}
		for name, s := range map[string]session{
			"we lack it":   reconcile(t, Config{FrameLimit: 32 << 10}, one, all, 32<<10),
			"they lack it": reconcile(t, Config{FrameLimit: 32 << 10}, all, one, 32<<10),
		} {
			if len(s.need)+len(s.have) != 1 || s.rounds > 3 || s.up+s.down > 3000 {
				t.Errorf("item %d, %s: found %d in %d rounds, %d bytes up, %d down", at, name, len(s.need)+len(s.have), s.rounds, s.up, s.down)
			}
		}
	}
}

// TestEqualSetsTakeOneTinyRound, and so does each part of a session that is resumed.
func TestEqualSetsTakeOneTinyRound(t *testing.T) {
	items := randomItems(12, 5000, 1<<40)
	set := newTree(t, items...)
	if s := reconcile(t, Config{}, set, set, MinFrameLimit); s.rounds != 1 || s.up != 20 || s.down != 1 || s.differ {
		t.Errorf("%+v", s)
	}
	if s := reconcile(t, Config{From: Bound(items[7])}, set, set, 0); s.rounds != 1 || s.up > 20+maxSkip || s.down != 1 {
		t.Errorf("from a bound: %+v", s)
	}
	if s := reconcile(t, Config{From: Infinity}, set, newTree(t), 0); s.rounds != 1 || s.up != 1 || s.down != 1 {
		t.Errorf("from infinity: %+v", s)
	}
}
