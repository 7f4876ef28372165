package bench

import (
	"context"
	"crypto/ed25519"
	"crypto/rand"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/hdevalence/ed25519consensus"

	"github.com/lf-store/lf/internal/synthetic"
	"github.com/lf-store/lf/internal/synthetic/synthetichome"
	"github.com/lf-store/lf/internal/usage"
	"github.com/lf-store/lf/node/api"
	"github.com/lf-store/lf/node/home"
	"github.com/lf-store/lf/pow"
	"github.com/lf-store/lf/protocol"
	"github.com/lf-store/lf/store"
)

// Proving a record's work takes about 3 ms of a core: 100,000 are three minutes on two.
var (
	replicated = flag.Int("replicated", 100_000, "records that a replica copies")
	copied     = flag.Int("copied", 0, "records without work that BenchmarkCopy copies, such as 1000000")
)

const (
	// inFlight is how many of the records were being written at a time.
	inFlight = 8
	// missed is how many records a node lacks that was away, and sources how many peers it meets.
	missed, sources = 1500, 3
	// patience is how long a copy may stand still: no record comes.
	patience = 2 * time.Minute
)

// paidData is a network that asks for work, made once: a home with all records, one that lacks the
// last ones, an empty one.
var paidData struct {
	once                sync.Once
	dir                 string
	network             *protocol.Network
	wire, missed        uint64 // bytes of all records, and of those that the second home lacks
	sample              *protocol.Record
	full, behind, empty string
}

func paid(b *testing.B) {
	b.Helper()
	paidData.once.Do(func() {
		if err := makePaid(*replicated); err != nil {
			b.Fatal(err)
		}
	})
	if paidData.sample == nil {
		b.Fatal("the data was not made")
	}
}

func makePaid(n int) (err error) {
	d := &paidData
	if d.dir, err = os.MkdirTemp("", "lf-bench"); err != nil { // TestMain removes it
		return err
	}
	p := protocol.DefaultParams()
	p.Name, p.WorkPerKiB, p.NameHardening = "bench", 1, protocol.Hardening{MemoryKiB: 8, Passes: 1}
	if d.network, err = protocol.NewNetwork(p, uint64(time.Now().Add(-time.Hour).UnixMilli()), rand.Reader); err != nil {
		return err
	}
	d.full, d.behind, d.empty = filepath.Join(d.dir, "full"), filepath.Join(d.dir, "behind"), filepath.Join(d.dir, "empty")
	var stores []*store.Store
	for _, dir := range []string{d.full, d.behind, d.empty} {
		h, err := home.Open(dir)
		if err != nil {
			return err
		}
		if err := h.BindNetwork(d.network.File(nil)); err != nil {
			return err
		}
		s, err := store.Open(h.Database(), d.network, store.Options{})
		if err != nil {
			return err
		}
		defer s.Close()
		stores = append(stores, s)
	}
	records, err := makePaidRecords(d.network, n)
	if err != nil {
		return err
	}
	d.sample = records[n-1]
	for i, r := range records {
		d.wire += uint64(r.WireSize())
		if i >= n-missed {
			d.missed += uint64(r.WireSize())
		}
	}
	for i, some := range [][]*protocol.Record{records, records[:n-missed]} {
		if _, err := stores[i].PutAll(context.Background(), some, nil); err != nil {
			return err
		}
	}
	return nil
}

// makePaidRecords makes records with one selector, a value of 32 bytes, real proofs, and links to
// two of the eight before them. Several of their timestamps are the same.
func makePaidRecords(n *protocol.Network, count int) ([]*protocol.Record, error) {
	_, key, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		return nil, err
	}
	records := make([]*protocol.Record, count)
	last := slices.Clone(n.Genesis())
	stamp := last[len(last)-1].Timestamp
	for from := 0; from < count; from += inFlight {
		some := records[from:min(from+inFlight, count)]
		errs := make([]error, len(some))
		var next atomic.Int64
		var wg sync.WaitGroup
		for range runtime.GOMAXPROCS(0) {
			wg.Go(func() {
				for i := int(next.Add(1)) - 1; i < len(some); i = int(next.Add(1)) - 1 {
					links := []protocol.ID{last[i%len(last)].ID(), last[(i+1)%len(last)].ID()}
					some[i], errs[i] = makePaidRecord(n, key, links, stamp+uint64(from/inFlight), from+i)
				}
			})
		}
		wg.Wait()
		for _, err := range errs {
			if err != nil {
				return nil, err
			}
		}
		last = some
	}
	return records, nil
}

