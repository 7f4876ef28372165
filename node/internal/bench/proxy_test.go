package bench

import (
	"context"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/lf-store/lf/internal/proxy"
	"github.com/lf-store/lf/node/api/apitest"
	"github.com/lf-store/lf/node/home"
)

// proxyVariable makes the test binary a proxy of the nodes that it names, with commas between.
const proxyVariable = "LF_BENCH_PROXY"

// serveProxy runs a proxy until standard input ends, on the network of its home.
func serveProxy(dir, nodes string) error {
	h, err := home.Open(dir)
	if err != nil {
		return err
	}
	network, _, err := h.Network()
	if err != nil {
		return err
	}
	config := proxy.Config{Home: h, Network: network, Listen: "127.0.0.1:0"}
	for address := range strings.SplitSeq(nodes, ",") {
		config.Nodes = append(config.Nodes, proxy.NodeAddress{Address: address})
	}
	p, err := proxy.Start(context.Background(), config)
	if err != nil {
		return err
	}
	fmt.Println(p.APIURL())
	_, err = io.Copy(io.Discard, os.Stdin)
	if closed := p.Close(); closed != nil {
		return closed
	}
	return err
}

// startProxy starts a proxy of nodes that have the data of a home.
func startProxy(b *testing.B, data string, nodes ...*process) *process {
	b.Helper()
	dir := b.TempDir()
	text, err := os.ReadFile(filepath.Join(data, "network.lfnet"))
	if err != nil {
		b.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "network.lfnet"), text, 0o600); err != nil {
		b.Fatal(err)
	}
	var addresses []string
	for _, n := range nodes {
		addresses = append(addresses, "http://"+n.address)
	}
	return startProcess(b, homeVariable+"="+dir, proxyVariable+"="+strings.Join(addresses, ","))
}

// BenchmarkProxy asks a node, a proxy of it, and a proxy of two nodes the same, one after the other
// in each round. It reports the proxies' requests a second as parts of the node's own. All of them,
// and the load, share this machine. On a busy one the processor time of all of them together says
// more: it is what a machine without other work would have been busy with.
func BenchmarkProxy(b *testing.B) {
	const records = 1_000
	d := data(b, records)
	first, second := startNode(b, copyHome(b, d.dir)), startNode(b, copyHome(b, d.dir))
	defer first.stop()
	defer second.stop()
	one, two := startProxy(b, d.dir, first), startProxy(b, d.dir, first, second)
	defer one.stop()
	defer two.stop()
	all := []*process{first, second, one, two}
	for _, ask := range []struct {
		name    string
		request func() []byte
	}{
		{"kv", func() []byte {
			i := rand.IntN(records)
			return apitest.Get(fmt.Sprintf("/v1/kv?k=%s%%23%d", nameOf(i), i%perName))
		}},
		{"query", func() []byte {
			i := uint64(rand.IntN(records))
			return query(b, nameOf(int(i)), i%perName, i%perName)
		}},
	} {
		b.Run(ask.name, func(b *testing.B) {
			for _, p := range []*process{first, one, two} {
				run(b, planOf(p.address, 2*records, ask.request)) // then most are known
			}
			var own, byOne, byTwo answered
			for b.Loop() {
				own.measure(b, first, all, ask.request)
				byOne.measure(b, one, all, ask.request)
				byTwo.measure(b, two, all, ask.request)
			}
			b.ReportMetric(0, "ns/op")
			b.ReportMetric(own.perSecond/own.rounds, "node-req/s")
			for by, a := range map[string]answered{"1": byOne, "2": byTwo} {
				b.ReportMetric(100*a.perSecond/own.perSecond, "%-of-node-by-"+by)
				b.ReportMetric(100*own.all/a.all, "%-by-processor-by-"+by)
				b.ReportMetric(1e6*a.used/a.rounds/requests, "µs-cpu-by-"+by)
			}
		})
	}
}

// answered sums up what rounds of requests to one process took.
type answered struct {
	perSecond float64
	used, all float64 // processor time in seconds: of the process, and of all that took part
	rounds    float64
}

func (a *answered) measure(b *testing.B, p *process, all []*process, request func() []byte) {
	b.Helper()
	sum := func() float64 {
		used := selfTime().Seconds()
		for _, q := range all {
			used += q.used()
		}
		return used
	}
	plan := planOf(p.address, requests, request)
	used, total := p.used(), sum()
	a.perSecond += run(b, plan).PerSecond
	a.used, a.all = a.used+p.used()-used, a.all+sum()-total
	a.rounds++
}
