package bench

import (
	"bytes"
	"context"
	"crypto/ed25519"
	cryptorand "crypto/rand"
	"encoding/json"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"slices"
	"syscall"
	"testing"
	"time"

	"github.com/lf-store/lf"
	"github.com/lf-store/lf/node/api"
	"github.com/lf-store/lf/node/home"
	"github.com/lf-store/lf/protocol"
)

// libraryRecords is how many records the node has that the library is measured with.
const libraryRecords = 20_000

// library is a node of its own process with a client of it, and a raw HTTP client beside it. Both
// go through the socket in the node's home.
type library struct {
	*testing.B
	node *process
	dir  string
	db   *lf.Client
	raw  *http.Client
	keys map[string]protocol.SelectorKey // of the data's names
}

func newLibrary(b *testing.B) *library {
	b.Helper()
	dir := copyHome(b, hardened[libraryRecords].make(b, libraryRecords).dir)
	l := &library{B: b, node: startNode(b, dir), dir: dir, keys: map[string]protocol.SelectorKey{}}
	h, err := home.Open(dir)
	if err != nil {
		b.Fatal(err)
	}
	socket, err := h.Socket()
	if err != nil {
		b.Fatal(err)
	}
	l.raw = &http.Client{Transport: &http.Transport{DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
		return new(net.Dialer).DialContext(ctx, "unix", socket)
	}}}
	l.db = l.open()
	b.Cleanup(func() {
		l.raw.CloseIdleConnections()
		l.db.Close()
		l.node.stop()
	})
	return l
}

// open returns a client that has checked nothing yet, and knows every name of the data.
func (l *library) open() *lf.Client {
	l.Helper()
	db, err := lf.Open(l.Context(), lf.WithHome(l.dir), lf.WithoutNames())
	if err != nil {
		l.Fatal(err)
	}
	for i := 0; i < libraryRecords; i += perName {
		a, err := db.Get(l.Context(), keyOf(i))
		if err != nil {
			l.Fatal(err)
		}
		l.keys[nameOf(i)] = a.Header().Selectors[0].Key
	}
	return db
}

func keyOf(i int) lf.Key { return lf.MustKey(fmt.Sprintf("%s#%d", nameOf(i), i%perName)) }

// post makes one request as a program does that trusts its node: it reads the answer and looks at
// the status alone.
func (l *library) post(path, kind string, body []byte) {
	resp, err := l.raw.Post("http://node"+path, kind, bytes.NewReader(body))
	if err != nil {
		l.Fatal(err)
	}
	text, err := io.ReadAll(resp.Body)
	resp.Body.Close()
	if err != nil || resp.StatusCode > 299 {
		l.Fatalf("%s: %s, %v", resp.Status, text, err)
	}
}

// query is what the library asks for the i-th record, as JSON.
func (l *library) query(i int) []byte {
	key := l.keys[nameOf(i)]
	at := api.Uint64(i % perName)
	body, err := json.Marshal(api.Query{Selectors: []api.SelectorRange{{Key: &key, From: at, To: at}}, Limit: api.DefaultLimit, Frames: true})
	if err != nil {
		l.Fatal(err)
	}
	return body
}

// costs collects what a kind of call costs.
type costs struct {
	took []time.Duration
	used time.Duration // of this process's processor time
}

func (c *costs) measure(do func()) {
	cpu, began := selfTime(), time.Now()
	do()
	c.took = append(c.took, time.Since(began))
	c.used += selfTime() - cpu
}

func (c *costs) median() float64 {
	slices.Sort(c.took)
	return float64(c.took[len(c.took)/2].Nanoseconds()) / 1e3
}

// cpu is the processor time of a call, in µs.
func (c *costs) cpu() float64 { return float64(c.used.Microseconds()) / float64(len(c.took)) }

// selfTime is the processor time of this process.
func selfTime() time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		return 0
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// call prepares a call, and returns what makes it.
type call func() (do func())

// compare makes both calls in turns, so that what else the machine does falls on both.
func (l *library) compare(b *testing.B, raw, library call) {
	b.Helper()
	for range 200 { // what is slow at first is not measured
		raw()()
		library()()
	}
	byHand, ours := new(costs), new(costs)
	for b.Loop() {
		byHand.measure(raw())
		ours.measure(library())
	}
	b.ReportMetric(byHand.median(), "µs-raw")
	b.ReportMetric(ours.median(), "µs-library")
	b.ReportMetric(ours.median()/byHand.median(), "ratio")
	b.ReportMetric(byHand.cpu(), "cpu-µs-raw")
	b.ReportMetric(ours.cpu(), "cpu-µs-library")
	b.ReportMetric(0, "ns/op") // it would be that of both together
}

// get is a verified get of the i-th record.
func (l *library) get(db *lf.Client, i int) {
	if _, err := db.Get(l.Context(), keyOf(i)); err != nil {
		l.Fatal(err)
	}
}

// anyOrder returns records in an order in which none comes again before the client has forgotten
// it.
func anyOrder() (next func() int) {
	order, at := rand.Perm(libraryRecords), -1
	return func() int {
		at++
		return order[at%len(order)]
	}
}

