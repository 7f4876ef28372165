package bench

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/lf-store/lf/node/api"
	"github.com/lf-store/lf/node/api/apitest"
)

// requests is how many requests one measurement makes: a few seconds.
const requests = 20_000

// BenchmarkHTTP asks a node with 16 connections that are kept, each with one request under way, for
// records drawn at random. The load comes from another process than the node, on the same machine.
func BenchmarkHTTP(b *testing.B) {
	for _, n := range []int{1_000, 100_000} {
		d := data(b, n)
		p := startNode(b, d.dir)
		for _, ask := range []struct {
			name    string
			request func() []byte
		}{
			{"kv", func() []byte {
				i := rand.IntN(n)
				return apitest.Get(fmt.Sprintf("/v1/kv?k=%s%%23%d", nameOf(i), i%perName))
			}},
			{"query", func() []byte {
				i := uint64(rand.IntN(n))
				return query(b, nameOf(int(i)), i%perName, i%perName)
			}},
			{"range-of-10", func() []byte {
				return query(b, nameOf(rand.IntN(n)), 20, 29)
			}},
		} {
			b.Run(fmt.Sprintf("%s/%dk", ask.name, n/1000), func(b *testing.B) { load(b, p.address, requests, ask.request) })
		}
		p.stop()
	}
}

// query asks for records as a client does that opens the values itself.
func query(b *testing.B, name string, from, to uint64) []byte {
	body, err := json.Marshal(api.Query{Selectors: []api.SelectorRange{{Name: name, From: api.Uint64(from), To: api.Uint64(to)}}})
	if err != nil {
		b.Fatal(err)
	}
	return apitest.Post("/v1/query", body)
}

// load measures a plan of requests.
func load(b *testing.B, address string, count int, request func() []byte) {
	plan := planOf(address, count, request)
	var f apitest.Figures
	for b.Loop() {
		f = run(b, plan)
	}
	f.Report(b)
	b.ReportMetric(0, "ns/op") // it would be that of all requests together
}

// planOf makes the requests beforehand, so that making them is not measured.
func planOf(address string, count int, request func() []byte) apitest.Plan {
	prepared := make([][]byte, count)
	for i := range prepared {
		prepared[i] = request()
	}
	return apitest.Plan{Address: address, Conns: 16, Requests: count, Request: func(i int) []byte { return prepared[i] }}
}

func run(b *testing.B, plan apitest.Plan) apitest.Figures {
	f, err := apitest.Load(b.Context(), plan)
	if err != nil {
		b.Fatal(err)
	}
	return f
}

// BenchmarkStart starts a node. It reports how long it takes until its API listens, and how much
// memory it holds then and after 20,000 queries. It also reports how many bytes a record takes on
// disk and over the wire.
func BenchmarkStart(b *testing.B) {
	for _, n := range []int{0, 1_000, 100_000} {
		b.Run(fmt.Sprintf("%dk", n/1000), func(b *testing.B) {
			d := data(b, n)
			var fresh, used float64
			for b.Loop() {
				p := startNode(b, d.dir)
				b.ReportMetric(float64(p.started.Milliseconds()), "ms-start")
				fresh = p.resident()
				if n > 0 {
					run(b, planOf(p.address, requests, func() []byte {
						i := rand.IntN(n)
						return query(b, nameOf(i), uint64(i%perName), uint64(i%perName))
					}))
				}
				used = p.resident()
				p.stop()
			}
			b.ReportMetric(fresh/(1<<20), "MiB-RSS-start")
			b.ReportMetric(used/(1<<20), "MiB-RSS-used")
			if n > 0 {
				b.ReportMetric(d.bytes, "disk-B/record")
				b.ReportMetric(d.wire, "wire-B/record")
			}
		})
	}
}
