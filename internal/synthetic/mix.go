package synthetic

import (
	"fmt"
	"math/rand/v2"

	"github.com/lf-store/lf/protocol"
)

// Mix says what a set of records is like. Owners write in turn. Each record has one selector and a
// value of 23 bytes that does not compress, and so about 395 bytes on the wire.
type Mix struct {
	Owners   int // who write
	Ordinals int // records under one name, after which its owner begins the next name
	UnderWay int // records that are made at a time, and do not see each other
	Updates  int // one record in this many is a new version under an earlier key; 0: none
	// Unsigned makes signatures, claims and values of hashes, in a fifth of the time. A store takes
	// such records, since it checks no signature. Other nodes refuse them, and nobody can open the
	// values.
	Unsigned bool
}

// Series is a network on which a thousand owners write series of a hundred values. So keys next to
// each other are a thousand records apart.
func Series() Mix { return Mix{Owners: 1000, Ordinals: 100, UnderWay: 8, Updates: 100} }

// OwnKeys is a network on which each record has a name of its own.
func OwnKeys() Mix { return Mix{Owners: 1000, Ordinals: 1, UnderWay: 8} }

// Check says what is wrong with a mix.
func (m Mix) Check() error {
	if m.Owners < 1 || m.Ordinals < 1 || m.UnderWay < 2 || m.Updates < 0 {
		return fmt.Errorf("a mix of %+v: it takes at least one owner, one ordinal and two records under way", m)
	}
	return nil
}

// point is the key of a record, and who owns it.
type point struct {
	owner   int
	name    string
	ordinal uint64
}

// pointOf returns the key of the record with a number.
func (m Mix) pointOf(i int) point {
	owner, turn := i%m.Owners, i/m.Owners
	random := rand.New(rand.NewPCG(uint64(i), 0))
	if m.Updates > 0 && turn > 0 && random.IntN(m.Updates) == 0 {
		turn = random.IntN(turn)
	}
	name := fmt.Sprintf("series %d of %d by owner %d", turn/m.Ordinals, m.Ordinals, owner)
	return point{owner, name, uint64(turn % m.Ordinals)}
}

// at is the timestamp of a record: as many a second as are under way, in their order.
func (m Mix) at(i int) uint64 {
	return Began + uint64(1000*(i/m.UnderWay+1)+1000*(i%m.UnderWay)/m.UnderWay)
}

// Began is the timestamp of the genesis.
const Began = 1_760_000_000_000

// NewNetwork returns the network of all synthetic records. It asks for no work, and names cost
// little.
func NewNetwork() (*protocol.Network, error) {
	p := protocol.DefaultParams()
	p.Name, p.WorkPerKiB = "synthetic", 0
	p.NameHardening = protocol.Hardening{MemoryKiB: 8, Passes: 1}
	return protocol.NewNetwork(p, Began, rand.NewChaCha8([32]byte{}))
}
