package simulation

import (
	"crypto/ed25519"
	"crypto/sha256"
	"encoding/binary"
	"flag"
	"fmt"
	"io"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/lf-store/lf/protocol"
)

var seedFlag = flag.Uint64("seed", 0, "repeat the simulation of this seed; 0: a new one for each test")

const (
	// epoch is the time of the genesis; simulations begin an hour later.
	epoch = 1_800_000_000_000
	start = epoch + 3_600_000

	// ordinary is the work of a record that pays what is asked and no more.
	ordinary = 100
	// filler is a type of record that is stored, attached and weighed and never answered: load
	// without claims.
	filler = protocol.TypeReserved
)

// world is a network and all who write on it. Everything in it follows from the seed, so that two
// worlds of one seed make the same records.
type world struct {
	*protocol.Network
	seed   uint64
	rng    *rand.Rand
	random io.Reader // for what makes keys and serial numbers
	names  map[string]protocol.SelectorKey
	people map[string]person
	made   uint64
}

// newWorld makes a world whose seed is told when the test fails.
func newWorld(t testing.TB, change func(*protocol.Params)) *world {
	t.Helper()
	seed := *seedFlag
	if seed == 0 {
		seed = rand.Uint64()
	}
	t.Cleanup(func() {
		if t.Failed() {
			t.Logf("repeat with: go test -run '^%s$' -seed %d", t.Name(), seed)
		}
	})
	return worldOf(t, seed, change)
}

// tester is what tests and property tests have in common.
type tester interface {
	Helper()
	Cleanup(func())
	Logf(string, ...any)
	Error(...any)
	Errorf(string, ...any)
	Fatal(...any)
	Fatalf(string, ...any)
}

func worldOf(t tester, seed uint64, change func(*protocol.Params)) *world {
	t.Helper()
	p := protocol.DefaultParams()
	p.Name, p.WorkPerKiB = "simulation", 0
	p.NameHardening = protocol.Hardening{MemoryKiB: 8, Passes: 1}
	if change != nil {
		change(&p)
	}
	random := rand.NewChaCha8(sha256.Sum256(binary.BigEndian.AppendUint64(nil, seed)))
	n, err := protocol.NewNetwork(p, epoch, random)
	if err != nil {
		t.Fatal(err)
	}
	return &world{Network: n, seed: seed, random: random, rng: rand.New(rand.NewPCG(seed, 1)), names: map[string]protocol.SelectorKey{}, people: map[string]person{}}
}

// person is somebody with a key, the same in all worlds.
type person struct {
	name  string
	key   ed25519.PrivateKey
	owner protocol.Owner
}

func (w *world) person(name string) person {
	p, ok := w.people[name]
	if !ok {
		seed := sha256.Sum256([]byte(name))
		key := ed25519.NewKeyFromSeed(seed[:])
		p = person{name, key, protocol.OwnerOf(key)}
		w.people[name] = p
	}
	return p
}

// nameOf is for messages.
func (w *world) nameOf(o protocol.Owner) string {
	for _, p := range w.people {
		if p.owner == o {
			return p.name
		}
	}
	return o.String()
}

// crowd returns n people.
func (w *world) crowd(count int, who string) []person {
	people := make([]person, count)
	for i := range people {
		people[i] = w.person(fmt.Sprintf("%s %d", who, i))
	}
	return people
}

func (w *world) selector(name string) protocol.SelectorKey {
	key, ok := w.names[name]
	if !ok {
		k, err := w.DeriveName(name)
		if err != nil {
			panic(err)
		}
		key = k.Selector()
		w.names[name] = key
	}
	return key
}

func (w *world) composite(name string) protocol.CompositeID {
	return protocol.CompositeOf([]protocol.SelectorPoint{{Key: w.selector(name)}})
}

// statement is a record to be made.
type statement struct {
	by     person
	kind   protocol.Type
	name   string // "": no selector
	value  []byte
	effort uint32 // 0: ordinary
	at     uint64
	links  []protocol.ID
}

// make makes a record that is what the store expects but for three things. The store leaves these
// to Network.Check and never looks at them again. Its claims are zero, its value is not sealed, and
// nobody solved anything for its work. What the store decides depends on the effort that the header
// states. Here, as in a network where Check guards the door, stating more is what more work buys.
func (w *world) make(s statement) *protocol.Record {
	if s.effort == 0 {
		s.effort = ordinary
	}
	h := protocol.Header{Version: protocol.Version, Type: s.kind, Owner: s.by.owner, Timestamp: s.at, Links: slices.Clone(s.links)}
	slices.SortFunc(h.Links, protocol.ID.Compare)
	h.Links = slices.Compact(h.Links)
	if s.name != "" {
		h.Selectors = []protocol.Selector{{Key: w.selector(s.name)}}
	}
	if s.value != nil {
		h.Value = &protocol.ValueRef{ID: sha256.Sum256(s.value), Size: uint32(len(s.value))}
	}
	r, err := protocol.NewRecord(h, s.value)
	if err == nil {
		r, err = w.Sign(r, s.by.key)
	}
	if err != nil {
		panic(err)
	}
	return w.pay(r, s.effort)
}

// pay returns the record with work of an effort. Each call returns another one: of a record that
// has work already, a twin.
func (w *world) pay(r *protocol.Record, effort uint32) *protocol.Record {
	h := r.Header
	w.made++
	h.Work = &protocol.Work{Effort: effort}
	binary.BigEndian.PutUint64(h.Work.Nonce[:], w.made)
	paid, err := protocol.NewRecord(h, r.ValueBytes())
	if err != nil {
		panic(err)
	}
	return paid
}

// genesis returns the IDs of the genesis records.
func (w *world) genesis() []protocol.ID { return idsOf(w.Genesis()) }

func idsOf(records []*protocol.Record) []protocol.ID {
	ids := make([]protocol.ID, len(records))
	for i, r := range records {
		ids[i] = r.ID()
	}
	return ids
}

func sorted(ids []protocol.ID) []protocol.ID {
	ids = slices.Clone(ids)
	slices.SortFunc(ids, protocol.ID.Compare)
	return ids
}

// small reports whether a test should do with less.
func small() bool { return testing.Short() || raceEnabled }
