package synthetic

import (
	"crypto/ed25519"
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"math/rand/v2"
	"runtime"
	"sync"
	"sync/atomic"

	"github.com/lf-store/lf/protocol"
)

// Maker makes the records of a mix, in their order. It is not safe for concurrent use, but for
// Point.
type Maker struct {
	network *protocol.Network
	mix     Mix
	names   *protocol.NameCache
	owners  []ed25519.PrivateKey
	made    int
	// last are the records that were under way before, which new ones link. next are those that are
	// under way.
	last, next []protocol.ID
}

// NewMaker returns a maker of the records of a mix on the network of [NewNetwork].
func NewMaker(mix Mix) (*Maker, error) {
	if err := mix.Check(); err != nil {
		return nil, err
	}
	n, err := NewNetwork()
	if err != nil {
		return nil, err
	}
	m := &Maker{network: n, mix: mix, names: protocol.NewNameCache(n, 2*mix.Owners)}
	for _, g := range n.Genesis() {
		m.last = append(m.last, g.ID())
	}
	for i := range mix.Owners {
		m.owners = append(m.owners, ownerKey(i))
	}
	return m, nil
}

func ownerKey(i int) ed25519.PrivateKey {
	var seed [ed25519.SeedSize]byte
	binary.BigEndian.PutUint64(seed[:], uint64(i))
	return ed25519.NewKeyFromSeed(seed[:])
}

// Network returns the network of the records.
func (m *Maker) Network() *protocol.Network { return m.network }

// Made returns how many records were made.
func (m *Maker) Made() int { return m.made }

// Point returns the selector of the record with a number, which need not be made yet.
func (m *Maker) Point(i int) (protocol.SelectorPoint, error) {
	p := m.mix.pointOf(i)
	if m.mix.Unsigned {
		return protocol.SelectorPoint{Key: unsignedKey(p.name), Ordinal: p.ordinal}, nil
	}
	name, err := m.network.DeriveName(p.name)
	if err != nil {
		return protocol.SelectorPoint{}, err
	}
	return protocol.SelectorPoint{Key: name.Selector(), Ordinal: p.ordinal}, nil
}

// Resume goes on after a number of records that were made before. ids are those of the newest
// [Maker.Window] of them, in their order; of all where there are fewer.
func (m *Maker) Resume(made int, ids []protocol.ID) error {
	if len(ids) != min(made, m.Window(made)) {
		return fmt.Errorf("%d records were made, and the IDs of %d are given", made, len(ids))
	}
	under := made % m.mix.UnderWay
	if last := ids[:len(ids)-under]; len(last) > 0 {
		m.last = append([]protocol.ID(nil), last...)
	}
	m.next, m.made = append(m.next[:0], ids[len(ids)-under:]...), made
	return nil
}

// Window returns how many of the newest records [Maker.Resume] wants to know after a number of
// them.
func (m *Maker) Window(made int) int { return m.mix.UnderWay + made%m.mix.UnderWay }

// Make makes the next records.
func (m *Maker) Make(count int) ([]*protocol.Record, error) {
	records := make([]*protocol.Record, count)
	for left := records; len(left) > 0; {
		some := left[:min(len(left), m.mix.UnderWay-len(m.next))]
		if err := m.fly(some); err != nil {
			return nil, err
		}
		for _, r := range some {
			m.next = append(m.next, r.ID())
		}
		if m.made += len(some); len(m.next) == m.mix.UnderWay {
			m.last, m.next = m.next, m.last[:0]
		}
		left = left[len(some):]
	}
	return records, nil
}

// fly makes records that do not see each other, on all cores.
func (m *Maker) fly(records []*protocol.Record) error {
	var next atomic.Int64
	workers := min(runtime.GOMAXPROCS(0), len(records))
	errs := make([]error, workers)
	work := func(worker int) {
		for i := int(next.Add(1)) - 1; i < len(records) && errs[worker] == nil; i = int(next.Add(1)) - 1 {
			records[i], errs[worker] = m.record(m.made + i)
		}
	}
	var others sync.WaitGroup
	for worker := 1; worker < workers; worker++ {
		others.Go(func() { work(worker) })
	}
	work(0)
	others.Wait()
	for _, err := range errs {
		if err != nil {
			return err
		}
	}
	return nil
}

// record makes the record with a number. It links two of those that were under way before: each of
// these is linked if there are as many new ones.
func (m *Maker) record(i int) (*protocol.Record, error) {
	p, at := m.mix.pointOf(i), i%m.mix.UnderWay
	links := []protocol.ID{m.last[at%len(m.last)], m.last[(at+1)%len(m.last)]}
	if m.mix.Unsigned {
		return m.unsigned(i, p, links)
	}
	name, err := m.names.Derive(p.name)
	if err != nil {
		return nil, err
	}
	key := m.owners[p.owner]
	var seed [32]byte
	binary.BigEndian.PutUint64(seed[:], uint64(i))
	r, err := m.network.Compose(protocol.Draft{
		Owner: protocol.OwnerOf(key), Timestamp: m.mix.at(i), Links: links,
		Names: []protocol.NamePoint{{Name: name, Ordinal: p.ordinal}}, Value: value(i),
		Random: rand.NewChaCha8(seed),
	})
	if err != nil {
		return nil, err
	}
	return m.network.Sign(r, key)
}

const valueSize = 23

// value is that of the record with a number.
func value(i int) []byte {
	return fmt.Appendf(nil, "%x", sha256.Sum256(fmt.Appendf(nil, "value %d", i)))[:valueSize]
}
