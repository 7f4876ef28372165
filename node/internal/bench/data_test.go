package bench

import (
	"cmp"
	"context"
	"crypto/ed25519"
	"crypto/rand"
	"fmt"
	"os"
	"runtime"
	"sync"
	"testing"
	"time"

	"github.com/lf-store/lf/node/home"
	"github.com/lf-store/lf/protocol"
	"github.com/lf-store/lf/store"
)

// perName is how many ordinals a name of the data has.
const perName = 100

// dataset is a home with records in it, made once for all benchmarks that want that many.
type dataset struct {
	once sync.Once
	dir  string
	// hardened says that names cost what they cost on the public network.
	hardened bool
	// flight is how many records are under way at a time, which do not link each other; 0 is 512. A
	// million records with 512 under way would take hours to make.
	flight int
	bytes  float64 // of the database, a record
	wire   float64 // of header and value, a record
}

var (
	datasets = map[int]*dataset{0: {}, 1_000: {}, 100_000: {}}
	// those in which names cost what they do on the public network
	hardened = map[int]*dataset{20_000: {hardened: true}, 1_000_000: {hardened: true, flight: 64}}
)

// data returns the home of the data set with n records. Each has one selector, a value of 32 bytes
// and links to two of the records before it; names cost little there, since Argon2id is measured in
// protocol.
func data(b *testing.B, n int) *dataset {
	return datasets[n].make(b, n)
}

func (d *dataset) make(b *testing.B, n int) *dataset {
	d.once.Do(func() {
		dir, err := os.MkdirTemp("", "lf-bench") //nolint:usetesting // it outlives the benchmark that makes it; TestMain removes it
		if err != nil {
			b.Fatal(err)
		}
		d.dir = dir
		if err := d.fill(dir, n); err != nil {
			b.Fatal(err)
		}
	})
	return d
}

func (d *dataset) fill(dir string, n int) error {
	p := protocol.DefaultParams()
	if p.Name, p.WorkPerKiB = "bench", 0; !d.hardened {
		p.NameHardening = protocol.Hardening{MemoryKiB: 8, Passes: 1}
	}
	network, err := protocol.NewNetwork(p, uint64(time.Now().UnixMilli()), rand.Reader)
	if err != nil {
		return err
	}
	h, err := home.Open(dir)
	if err != nil {
		return err
	}
	if err := h.BindNetwork(network.File(nil)); err != nil {
		return err
	}
	s, err := store.Open(h.Database(), network, store.Options{})
	if err != nil {
		return err
	}
	defer s.Close()
	return d.put(s, network, n)
}

func (d *dataset) put(s *store.Store, network *protocol.Network, n int) error {
	_, key, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		return err
	}
	before := make([]protocol.ID, 0, n)
	for _, g := range network.Genesis() {
		before = append(before, g.ID())
	}
	stamp := uint64(time.Now().UnixMilli())
	names := protocol.NewNameCache(network, 1024)
	flight := cmp.Or(d.flight, 512)
	for done := 0; done < n; {
		near := before[len(before)-min(len(before), flight):]
		batch, err := makeBatch(network, names, key, near, stamp, done, min(flight, n-done))
		if err != nil {
			return err
		}
		if err := putBatch(s, batch); err != nil {
			return err
		}
		for _, r := range batch {
			before = append(before, r.ID())
			d.wire += float64(r.WireSize()) / float64(n)
		}
		done += len(batch)
	}
	stats, err := s.Stats(context.Background())
	if n > 0 {
		d.bytes = float64(stats.Bytes) / float64(n)
	}
	return err
}

// makeBatch makes records on all cores; they link to what was there before the batch.
func makeBatch(network *protocol.Network, names *protocol.NameCache, key ed25519.PrivateKey, before []protocol.ID, stamp uint64, first, count int) ([]*protocol.Record, error) {
	records, errs := make([]*protocol.Record, count), make([]error, runtime.GOMAXPROCS(0))
	var wg sync.WaitGroup
	for w := range errs {
		wg.Go(func() {
			for i := w; i < count && errs[w] == nil; i += len(errs) {
				records[i], errs[w] = makeRecord(network, names, key, before, stamp, first+i)
			}
		})
	}
	wg.Wait()
	for _, err := range errs {
		if err != nil {
			return nil, err
		}
	}
	return records, nil
}

func makeRecord(network *protocol.Network, names *protocol.NameCache, key ed25519.PrivateKey, before []protocol.ID, stamp uint64, i int) (*protocol.Record, error) {
	name, err := names.Derive(nameOf(i))
	if err != nil {
		return nil, err
	}
	r, err := network.Compose(protocol.Draft{
		Owner: protocol.OwnerOf(key), Timestamp: stamp,
		Links: []protocol.ID{before[i%len(before)], before[(i+1)%len(before)]},
		Names: []protocol.NamePoint{{Name: name, Ordinal: uint64(i % perName)}},
		Value: fmt.Appendf(nil, "%032d", i),
	})
	if err != nil {
		return nil, err
	}
	return network.Sign(r, key)
}

func nameOf(i int) string { return fmt.Sprintf("name-%d", i/perName) }

func putBatch(s *store.Store, batch []*protocol.Record) error {
	errs := make([]error, len(batch))
	var wg sync.WaitGroup
	for i, r := range batch {
		wg.Go(func() { _, errs[i] = s.Put(context.Background(), r, 0) })
	}
	wg.Wait()
	for _, err := range errs {
		if err != nil {
			return err
		}
	}
	return nil
}
