package negentropy

import (
	"encoding/binary"
	"iter"
	"math/rand/v2"
	"strings"
	"testing"
)

// counting is a Set that counts the items looked at.
type counting struct {
	Set
	looked int
}

func (c *counting) Items(from, to int) iter.Seq[Item] {
	return func(yield func(Item) bool) {
		for item := range c.Set.Items(from, to) {
			c.looked++
			if !yield(item) {
				return
			}
		}
	}
}

// lists makes a message that lists one ID in each of n ranges, which cover everything.
func lists(n int, span uint64) []byte {
	w, lower := newWriter(), Bound{}
	for i := range n {
		upper := Bound{Timestamp: uint64(i+1) * (span / uint64(n))}
		if i == n-1 {
			upper = Infinity
		}
		w.begin(lower, upper, modeIDList)
		w.message = append(append(w.message, 1), make([]byte, 32)...)
		lower = upper
	}
	return w.message
}

func TestListsOfHugeRangesCostAResponderLittle(t *testing.T) {
	const n, limit = 100_000, 32 << 10
	tree := newTree(t, randomItems(3, n, n)...)
	for _, ranges := range []int{1, 5, 500} {
		set := &counting{Set: tree}
		reply, err := Respond(set, lists(ranges, n), limit)
		if err != nil || !reply.Differ || len(reply.Message) > limit {
			t.Fatalf("%v, differ %v, %d bytes", err, reply.Differ, len(reply.Message))
		}
		if most := maxLooked + limit/32 + 3*ranges; set.looked > most {
			t.Errorf("%d ranges: %d items looked at, at most %d", ranges, set.looked, most)
		}
	}
}

func TestAnswersKeepToTheirLimit(t *testing.T) {
	set := newTree(t, randomItems(4, 50_000, 1000)...)
	w, lower := newWriter(), Bound{}
	for i := range 1000 { // each of them wrong, each worth a kilobyte
		upper := Bound{Timestamp: uint64(i + 1)}
		w.fingerprint(lower, upper, Fingerprint{1})
		lower = upper
	}
	for _, limit := range []int{1, MinFrameLimit, 5000, 32 << 10} {
		reply, err := Respond(set, w.message, limit)
		if most := max(limit, MinFrameLimit); err != nil || len(reply.Message) > most || len(reply.Message) < most-2*maxSplit {
			t.Errorf("limit %d: %d bytes, %v", limit, len(reply.Message), err)
		}
	}
}

// TestManyListsKeepToTheLimit asks about many ranges in which the set has nothing. The answer to
// each is an empty list, and those need room, too.
func TestManyListsKeepToTheLimit(t *testing.T) {
	for _, items := range []int{0, 1000} {
		set := newTree(t, randomItems(4, items, 1000)...)
		w, lower := newWriter(), Bound{}
		for i := range 5000 { // from 10,000 on, where the set has none
			upper := Bound{Timestamp: uint64(10_000 + 7*i)}
			w.begin(lower, upper, modeIDList)
			w.message = appendVarint(w.message, 0)
			lower = upper
		}
		reply, err := Respond(set, w.message, MinFrameLimit)
		if err != nil || len(reply.Message) > MinFrameLimit {
			t.Fatalf("%d items: %d bytes, %v", items, len(reply.Message), err)
		}
		last, err := ranges(reply.Message)
		if err != nil || last[len(last)-1].upper != Infinity || last[len(last)-1].mode != modeFingerprint {
			t.Errorf("%d items: the rest is not put off: %v", items, err)
		}
	}
}

// TestRoundsWithoutProgressEnd: whatever a responder does, Done moves or the session ends.
func TestRoundsWithoutProgressEnd(t *testing.T) {
	set := newTree(t, randomItems(5, 5000, 1<<30)...)
	w := newWriter()
	w.fingerprint(Bound{}, Infinity, Fingerprint{1})
	differs := w.message
	halves := newWriter() // splits forever, from the lowest on
	for name, reply := range map[string]func(round int) []byte{
		"all differs": func(int) []byte { return differs },
		"ever smaller parts": func(round int) []byte {
			*halves = *newWriter()
			halves.fingerprint(Bound{}, Bound{Timestamp: 1 << 30 >> round}, Fingerprint{1})
			return halves.message
		},
	} {
		i := NewInitiator(Config{FrameLimit: MinFrameLimit})
		i.Start(set)
		for round := 0; ; round++ {
			if round > maxStall+1 {
				t.Errorf("%s: no end", name)
				break
			}
			if step, err := i.Next(set, reply(round), nil); err != nil {
				if !strings.Contains(err.Error(), "nothing is compared") {
					t.Errorf("%s: %v", name, err)
				}
				break
			} else if step.Message == nil {
				t.Errorf("%s: done", name)
				break
			}
		}
	}
}

