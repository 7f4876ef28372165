package bench

import (
	"bufio"
	"crypto/rand"
	"flag"
	"fmt"
	"io"
	"net/http"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/lf-store/lf/node/home"
	"github.com/lf-store/lf/protocol"
)

var (
	idle   = flag.Duration("idle", time.Minute, "for how long an idle node's traffic is measured")
	settle = flag.Duration("settle", 30*time.Second, "for how long the nodes are left alone before that")
)

// idlePeers is how many peers the measured node has.
const idlePeers = 10

// BenchmarkIdle measures what a node with ten peers sends and receives while nothing is written.
// The eleven nodes are processes of their own, over TCP on loopback. What streams carried is the
// node's own count (lf_network_bytes_total). Where there is the program ss, the kernel's count of
// the same connections stands beside it, with all that encryption, multiplexing and TCP add.
// Headers are counted at 52 bytes a segment (IPv4 and TCP with timestamps).
//
// Nodes that are new look for others again and again, less and less: -settle=5m -idle=30m shows
// what remains of that.
func BenchmarkIdle(b *testing.B) {
	for b.Loop() {
		first := startIdle(b)
		time.Sleep(*settle)
		streams, wire, began := streamBytes(b, first), socketsOf(first), time.Now()
		time.Sleep(*idle)
		hours := time.Since(began).Hours()
		reportStreams(b, streamBytes(b, first), streams, hours)
		reportWire(b, socketsOf(first), wire, hours)
	}
	b.ReportMetric(0, "ns/op") // it is that of waiting
}

// startIdle starts the nodes, and returns the first one as soon as it has all others as peers.
func startIdle(b *testing.B) *process {
	b.Helper()
	p := protocol.DefaultParams()
	p.Name, p.WorkPerKiB, p.NameHardening = "bench", 0, protocol.Hardening{MemoryKiB: 8, Passes: 1}
	network, err := protocol.NewNetwork(p, uint64(time.Now().UnixMilli()), rand.Reader)
	if err != nil {
		b.Fatal(err)
	}
	var first *process
	seed := ""
	for range 1 + idlePeers {
		h, err := home.Open(filepath.Join(b.TempDir(), "home"))
		if err != nil {
			b.Fatal(err)
		}
		if err := h.BindNetwork(network.File(nil)); err != nil {
			b.Fatal(err)
		}
		n := startPeer(b, h.Dir(), seed)
		b.Cleanup(n.stop)
		if first == nil {
			first, seed = n, statusOf(b, n).Addresses[0]
		}
	}
	for began := time.Now(); statusOf(b, first).Sync.Peers < idlePeers; time.Sleep(100 * time.Millisecond) {
		if time.Since(began) > time.Minute {
			b.Fatalf("after a minute the node has %d peers", statusOf(b, first).Sync.Peers)
		}
	}
	return first
}

// flow is by protocol and direction, such as "dht-in".
type flow map[string]float64

var streamLine = regexp.MustCompile(`^lf_network_bytes_total\{direction="(\w+)",protocol="(\w+)"\} (\S+)$`)

// streamBytes reads what streams have carried from the node's metrics.
func streamBytes(b *testing.B, p *process) flow {
	b.Helper()
	r, err := http.Get("http://" + p.address + "/metrics")
	if err != nil {
		b.Fatal(err)
	}
	defer r.Body.Close()
	text, err := io.ReadAll(r.Body)
	if err != nil {
		b.Fatal(err)
	}
	f := flow{}
	for line := range strings.Lines(string(text)) {
		if m := streamLine.FindStringSubmatch(strings.TrimSpace(line)); m != nil {
			if f[m[2]+"-"+m[1]], err = strconv.ParseFloat(m[3], 64); err != nil {
				b.Fatal(err)
			}
		}
	}
	return f
}

// reportStreams reports what came between two readings, by the hour.
func reportStreams(b *testing.B, after, before flow, hours float64) {
	for way := range map[string]bool{"in": true, "out": true} {
		sum := 0.0
		for name, bytes := range after {
			if protocol, ok := strings.CutSuffix(name, "-"+way); ok {
				b.ReportMetric((bytes-before[name])/hours, protocol+"-B/h-"+way)
				sum += bytes - before[name]
			}
		}
		b.ReportMetric(sum/hours, "streams-B/h-"+way)
	}
}

// socket is what the kernel has counted of a TCP connection: payload and segments.
type socket struct{ sent, received, segmentsOut, segmentsIn float64 }

// socketsOf returns a node's connections with its peers by their two ends; none where there is no
// ss.
func socketsOf(p *process) map[string]socket {
	out, err := exec.Command("ss", "-tinpHO").Output()
	if err != nil {
		return nil
	}
	sockets := map[string]socket{}
	for s := bufio.NewScanner(strings.NewReader(string(out))); s.Scan(); {
		fields := strings.Fields(s.Text())
		if len(fields) < 5 || fields[3] == p.address || !strings.Contains(s.Text(), fmt.Sprintf("pid=%d,", p.pid)) {
			continue
		}
		sockets[fields[3]+" "+fields[4]] = socket{
			sent: numberOf(fields, "bytes_sent:"), received: numberOf(fields, "bytes_received:"),
			segmentsOut: numberOf(fields, "segs_out:"), segmentsIn: numberOf(fields, "segs_in:"),
		}
	}
	return sockets
}

func numberOf(fields []string, name string) float64 {
	for _, f := range fields {
		if text, ok := strings.CutPrefix(f, name); ok {
			if n, err := strconv.ParseFloat(text, 64); err == nil {
				return n
			}
		}
	}
	return 0
}

// headers is what IPv4 and TCP add to a segment, timestamps included.
const headers = 20 + 20 + 12

// reportWire reports what the connections carried that there were before and after. One that was
// closed in between is left out.
func reportWire(b *testing.B, after, before map[string]socket, hours float64) {
	var in, out, segments float64
	connections := 0
	for ends, a := range after {
		c, ok := before[ends]
		if !ok {
			continue
		}
		connections++
		in += a.received - c.received + headers*(a.segmentsIn-c.segmentsIn)
		out += a.sent - c.sent + headers*(a.segmentsOut-c.segmentsOut)
		segments += a.segmentsIn - c.segmentsIn + a.segmentsOut - c.segmentsOut
	}
	if connections == 0 {
		return
	}
	b.ReportMetric(in/hours, "wire-B/h-in")
	b.ReportMetric(out/hours, "wire-B/h-out")
	b.ReportMetric(segments/hours, "segments/h")
	b.ReportMetric(float64(connections), "connections")
}
