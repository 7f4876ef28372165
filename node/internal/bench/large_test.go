package bench

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/lf-store/lf/internal/synthetic"
	"github.com/lf-store/lf/internal/synthetic/synthetichome"
	"github.com/lf-store/lf/internal/usage"
	"github.com/lf-store/lf/node/api"
	"github.com/lf-store/lf/node/api/apitest"
	"github.com/lf-store/lf/node/home"
	"github.com/lf-store/lf/protocol"
	"github.com/lf-store/lf/store"
)

var (
	largeSizes = flag.String("large", "", "measure BenchmarkLarge at these numbers of records, in rising order, separated by commas")
	largeDir   = flag.String("large.dir", "", "make its homes in this folder (default: among the temporary files)")
)

const (
	// measuredPuts is how many records a put is measured with, a fifth of the home at most.
	measuredPuts = 50_000
	// workingSet is how many keys are asked for, drawn from all: one by one, or ten beside each
	// other. That is less than a node remembers.
	workingSet = 20_000
	// beyond is how many keys are asked for to see what a node costs that does not remember them.
	beyond = 200_000
	// largeWrites is how many records a node writes between its queries.
	largeWrites = 2_000
)

// BenchmarkLarge measures one home while it grows: what a record costs to put, what it takes on the
// disk, what queries cost in the store and over HTTP, and how a node starts. Two other mixes show
// what a record takes. Its records are unsigned, since it measures no signatures.
func BenchmarkLarge(b *testing.B) {
	if *largeSizes == "" {
		b.Skip("it takes hours: make bench-large, or -large 100000,1000000")
	}
	var sizes []int
	for text := range strings.SplitSeq(*largeSizes, ",") {
		n, err := strconv.Atoi(text)
		if err != nil || n < 1000 {
			b.Fatalf("-large %s: it wants numbers of 1000 and more, separated by commas", *largeSizes)
		}
		sizes = append(sizes, n)
	}
	wide := synthetic.Series()
	wide.UnderWay = 50
	for _, mix := range []struct {
		name string
		synthetic.Mix
		node bool
	}{{"series", synthetic.Series(), true}, {"own-keys", synthetic.OwnKeys(), false}, {"50-under-way", wide, false}} {
		b.Run(mix.name, func(b *testing.B) {
			mix.Unsigned = true
			g := newLargeHome(b, mix.Mix)
			for _, n := range slices.Sorted(slices.Values(sizes)) {
				b.Run(fmt.Sprintf("records=%d", n), func(b *testing.B) { g.measure(b, n, mix.node) })
			}
		})
	}
}

// largeHome is a home that grows.
type largeHome struct {
	*home.Home
	maker *synthetic.Maker
	wire  float64 // of a record
}

func newLargeHome(b *testing.B, mix synthetic.Mix) *largeHome {
	maker, err := synthetic.NewMaker(mix)
	if err != nil {
		b.Fatal(err)
	}
	dir, err := os.MkdirTemp(*largeDir, "lf-large") //nolint:usetesting // it may be too large for where tests have their folders
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { os.RemoveAll(dir) })
	h, err := synthetichome.Prepare(dir, maker.Network())
	if err != nil {
		b.Fatal(err)
	}
	return &largeHome{Home: h, maker: maker}
}

func (g *largeHome) measure(b *testing.B, n int, node bool) {
	s := g.open(b)
	count := min(measuredPuts, n/5)
	if err := synthetichome.Add(b.Context(), s, g.maker, n-count-g.maker.Made(), nil); err != nil {
		b.Fatal(err)
	}
	b.Run("put", func(b *testing.B) { g.put(b, s, count) })
	if err := s.Close(); err != nil {
		b.Fatal(err)
	}
	b.Run("size", g.size)
	if !node {
		return
	}
	s = g.open(b)
	b.Run("store/one-key", func(b *testing.B) { g.query(b, s, workingSet, 1) })
	b.Run("store/ten-ordinals", func(b *testing.B) { g.query(b, s, workingSet, 10) })
	b.Run("store/ten-ordinals-beyond", func(b *testing.B) { g.query(b, s, beyond, 10) })
	if err := s.Close(); err != nil {
		b.Fatal(err)
	}
	b.Run("hard-limit", g.limited)
	g.serve(b)
}

func (g *largeHome) open(b *testing.B) *store.Store {
	s, err := store.Open(g.Database(), g.maker.Network(), store.Options{})
	if err != nil {
		b.Fatal(err)
	}
	return s
}