func makePaidRecord(n *protocol.Network, key ed25519.PrivateKey, links []protocol.ID, stamp uint64, i int) (*protocol.Record, error) {
	name, err := n.DeriveName(nameOf(i))
	if err != nil {
		return nil, err
	}
	r, err := n.Compose(protocol.Draft{
		Owner: protocol.OwnerOf(key), Timestamp: stamp, Links: links,
		Names: []protocol.NamePoint{{Name: name, Ordinal: uint64(i % perName)}}, Value: fmt.Appendf(nil, "%032d", i),
	})
	if err != nil {
		return nil, err
	}
	if r, err = n.Sign(r, key); err != nil {
		return nil, err
	}
	return n.Pay(r, 0, func(challenge []byte, effort uint32) (protocol.Work, error) {
		proof, err := pow.Solve(context.Background(), challenge, effort, 1, nil)
		return protocol.Work{Nonce: proof.Nonce, Solution: proof.Solution, Effort: effort}, err
	})
}

// verificationBound is how many records a second all cores could verify if verifying were nothing
// but its primitives. These are the proof of work and two signatures, one by one. It also returns
// their processor time in seconds, which other programs on the machine change less.
func verificationBound(b *testing.B) (perSecond, used float64) {
	b.Helper()
	public, secret, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		b.Fatal(err)
	}
	message := make([]byte, 80)
	signature := ed25519.Sign(secret, message)
	r := paidData.sample
	challenge, proof := paidData.network.Challenge(r), pow.Proof{Nonce: r.Work.Nonce, Solution: r.Work.Solution}
	var count atomic.Int64
	var workers sync.WaitGroup
	began, before := time.Now(), usage.ProcessorTime(b)
	for range runtime.GOMAXPROCS(0) {
		workers.Go(func() {
			for time.Since(began) < time.Second {
				claim := ed25519consensus.Verify(public, message, signature)
				owner := ed25519consensus.Verify(public, message, signature)
				if err := pow.Verify(challenge, r.Work.Effort, proof); err != nil || !claim || !owner {
					b.Error("a primitive failed", err)
					return
				}
				count.Add(1)
			}
		})
	}
	workers.Wait()
	n := float64(count.Load())
	return n / time.Since(began).Seconds(), (usage.ProcessorTime(b) - before).Seconds() / n
}

// copyHome copies a home of the data to a folder of its own, in which a node can start.
func copyHome(b *testing.B, from string) string {
	b.Helper()
	to := filepath.Join(b.TempDir(), "home")
	if err := os.CopyFS(to, os.DirFS(from)); err != nil {
		b.Fatal(err)
	}
	if err := os.Chmod(to, 0o700); err != nil { // a folder
		b.Fatal(err)
	}
	return to
}

// pair is a node that has all records, and one that lacks some and dials it. There may be more such
// sources than the first.
type pair struct {
	source, replica *process
	more            []*process
	status          *api.Status // of the replica, when it had them all
	before, after   *api.Status // of the source
	took            time.Duration
	lastTenth       time.Duration // when the last tenth of the records began to come
}

func (p *pair) stop() {
	for _, node := range append(p.more, p.replica, p.source) {
		node.stop()
	}
}

// replicate starts sources and a replica that dials them, and waits until it has the same.
func replicate(b *testing.B, lacking string, sources int) pair {
	b.Helper()
	homes := make([]string, sources)
	for i := range homes {
		homes[i] = copyHome(b, paidData.full)
	}
	return replicateHomes(b, copyHome(b, lacking), homes...)
}

func replicateHomes(b *testing.B, lacking string, homes ...string) pair {
	b.Helper()
	var p pair
	var seeds []string
	for i, home := range homes {
		source := startNode(b, home)
		status := statusOf(b, source)
		if len(status.Addresses) == 0 {
			b.Fatal("the source has no address")
		}
		seeds = append(seeds, status.Addresses[0])
		if i == 0 {
			p.source, p.before = source, status
		} else {
			p.more = append(p.more, source)
		}
	}
	all := p.before.Storage.Attached
	p.replica = startPeer(b, lacking, seeds...)
	began := time.Now()
	had, since := uint64(0), began
	for {
		p.status = statusOf(b, p.replica)
		p.took = time.Since(began)
		if have := p.status.Storage.Attached; have == all {
			p.after = statusOf(b, p.source)
			return p
		} else if have < all-all/10 {
			p.lastTenth = p.took
		}
		if have := p.status.Storage.Attached; have != had {
			had, since = have, time.Now()
		} else if time.Since(since) > patience {
			b.Fatalf("after %v the replica has %d of %d records, and no more have come for %v", p.took, have, all, patience)
		}
		time.Sleep(20 * time.Millisecond)
	}
}

