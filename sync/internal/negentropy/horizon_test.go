package negentropy

import (
	"math"
	"slices"
	"testing"

	"pgregory.net/rapid"
)

// compareUpTo runs a session in which either side ends where its clock tells it to. It checks what
// the session says of the timestamps of listed IDs.
func compareUpTo(t *rapid.T, c Config, h Horizon, limit int, ours, theirs slice) (need, have []ID, lacked int) {
	times := make(map[ID]uint64)
	for _, item := range slices.Concat(ours, theirs) {
		times[item.ID] = item.Timestamp
	}
	within := func(ids []ID, intervals []Interval) {
		if len(ids) != len(intervals) {
			t.Fatalf("%d IDs, %d intervals", len(ids), len(intervals))
		}
		for i, id := range ids {
			if !intervals[i].Has(times[id]) {
				t.Fatalf("an item of %d is said to be in %v", times[id], intervals[i])
			}
		}
	}
	i := NewInitiator(c)
	for message := i.Start(ours); message != nil; {
		reply, err := RespondUpTo(theirs, message, limit, h)
		if err != nil {
			t.Fatal(err)
		}
		within(reply.Unknown, reply.Times)
		if reply.Equal != (Bound{}) {
			to := reply.Equal
			if ours.Fingerprint(0, ours.Rank(to)) != theirs.Fingerprint(0, theirs.Rank(to)) {
				t.Fatalf("said to be equal below %v", to)
			}
		}
		step, err := i.Next(ours, reply.Message, func(id ID) { have = append(have, id) })
		if err != nil {
			t.Fatal(err)
		}
		within(step.Need, step.Times)
		need, lacked, message = append(need, step.Need...), lacked+step.Lacked, step.Message
	}
	return need, have, lacked
}

// below returns the items between two bounds.
func below(s slice, from, to Bound) slice {
	a := s.Rank(from)
	return s[a:max(a, s.Rank(to))]
}

// Two sides that end at different bounds find all that differs below the lower one, and nothing
// else. One drift of overlap is compared as the initiator asks.
func TestSidesEndAtTheLowerBound(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		items := randomItems(rapid.Uint64().Draw(t, "seed"), rapid.IntRange(0, 600).Draw(t, "items"), 1000)
		common := rapid.IntRange(0, 256).Draw(t, "common")
		ours, theirs := halves(items, func(i int) (bool, bool) {
			if int(items[i].ID[9]) < common {
				return true, true
			}
			return items[i].ID[7] < 128, items[i].ID[7] >= 128
		})
		at := rapid.Uint64Range(0, 1100)
		end := at.Draw(t, "end")
		h := Horizon{End: Bound{Timestamp: end}, Far: Bound{Timestamp: end + rapid.Uint64Range(0, 200).Draw(t, "drift")}}
		c := Config{FrameLimit: MinFrameLimit, To: Bound{Timestamp: at.Draw(t, "to") + 1}}
		if rapid.Bool().Draw(t, "resume") {
			c.From = Bound{Timestamp: at.Draw(t, "from")}
		}
		to := c.To
		if to.Compare(h.Far) > 0 {
			to = h.End
		}
		a, b := below(ours, c.From, to), below(theirs, c.From, to)
		limit := rapid.SampledFrom([]int{0, MinFrameLimit}).Draw(t, "limit")
		need, have, lacked := compareUpTo(t, c, h, limit, ours, theirs)
		if !slices.Equal(sorted(need), sorted(minus(b, a, Bound{}))) {
			t.Errorf("needs %d IDs, %d differ", len(need), len(minus(b, a, Bound{})))
		}
		if !slices.Equal(sorted(have), sorted(minus(a, b, Bound{}))) || lacked != len(have) {
			t.Errorf("has %d IDs (said %d), %d differ", len(have), lacked, len(minus(a, b, Bound{})))
		}
	})
}

// An interval holds exactly the timestamps that an ID can have in a range.
func TestIntervals(t *testing.T) {
	bound := rapid.Custom(func(t *rapid.T) Bound {
		return Bound{Timestamp: rapid.SampledFrom([]uint64{0, 1, 2, 3, math.MaxUint64}).Draw(t, "time"), ID: ID{rapid.Byte().Draw(t, "id") % 4}}
	})
	rapid.Check(t, func(t *rapid.T) {
		lower, upper := bound.Draw(t, "lower"), bound.Draw(t, "upper")
		if lower.Timestamp == math.MaxUint64 {
			t.Skip("no range begins at infinity")
		}
		id := ID{rapid.Byte().Draw(t, "id") % 4}
		i := intervalOf(&id, &lower, &upper)
		for _, at := range []uint64{0, 1, 2, 3, 4, math.MaxUint64 - 1} {
			b := Bound{Timestamp: at, ID: id}
			if want := lower.Compare(b) <= 0 && b.Compare(upper) < 0; i.Has(at) != want {
				t.Fatalf("%v to %v: %v has %v: %t", lower, upper, i, b, i.Has(at))
			}
		}
	})
}

// hostileReplies are a responder's answers to a session's messages. It lies with skips, lists what
// nobody asked about, and ends far in the past, each time somewhere else.
func hostileReplies(t *rapid.T, asked []byte, theirs Set) []byte {
	end := Bound{Timestamp: rapid.Uint64Range(0, 1200).Draw(t, "end")}
	switch rapid.IntRange(0, 3).Draw(t, "manner") {
	case 0:
		return []byte{version1} // all is skipped
	case 1:
		out := newWriter()
		lower := Bound{Timestamp: rapid.Uint64Range(0, 1200).Draw(t, "lower")}
		upper := Bound{Timestamp: lower.Timestamp + rapid.Uint64Range(0, 50).Draw(t, "wide")}
		out.list(lower, upper, theirs, 0, min(3, theirs.Len()))
		return out.message
	case 2:
		reply, err := RespondUpTo(theirs, asked, MinFrameLimit, Horizon{End: end, Far: end})
		if err != nil {
			t.Fatal(err)
		}
		return reply.Message
	}
	out := newWriter()
	out.fingerprint(Bound{}, end, Fingerprint{rapid.Byte().Draw(t, "print")})
	return out.message
}

// Whatever a responder answers, a session ends: it is complete, or the responder is found out.
func TestHostileHorizons(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		ours := slice(ordered(randomItems(rapid.Uint64().Draw(t, "seed"), 200, 1000), "up"))
		theirs := slice(ordered(randomItems(rapid.Uint64().Draw(t, "seed"), 200, 1000), "up"))
		i := NewInitiator(Config{FrameLimit: MinFrameLimit, To: Bound{Timestamp: 900}})
		done := Bound{}
		for rounds, message := 0, i.Start(ours); message != nil; rounds++ {
			step, err := i.Next(ours, hostileReplies(t, message, theirs), nil)
			if err != nil {
				return
			}
			for n := range step.Need {
				if step.Times[n].Last >= 900 && step.Times[n].First <= step.Times[n].Last {
					t.Fatalf("listed above the initiator's end: %v", step.Times[n])
				}
			}
			if step.Done.Compare(done) < 0 || rounds > 1<<16 {
				t.Fatalf("done %v after %v, %d rounds", step.Done, done, rounds)
			}
			done, message = step.Done, step.Message
		}
	})
}
