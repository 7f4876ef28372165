package bench

import (
	"bufio"
	"context"
	"fmt"
	"net"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/lf-store/lf/node/api"
	"github.com/lf-store/lf/node/home"
)

// watched is a node that is watched, with its user's client.
type watched struct {
	*testing.B
	*process
	token  string
	client *api.Client
}

func startWatched(b *testing.B) *watched {
	dir := data(b, 1_000).dir
	p := startNode(b, dir)
	h, err := home.Open(dir)
	if err != nil {
		b.Fatal(err)
	}
	token, err := h.Token()
	if err != nil {
		b.Fatal(err)
	}
	w := &watched{b, p, token, api.NewClient("http://"+p.address, token)}
	b.Cleanup(func() { w.client.Close() })
	return w
}

// connect opens a stream on a connection of its own. A patient one reads the listing.
func (w *watched) connect(query string, patient bool) net.Conn {
	conn, err := net.Dial("tcp", w.address)
	if err != nil {
		w.Fatal(err)
	}
	w.Cleanup(func() { conn.Close() })
	if !patient {
		if err := conn.(*net.TCPConn).SetReadBuffer(4096); err != nil {
			w.Fatal(err)
		}
	}
	if _, err := fmt.Fprintf(conn, "GET /v1/watch?%s HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer %s\r\n\r\n", query, w.token); err != nil {
		w.Fatal(err)
	}
	for r := bufio.NewReaderSize(conn, 512); patient; {
		line, err := r.ReadString('\n')
		if err != nil {
			w.Fatal(err)
		}
		patient = !strings.Contains(line, `"listed":true`)
	}
	return conn
}

// set has the node write a value, and returns when the record is attached.
func (w *watched) set(name, text string) {
	if _, err := w.client.Set(w.Context(), api.SetRequest{Selectors: []api.SelectorRange{{Name: name}}, Text: &text}); err != nil {
		w.Fatal(err)
	}
}

// latencies measures how long after the answer to a write its event comes, in ms; 0 where the event
// comes first.
func (w *watched) latencies(count int) []float64 {
	ctx, cancel := context.WithCancel(w.Context())
	defer cancel()
	came, listed := make(chan time.Time, count), make(chan bool)
	go func() {
		request := api.WatchRequest{Keys: []api.WatchKey{{Selectors: []api.SelectorRange{{Name: "latency"}}}}}
		for e, err := range w.client.Watch(ctx, request) {
			switch {
			case err != nil:
				close(came)
				return
			case e.Event == api.WatchAnswer:
				came <- time.Now()
			case e.Listed:
				close(listed)
			}
		}
	}()
	<-listed
	for len(came) > 0 {
		<-came
	}
	list := make([]float64, count)
	for i := range list {
		w.set("latency", fmt.Sprint(i))
		attached := time.Now()
		list[i] = max(0, float64((<-came).Sub(attached).Microseconds())/1000)
	}
	slices.Sort(list)
	return list
}

func (w *watched) reportLatency(list []float64) {
	w.ReportMetric(list[len(list)/2], "ms-p50")
	w.ReportMetric(list[len(list)*99/100], "ms-p99")
}

// BenchmarkWatchLatency measures an event's delay after the record attached: with one watcher, and
// beside 1,000 idle ones, whose memory in the node it reports.
func BenchmarkWatchLatency(b *testing.B) {
	w := startWatched(b)
	defer w.stop()
	for b.Loop() {
		w.latencies(50)
		before := w.resident()
		for i := range 1_000 {
			w.connect(fmt.Sprintf("k=idle%%23%d", i), true)
		}
		w.ReportMetric((w.resident()-before)/1_000/(1<<10), "KiB/watcher")
		w.reportLatency(w.latencies(300))
	}
	b.ReportMetric(0, "ns/op")
}

// BenchmarkWatchSlow has 1,000 watchers of one key that never read, while its value of 32 KiB
// changes 300 times. It reports how much the node's memory grows, and how fast another watcher is
// told.
func BenchmarkWatchSlow(b *testing.B) {
	w := startWatched(b)
	defer w.stop()
	for b.Loop() {
		before := w.resident()
		for range 1_000 {
			w.connect("k=busy", false)
		}
		for i := range 300 {
			w.set("busy", strings.Repeat(string(rune('a'+i%26)), 32<<10))
		}
		w.ReportMetric((w.resident()-before)/(1<<20), "MiB-grown")
		w.reportLatency(w.latencies(100))
	}
	b.ReportMetric(0, "ns/op")
}
