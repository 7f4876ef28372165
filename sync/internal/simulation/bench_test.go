package simulation

import (
	"fmt"
	"testing"
	"testing/synctest"
	"time"
)

// inBubble runs a simulation for a benchmark. A bubble wants a testing.T, which testing.RunTests
// makes.
func inBubble(b *testing.B, simulate func(t *testing.T)) {
	b.Helper()
	all := func(string, string) (bool, error) { return true, nil }
	for range b.N {
		if !testing.RunTests(all, []testing.InternalTest{{Name: b.Name(), F: func(t *testing.T) { synctest.Test(t, simulate) }}}) {
			b.FailNow()
		}
	}
	// How long it took is of no interest but to who waits for it: it is the time to simulate, not
	// that simulated.
}

func milliseconds(d time.Duration) float64 { return float64(d) / float64(time.Millisecond) }

// rounds is over how many records a figure is taken.
const rounds = 50

// spread has records of a size written in a settled network and reports when and at what cost they
// came to the nodes.
func spread(b *testing.B, c settings, size int) {
	b.Helper()
	inBubble(b, func(t *testing.T) {
		w := newWorld(t, c)
		w.start()
		w.settle()
		const every = 500 * time.Millisecond
		quietly := w.used(usage{})
		time.Sleep(rounds * every)
		quietly = w.used(quietly)
		before := w.used(usage{})
		bytes := w.writes(w.nodes, rounds, size, every)
		u := w.used(before)
		w.agree(10 * time.Minute)
		each, last := w.journal.spread(0)
		arrivals := float64(rounds * (len(w.nodes) - 1))
		b.ReportMetric(milliseconds(each.at(50)), "p50-ms")
		b.ReportMetric(milliseconds(each.at(99)), "p99-ms")
		b.ReportMetric(milliseconds(last.at(99)), "p99-last-ms")
		b.ReportMetric(float64(bytes)/rounds, "record-B")
		b.ReportMetric(float64(u.wire-quietly.wire)/arrivals, "wire-B/arrival")
		b.ReportMetric(float64(u.duplicates)/arrivals, "duplicates/arrival")
	})
}

// BenchmarkPropagation measures how long a record takes to the nodes of a network in which each has
// 8 connections, by its size. A thousand nodes take minutes and need -nodes=1000.
func BenchmarkPropagation(b *testing.B) {
	sizes := []int{10, 100}
	if *flagNodes > 0 {
		sizes = []int{*flagNodes}
	}
	for _, nodes := range sizes {
		b.Run(fmt.Sprintf("nodes=%d", nodes), func(b *testing.B) {
			spread(b, ordinary(random(nodes, 8, *flagSeed)), 200)
		})
	}
}

// BenchmarkRecordSize measures what a record costs on the wire, by the size of its value.
func BenchmarkRecordSize(b *testing.B) {
	for _, size := range []int{100, 1 << 10, 60<<10 - 64} {
		b.Run(fmt.Sprintf("value=%d", size), func(b *testing.B) {
			c := ordinary(random(30, 8, *flagSeed))
			c.maxValue = max(c.maxValue, uint32(size+64))
			spread(b, c, size)
		})
	}
}

// BenchmarkWire measures propagation over worse wires: datagrams that are lost, and far away nodes.
func BenchmarkWire(b *testing.B) {
	for _, loss := range []float64{0, 0.01, 0.05} {
		for _, reach := range []time.Duration{20 * time.Millisecond, 100 * time.Millisecond, 400 * time.Millisecond} {
			b.Run(fmt.Sprintf("loss=%v/latency=%v", loss, reach), func(b *testing.B) {
				c := ordinary(random(30, 8, *flagSeed))
				c.loss, c.latency = loss, scattered(reach/20, reach)
				spread(b, c, 200)
			})
		}
	}
}

// BenchmarkHeal measures how long two halves of 10 nodes take to become one after the wire between
// them is whole again, and at what cost. Seconds of it pass until everybody has dialed. least-B is
// what has to be sent: what each node lacks, once.
func BenchmarkHeal(b *testing.B) {
	for _, records := range []int{10, 100, 1000} {
		b.Run(fmt.Sprintf("records=%d", 2*records), func(b *testing.B) {
			inBubble(b, func(t *testing.T) {
				w := newWorld(t, ordinary(random(20, 6, *flagSeed)))
				w.start()
				w.settle()
				h := w.heal(5*time.Minute, records, 200)
				b.ReportMetric(h.linked.Seconds(), "connected-s")
				b.ReportMetric(h.took.Seconds(), "heal-s")
				b.ReportMetric(float64(h.least), "least-B")
				b.ReportMetric(float64(h.usage.payload())/float64(h.least), "payload/least")
				b.ReportMetric(float64(h.usage.wire)/float64(h.least), "wire/least")
			})
		})
	}
}

// BenchmarkIdle measures what ten nodes with a thousand records use in an hour, all connected with
// all and in sync. It counts each of a node's peers, both ways, with all headers on the wire, and
// the parts of it.
func BenchmarkIdle(b *testing.B) {
	inBubble(b, func(t *testing.T) {
		q := newWorld(t, ordinary(full(10))).idle(1000, time.Hour)
		b.ReportMetric(q.perLine(q.usage.wire), "wire-B/peer/h")
		for protocol, bytes := range q.usage.by {
			if bytes > 0 {
				b.ReportMetric(q.perLine(bytes), protocol+"-B/peer/h")
			}
		}
		b.ReportMetric(q.perLine(q.usage.datagrams), "datagrams/peer/h")
	})
}

// BenchmarkHeartbeat measures what a beat costs on the wire for each node that it comes to, as a
// pulse and as a record. Ten services beat in a network in which each node has 8 connections.
func BenchmarkHeartbeat(b *testing.B) {
	beats := map[string]func(*service){
		"pulse":  (*service).beat,
		"record": func(s *service) { s.write(32) },
	}
	for kind, beat := range beats {
		b.Run(kind, func(b *testing.B) {
			inBubble(b, func(t *testing.T) {
				w := newWorld(t, ordinary(random(30, 8, *flagSeed)))
				w.start()
				w.settle()
				var services []*service
				for _, n := range w.nodes[:10] {
					services = append(services, n.newService(w.nodes...))
				}
				const minutes = 6
				quietly := w.used(usage{})
				time.Sleep(minutes * time.Minute)
				quietly = w.used(quietly)
				before := w.used(usage{})
				for range minutes {
					for _, s := range services {
						beat(s)
						time.Sleep(6 * time.Second)
					}
				}
				u := w.used(before)
				arrivals := float64(minutes * len(services) * (len(w.nodes) - 1))
				b.ReportMetric(float64(u.wire-quietly.wire)/arrivals, "wire-B/arrival")
				b.ReportMetric(float64(u.payload()-quietly.payload())/arrivals, "stream-B/arrival")
				b.ReportMetric(float64(u.duplicates)/arrivals, "duplicates/arrival")
			})
		})
	}
}