// put measures what it costs to store the next records, which are made before.
func (g *largeHome) put(b *testing.B, s *store.Store, count int) {
	for b.Loop() {
		records, err := g.maker.Make(count)
		if err != nil {
			b.Fatal(err)
		}
		g.wire = 0
		for _, r := range records {
			g.wire += float64(r.WireSize()) / float64(count)
		}
		runtime.GC()
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		used := measured(b, func() {
			for some := range slices.Chunk(records, 1024) {
				if _, err := s.PutAll(b.Context(), some, nil); err != nil {
					b.Fatal(err)
				}
			}
		})
		runtime.ReadMemStats(&after)
		n := float64(count)
		b.ReportMetric(float64(used.Processor.Nanoseconds())/1000/n, "cpu-µs/record")
		b.ReportMetric(float64(used.Written)/n, "B-written/record")
		b.ReportMetric(float64(used.Dirtied)/n, "B-dirtied/record")
		b.ReportMetric(float64(used.Read)/4096/n, "pages-read/record")
		b.ReportMetric(float64(after.Mallocs-before.Mallocs)/n, "allocs/record")
	}
	b.ReportMetric(0, "ns/op")
}

// measured returns what this process uses for something.
func measured(b *testing.B, do func()) usage.Usage {
	before, err := usage.Self()
	if errors.Is(err, errors.ErrUnsupported) {
		b.Skip(err)
	}
	if err != nil {
		b.Fatal(err)
	}
	do()
	after, err := usage.Self()
	if err != nil {
		b.Fatal(err)
	}
	return after.Sub(before)
}

// size tells what a record takes on the disk while no node runs.
func (g *largeHome) size(b *testing.B) {
	for b.Loop() {
		var all, database int64
		if err := filepath.WalkDir(g.Dir(), func(path string, d os.DirEntry, err error) error {
			if err != nil || !d.Type().IsRegular() {
				return err
			}
			info, err := d.Info()
			if err != nil {
				return err
			}
			if all += info.Size(); path == g.Database() {
				database = info.Size()
			}
			return nil
		}); err != nil {
			b.Fatal(err)
		}
		n := float64(g.maker.Made())
		b.ReportMetric(float64(database)/n, "B-database/record")
		b.ReportMetric(float64(all)/n, "B-home/record")
		b.ReportMetric(g.wire, "B-wire/record")
		b.ReportMetric(float64(database)/n/g.wire, "×-wire-database")
		b.ReportMetric(float64(all)/n/g.wire, "×-wire-home")
	}
	b.ReportMetric(0, "ns/op")
}

// points draws some keys from all.
func (g *largeHome) points(b *testing.B, count int) []protocol.SelectorPoint {
	random := rand.New(rand.NewPCG(1, 2))
	points := make([]protocol.SelectorPoint, count)
	for i := range points {
		p, err := g.maker.Point(random.IntN(g.maker.Made()))
		if err != nil {
			b.Fatal(err)
		}
		points[i] = p
	}
	return points
}

// rangeOf is a range of ordinals that begins with a key, or before it where the name's end is near.
func rangeOf(p protocol.SelectorPoint, ordinals int) (from, to uint64) {
	from = min(p.Ordinal, uint64(perName-ordinals))
	if ordinals == 1 {
		from = p.Ordinal
	}
	return from, from + uint64(ordinals) - 1
}

// query asks the store for each of a number of keys, some ordinals at a time. All of them were
// asked for three times before: what is remembered changes with the working set, and then stays.
func (g *largeHome) query(b *testing.B, s *store.Store, keys, ordinals int) {
	points := g.points(b, keys/ordinals)
	ask := func() (found int) {
		for _, p := range points {
			from, to := rangeOf(p, ordinals)
			a, err := s.Query(b.Context(), store.Query{Where: []store.Range{{Key: p.Key, From: from, To: to}}})
			if err != nil {
				b.Fatal(err)
			}
			found += len(a.Keys)
		}
		return found
	}
	for range 3 {
		ask()
	}
	for b.Loop() {
		found := 0
		used := measured(b, func() { found = ask() })
		if found < len(points) {
			b.Fatalf("%d keys found", found)
		}
		b.ReportMetric(float64(used.Processor.Nanoseconds())/1000/float64(len(points)), "cpu-µs/query")
	}
	b.ReportMetric(0, "ns/op")
}