// BenchmarkLibraryGet compares the library's get with the same request by hand, of which nothing is
// checked. "first" gets records that the client has not seen before, "again" one that it has
// checked. Both go through the node's socket.
func BenchmarkLibraryGet(b *testing.B) {
	l := newLibrary(b)
	b.Run("first", func(b *testing.B) {
		next := anyOrder()
		l.compare(b, func() func() {
			body := l.query(next())
			return func() { l.post("/v1/query", api.TypeJSON, body) }
		}, func() func() {
			i := next()
			return func() { l.get(l.db, i) }
		})
	})
	b.Run("again", func(b *testing.B) {
		body := l.query(7)
		l.compare(b, func() func() {
			return func() { l.post("/v1/query", api.TypeJSON, body) }
		}, func() func() {
			return func() { l.get(l.db, 7) }
		})
	})
}

// BenchmarkLibraryProcessor gets records that the client has not seen before, and reports the
// processor time of client and node.
func BenchmarkLibraryProcessor(b *testing.B) {
	l := newLibrary(b)
	next := anyOrder()
	client, node := selfTime(), l.node.used()
	for b.Loop() {
		l.get(l.db, next())
	}
	b.ReportMetric(float64((selfTime()-client).Microseconds())/float64(b.N), "cpu-µs-client")
	b.ReportMetric((l.node.used()-node)*1e6/float64(b.N), "cpu-µs-node")
}

// BenchmarkLibrarySet sets values of 32 bytes on a network without work. By hand a program has the
// node do everything ("node": POST /v1/set), or hands in a finished record that was made before
// ("record": POST /v1/records).
func BenchmarkLibrarySet(b *testing.B) {
	l := newLibrary(b)
	at := perName
	next := func() string {
		at++
		return fmt.Sprintf("%s#%d", nameOf(0), at)
	}
	library := func(options ...lf.WriteOption) call {
		return func() func() {
			key := lf.MustKey(next())
			return func() {
				if _, err := l.db.Set(b.Context(), key, setValue, options...); err != nil {
					b.Fatal(err)
				}
			}
		}
	}
	record := l.records(next)
	b.Run("node", func(b *testing.B) { l.compare(b, func() func() { return l.setAtNode(next()) }, library()) })
	b.Run("record", func(b *testing.B) { l.compare(b, record, library()) })
	b.Run("record/fresh", func(b *testing.B) { l.compare(b, record, library(lf.Fresh())) })
}

var setValue = bytes.Repeat([]byte("v"), 32)

// setAtNode has the node make a record.
func (l *library) setAtNode(key string) func() {
	text := string(setValue)
	body, err := json.Marshal(api.SetRequest{Selectors: api.MustSelectors(key), Text: &text})
	if err != nil {
		l.Fatal(err)
	}
	return func() { l.post("/v1/set", api.TypeJSON, body) }
}

// records hands in records of an owner of its own.
func (l *library) records(key func() string) call {
	_, secret, err := ed25519.GenerateKey(cryptorand.Reader)
	if err != nil {
		l.Fatal(err)
	}
	owner := protocol.OwnerOf(secret)
	name, err := l.db.Network().DeriveName(nameOf(0))
	if err != nil {
		l.Fatal(err)
	}
	return func() func() {
		links, err := l.db.Node().Links(l.Context(), api.LinksQuery{Owner: &owner})
		if err != nil {
			l.Fatal(err)
		}
		e, err := protocol.ParseExpression(key())
		if err != nil {
			l.Fatal(err)
		}
		r, err := l.db.Network().Compose(protocol.Draft{
			Owner: owner, Timestamp: max(links.Now, links.Timestamp), Links: links.Links, Value: setValue,
			Names: []protocol.NamePoint{{Name: name, Ordinal: e.From}},
		})
		if err == nil {
			r, err = l.db.Network().Sign(r, secret)
		}
		if err != nil {
			l.Fatal(err)
		}
		frame := r.EncodeFrame()
		return func() { l.post("/v1/records", api.TypeFrame, frame) }
	}
}

// BenchmarkLibraryMany gets 1,000 keys that the client has not seen before: one by one, and with
// one question to the node.
func BenchmarkLibraryMany(b *testing.B) {
	l := newLibrary(b)
	const keys = 1000
	next := anyOrder()
	page := func() []lf.Key {
		list := make([]lf.Key, keys)
		for i := range list {
			list[i] = keyOf(next())
		}
		return list
	}
	for _, way := range []struct {
		name string
		get  func([]lf.Key)
	}{
		{"one by one", func(list []lf.Key) {
			for _, key := range list {
				if _, err := l.db.Get(b.Context(), key); err != nil {
					b.Fatal(err)
				}
			}
		}},
		{"at once", func(list []lf.Key) {
			for found, err := range l.db.GetMany(b.Context(), list) {
				if err != nil || found.Err != nil {
					b.Fatal(err, found.Err)
				}
			}
		}},
	} {
		b.Run(way.name, func(b *testing.B) {
			client, node := selfTime(), l.node.used()
			for b.Loop() {
				way.get(page())
			}
			b.ReportMetric(float64(b.Elapsed().Microseconds())/float64(b.N)/keys, "µs/key")
			b.ReportMetric(float64((selfTime()-client).Microseconds())/float64(b.N)/keys, "cpu-µs/key-client")
			b.ReportMetric((l.node.used()-node)*1e6/float64(b.N)/keys, "cpu-µs/key-node")
			b.ReportMetric(0, "ns/op") // it would be that of all keys together
		})
	}
}