func statusOf(b *testing.B, p *process) *api.Status {
	b.Helper()
	s, err := api.NewClient("http://"+p.address, "").Status(b.Context())
	if err != nil {
		b.Fatal(err)
	}
	return s
}

// BenchmarkReplica has a node that starts empty copy all records from another on the same machine.
// The time is counted from the moment at which its API listens; the bound is the mean of what is
// measured before and after. By processor time the bound is what the primitives and the source
// take.
func BenchmarkReplica(b *testing.B) {
	paid(b)
	for b.Loop() {
		first, firstUsed := verificationBound(b)
		p := replicate(b, paidData.empty, 1)
		n := float64(*replicated)
		source, replica, resident := p.source.used()/n, p.replica.used()/n, p.replica.resident()
		p.stop()
		second, secondUsed := verificationBound(b)
		bound, primitives := (first+second)/2, (firstUsed+secondUsed)/2
		rate := n / p.took.Seconds()
		b.ReportMetric(rate, "records/s")
		b.ReportMetric(bound, "bound/s")
		b.ReportMetric(100*rate/bound, "%-of-bound")
		b.ReportMetric(resident/(1<<20), "MiB-RSS")
		b.ReportMetric(float64(p.status.Traffic.In+p.status.Traffic.Out)/float64(paidData.wire), "wire/records")
		for name, seconds := range map[string]float64{"source": source, "replica": replica, "primitives": primitives} {
			b.ReportMetric(seconds*1e6, "cpu-µs/record-"+name)
		}
		b.ReportMetric(100*(primitives+source)/(replica+source), "%-of-bound-cpu")
	}
	b.ReportMetric(0, "ns/op") // it would be that of starting and stopping too
}

// BenchmarkCopy has a node that starts empty copy many records from another one on the same
// machine. They are signed, and their network asks for no work. It reports how fast the last tenth
// came, too. A million take longer than the ten minutes that go test allows: give it a -timeout.
func BenchmarkCopy(b *testing.B) {
	if *copied == 0 {
		b.Skip("it takes minutes: -copied 1000000")
	}
	g := newLargeHome(b, synthetic.Series())
	s := g.open(b)
	if err := synthetichome.Add(b.Context(), s, g.maker, *copied, nil); err != nil {
		b.Fatal(err)
	}
	if err := s.Close(); err != nil {
		b.Fatal(err)
	}
	for b.Loop() {
		empty := filepath.Join(b.TempDir(), "empty")
		if _, err := synthetichome.Prepare(empty, g.maker.Network()); err != nil {
			b.Fatal(err)
		}
		p := replicateHomes(b, empty, g.Dir())
		n := float64(p.before.Storage.Attached)
		b.ReportMetric(n/p.took.Seconds(), "records/s")
		b.ReportMetric(n/10/(p.took-p.lastTenth).Seconds(), "records/s-last-tenth")
		b.ReportMetric(p.source.used()*1e6/n, "cpu-µs/record-source")
		b.ReportMetric(p.replica.used()*1e6/n, "cpu-µs/record-replica")
		b.ReportMetric(p.replica.resident()/(1<<20), "MiB-RSS")
		p.stop()
	}
	b.ReportMetric(0, "ns/op")
}

// BenchmarkRejoin has a node come back that was away while 1,500 records were written, and meet
// three peers that have them all.
func BenchmarkRejoin(b *testing.B) {
	paid(b)
	for b.Loop() {
		p := replicate(b, paidData.behind, sources)
		b.ReportMetric(float64(p.took.Milliseconds()), "ms")
		b.ReportMetric(float64(p.status.Traffic.In), "B-in")
		b.ReportMetric(float64(p.status.Traffic.Out), "B-out")
		b.ReportMetric(float64(p.status.Traffic.In)/float64(paidData.missed), "in/records")
		p.stop()
	}
	b.ReportMetric(0, "ns/op")
}