// serve measures a node on the home: from a clean start, which makes the set's file, and one more,
// to one without its derived files. Queries come between them.
func (g *largeHome) serve(b *testing.B) {
	p := startNode(b, g.Dir())
	b.Run("start-clean", func(b *testing.B) { reportStart(b, p) })
	plans := map[string]apitest.Plan{
		"livez": planOf(p.address, requests, func() []byte { return apitest.Get("/livez") }),
		"one":   g.plan(b, p, 1),
		"ten":   g.plan(b, p, 10),
	}
	run(b, plans["one"]) // each key once
	b.Run("http", func(b *testing.B) {
		for b.Loop() {
			empty := run(b, plans["livez"])
			for _, what := range []string{"one", "ten"} {
				f := run(b, plans[what])
				b.ReportMetric(f.PerSecond, what+"-req/s")
				b.ReportMetric(f.PerSecond/empty.PerSecond, what+"-×-livez")
			}
			b.ReportMetric(empty.PerSecond, "livez-req/s")
		}
		b.ReportMetric(0, "ns/op")
	})
	b.Run("memory", func(b *testing.B) {
		for b.Loop() {
			if err := g.write(b.Context(), p, largeWrites); err != nil {
				b.Fatal(err)
			}
			run(b, plans["one"])
			m, err := usage.MemoryOf(p.pid)
			if err != nil {
				b.Fatal(err)
			}
			b.ReportMetric(float64(m.Anonymous)/(1<<20), "MiB-RssAnon")
			b.ReportMetric(float64(m.Resident)/(1<<20), "MiB-RSS")
		}
		b.ReportMetric(0, "ns/op")
	})
	p.stop()
	p = startNode(b, g.Dir())
	b.Run("start-again", func(b *testing.B) { reportStart(b, p) })
	g.killWriting(b, p)
	p = startNode(b, g.Dir())
	b.Run("start-killed", func(b *testing.B) { reportStart(b, p) })
	p.stop()
	g.loseDerived(b)
	p = startNode(b, g.Dir())
	b.Run("start-derived-lost", func(b *testing.B) { reportStart(b, p) })
	p.stop()
}

// plan asks for the keys of the working set by selector key, as the library does.
func (g *largeHome) plan(b *testing.B, p *process, ordinals int) apitest.Plan {
	points, next := g.points(b, workingSet/ordinals), 0
	return planOf(p.address, requests, func() []byte {
		point := points[next%len(points)]
		next++
		from, to := rangeOf(point, ordinals)
		body, err := json.Marshal(api.Query{Selectors: []api.SelectorRange{{Key: &point.Key, From: api.Uint64(from), To: api.Uint64(to)}}})
		if err != nil {
			b.Fatal(err)
		}
		return apitest.Post("/v1/query", body)
	})
}

// reportStart tells how long a start took, to the API and until the set of records can be compared.
func reportStart(b *testing.B, p *process) {
	for b.Loop() {
		for statusOf(b, p).Sync.Fingerprint == "" {
			time.Sleep(10 * time.Millisecond)
		}
		b.ReportMetric(float64(time.Since(p.begun).Milliseconds()), "ms-set-ready")
		b.ReportMetric(float64(p.started.Milliseconds()), "ms-API")
	}
	b.ReportMetric(0, "ns/op")
}

// write has a node write records of its own, several at a time.
func (g *largeHome) write(ctx context.Context, p *process, count int) error {
	token, err := g.Token()
	if err != nil {
		return err
	}
	client := api.NewClient("http://"+p.address, token)
	writers, ctx := errgroup.WithContext(ctx)
	for w := range 8 {
		writers.Go(func() error {
			for i := range count / 8 {
				r := api.SetRequest{Selectors: api.MustSelectors(fmt.Sprintf("writer %d#%d", w, i)), Value: fmt.Appendf(nil, "%032d", i)}
				if _, err := client.Set(ctx, r); err != nil {
					return err
				}
			}
			return nil
		})
	}
	return writers.Wait()
}

// killWriting kills a node while it writes.
func (g *largeHome) killWriting(b *testing.B, p *process) {
	before, done := statusOf(b, p).Storage.Attached, make(chan error, 1)
	go func() { done <- g.write(context.WithoutCancel(b.Context()), p, largeWrites) }()
	for statusOf(b, p).Storage.Attached < before+largeWrites/8 {
		time.Sleep(time.Millisecond)
	}
	p.kill()
	if err := <-done; err == nil {
		b.Log("the node had written everything before it was killed")
	}
}

// loseDerived removes the files that a store makes again from its database.
func (g *largeHome) loseDerived(b *testing.B) {
	files, err := filepath.Glob(g.Database() + "?*")
	if err != nil {
		b.Fatal(err)
	}
	for _, file := range files {
		if !strings.HasSuffix(file, "-wal") && !strings.HasSuffix(file, "-shm") {
			if err := os.RemoveAll(file); err != nil {
				b.Fatal(err)
			}
		}
	}
}