func TestUnaskedListsAreRefused(t *testing.T) {
	set := newTree(t, randomItems(6, 5000, 1<<30)...)
	low, high := Bound{Timestamp: 1 << 20}, Bound{Timestamp: 1 << 29}
	i := NewInitiator(Config{FrameLimit: MinFrameLimit})
	i.Start(set)
	w := newWriter()
	w.fingerprint(low, high, Fingerprint{1}) // from now on only this is asked about
	if _, err := i.Next(set, w.message, nil); err != nil {
		t.Fatal(err)
	}
	w = newWriter()
	w.begin(Bound{}, low, modeIDList)
	w.message = append(w.message, 0)
	if _, err := i.Next(set, w.message, nil); err == nil {
		t.Error("a list of what was compared already is taken")
	}
}

// TestASessionLooksAtEachItemOnce: a responder answers with empty lists wherever it was asked, but
// for the lowest range, which it never settles. It makes an initiator look at no more items than it
// has.
func TestASessionLooksAtEachItemOnce(t *testing.T) {
	const n = 50_000
	set := &counting{Set: newTree(t, randomItems(8, n, 1<<30)...)}
	i := NewInitiator(Config{FrameLimit: 32 << 10})
	i.Start(set)
	rounds := 0
	for ; rounds < 100; rounds++ {
		edge := Bound{Timestamp: uint64(1000 + rounds)}
		w := newWriter()
		w.fingerprint(i.done, edge, Fingerprint{1})
		w.begin(edge, Infinity, modeIDList)
		w.message = append(w.message, 0)
		if _, err := i.Next(set, w.message, func(ID) {}); err != nil {
			break
		}
	}
	if rounds == 100 {
		t.Error("the responder is believed for ever")
	}
	if set.looked > n+rounds*100 {
		t.Errorf("%d items looked at, there are %d", set.looked, n)
	}
}

// TestMemoryIsBounded: replies full of wrong fingerprints of ever other ranges.
func TestMemoryIsBounded(t *testing.T) {
	const limit = 32 << 10
	set := newTree(t, randomItems(9, 20_000, 1<<30)...)
	i := NewInitiator(Config{FrameLimit: limit})
	i.Start(set)
	rng := rand.New(rand.NewPCG(1, 2))
	most := 0
	for range 300 {
		w := newWriter()
		for _, p := range i.open[:i.sent] { // answers what is asked, each range in pieces
			for lower := p.from; len(w.message) < limit-3*maxFingerprint; {
				upper := p.to
				if gap := p.to.Timestamp - lower.Timestamp; gap > 64 {
					upper = Bound{Timestamp: lower.Timestamp + min(gap, 1<<30)/16}
				}
				var wrong Fingerprint
				binary.LittleEndian.PutUint64(wrong[:], rng.Uint64())
				w.fingerprint(lower, upper, wrong)
				if lower = upper; upper == p.to {
					break
				}
			}
		}
		step, err := i.Next(set, w.message, nil)
		if most = max(most, len(i.open)); err != nil || step.Message == nil {
			break
		}
		if len(step.Message) > limit {
			t.Fatalf("a message of %d bytes", len(step.Message))
		}
	}
	if most > maxOpen+buckets*limit/maxSplit+buckets || most < 100 {
		t.Errorf("%d ranges remembered", most)
	}
}

func TestVersions(t *testing.T) {
	set := newTree(t, randomItems(1, 10, 10)...)
	for _, version := range []byte{0x60, 0x62, 0x6f} { // answered with ours
		reply, err := Respond(set, []byte{version, 1, 2, 3}, 0)
		if err != nil || string(reply.Message) != "\x61" {
			t.Errorf("%x: %x, %v", version, reply.Message, err)
		}
		i := NewInitiator(Config{})
		i.Start(set)
		if _, err := i.Next(set, []byte{version}, nil); err == nil || !strings.Contains(err.Error(), "version 1") {
			t.Errorf("a responder of version %x: %v", version, err)
		}
	}
}
