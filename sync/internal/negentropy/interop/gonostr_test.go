package interop

import (
	"bytes"
	"encoding/hex"
	"flag"
	"math/rand/v2"
	"os"
	"slices"
	"sync"
	"testing"

	"github.com/nbd-wtf/go-nostr"
	theirs "github.com/nbd-wtf/go-nostr/nip77/negentropy"
	"github.com/nbd-wtf/go-nostr/nip77/negentropy/storage/vector"
	"pgregory.net/rapid"

	"github.com/lf-store/lf/sync/internal/negentropy"
)

func TestMain(m *testing.M) {
	flag.Parse()
	if !testing.Short() {
		flag.Set("rapid.checks", "2000") // each test below
	}
	os.Exit(m.Run())
}

// sets are what two parties have, and how that differs.
type sets struct {
	initiator, responder []negentropy.Item
	need, have           []string // of the initiator, sorted
}

// drawSets draws a world of items, and which side has which of them. The sets are empty, equal,
// disjoint or anything between. They have few or many timestamps, IDs that begin alike or do not,
// and differences here and there or in a row.
func drawSets(t *rapid.T) sets {
	rng := rand.New(rand.NewPCG(rapid.Uint64().Draw(t, "seed"), 0))
	n := rapid.OneOf(rapid.IntRange(0, 70), rapid.IntRange(0, 1500)).Draw(t, "items")
	span := rapid.SampledFrom([]uint64{1, 2, 40, 1 << 31, 1 << 53}).Draw(t, "timestamps below")
	alike := rapid.SampledFrom([]int{0, 0, 1, 10}).Draw(t, "bytes alike")
	common := rapid.SampledFrom([]float64{0, 0.5, 0.9, 0.99, 0.999, 1}).Draw(t, "common")
	mine := rapid.SampledFrom([]float64{0, 0.5, 1}).Draw(t, "of the initiator")
	inARow := rapid.Bool().Draw(t, "in a row")
	var s sets
	for i, item := range world(rng, n, span, alike) {
		chance := rng.Float64()
		if inARow {
			chance = float64(i) / float64(n)
		}
		id := hex.EncodeToString(item.ID[:])
		switch {
		case chance < common:
			s.initiator, s.responder = append(s.initiator, item), append(s.responder, item)
		case rng.Float64() < mine:
			s.initiator, s.have = append(s.initiator, item), append(s.have, id)
		default:
			s.responder, s.need = append(s.responder, item), append(s.need, id)
		}
	}
	slices.Sort(s.have)
	slices.Sort(s.need)
	return s
}

func world(rng *rand.Rand, n int, span uint64, alike int) []negentropy.Item {
	items := make([]negentropy.Item, n)
	for i := range items {
		items[i].Timestamp = rng.Uint64N(span)
		for j := alike; j < len(items[i].ID); j++ {
			items[i].ID[j] = byte(rng.Uint32())
		}
	}
	slices.SortFunc(items, negentropy.Item.Compare)
	return items
}

// limits of what goes to and fro; 0: none.
var limits = rapid.SampledFrom([]int{0, 0, 4096, 5000, 32 << 10})

// maxRounds ends a test that would never end.
const maxRounds = 300

func tree(items []negentropy.Item) *negentropy.Tree {
	t := new(negentropy.Tree)
	for _, item := range items {
		t.Insert(item)
	}
	return t
}

func storage(items []negentropy.Item) *vector.Vector {
	v := vector.New()
	for _, item := range items {
		v.Insert(nostr.Timestamp(item.Timestamp), hex.EncodeToString(item.ID[:]))
	}
	v.Seal()
	return v
}

func TestWeInitiate(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s := drawSets(t)
		set := tree(s.initiator)
		we := negentropy.NewInitiator(negentropy.Config{FrameLimit: limits.Draw(t, "our limit")})
		they := theirs.New(storage(s.responder), limits.Draw(t, "their limit"))
		var need, have []string
		message, rounds := we.Start(set), 0
		for ; message != nil && rounds < maxRounds; rounds++ {
			reply, err := they.Reconcile(hex.EncodeToString(message))
			if err != nil {
				t.Fatalf("they refuse %.200x...: %v", message, err)
			}
			raw, _ := hex.DecodeString(reply)
			step, err := we.Next(set, raw, func(id negentropy.ID) { have = append(have, hex.EncodeToString(id[:])) })
			if err != nil {
				t.Fatalf("we refuse %.200s...: %v", reply, err)
			}
			for _, id := range step.Need {
				need = append(need, hex.EncodeToString(id[:]))
			}
			message = step.Message
		}
		s.expect(t, need, have, rounds)
	})
}

func TestTheyInitiate(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s := drawSets(t)
		set, limit := tree(s.responder), limits.Draw(t, "our limit")
		they := theirs.New(storage(s.initiator), limits.Draw(t, "their limit"))
		var need, have []string
		var collecting sync.WaitGroup
		collecting.Go(func() { need = collect(they.HaveNots) })
		collecting.Go(func() { have = collect(they.Haves) })
		unknown := map[string]bool{}
		message, rounds := they.Start(), 0
		for ; message != "" && rounds < maxRounds; rounds++ {
			raw, _ := hex.DecodeString(message)
			reply, err := negentropy.Respond(set, raw, limit)
			if err != nil {
				t.Fatalf("we refuse %.200s...: %v", message, err)
			}
			if limit > 0 && len(reply.Message) > limit {
				t.Fatalf("a reply of %d bytes", len(reply.Message))
			}
			for _, id := range reply.Unknown {
				unknown[hex.EncodeToString(id[:])] = true
			}
			if message, err = they.Reconcile(hex.EncodeToString(reply.Message)); err != nil {
				t.Fatalf("they refuse %.200x...: %v", reply.Message, err)
			}
		}
		if message != "" {
			t.Fatalf("no end after %d rounds", rounds)
		}
		collecting.Wait()
		s.expect(t, need, have, rounds)
		for id := range unknown {
			if _, ok := slices.BinarySearch(s.have, id); !ok {
				t.Errorf("%s is said to be unknown", id)
			}
		}
	})
}

func collect(ids <-chan string) (all []string) {
	for id := range ids {
		all = append(all, id)
	}
	return all
}

// expect fails unless a session has found just what differs.
func (s sets) expect(t *rapid.T, need, have []string, rounds int) {
	if rounds == maxRounds {
		t.Fatalf("no end after %d rounds", rounds)
	}
	distinct := func(ids []string) []string {
		slices.Sort(ids)
		return slices.Compact(ids)
	}
	if got := distinct(need); !slices.Equal(got, s.need) {
		t.Errorf("the initiator needs %d, finds %d", len(s.need), len(got))
	}
	if got := distinct(have); !slices.Equal(got, s.have) {
		t.Errorf("the responder lacks %d, the initiator finds %d", len(s.have), len(got))
	}
}

// TestFingerprintsAgree, with counts on both sides of where their encodings grow.
func TestFingerprintsAgree(t *testing.T) {
	items := world(rand.New(rand.NewPCG(1, 2)), 17_000, 1<<40, 0)
	ours, theirs := tree(items), storage(items)
	for _, n := range []int{0, 1, 127, 128, 16_383, 16_384, 17_000} {
		fingerprint := ours.Fingerprint(0, n)
		want, _ := hex.DecodeString(theirs.Fingerprint(0, n))
		if !bytes.Equal(fingerprint[:], want) {
			t.Errorf("of %d items: %x, theirs %x", n, fingerprint, want)
		}
	}
}
