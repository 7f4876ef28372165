package p2p

import (
	"strings"
	"sync"
	"sync/atomic"

	"github.com/libp2p/go-libp2p/core/metrics"
	"github.com/libp2p/go-libp2p/core/peer"
	libp2pprotocol "github.com/libp2p/go-libp2p/core/protocol"
	"github.com/prometheus/client_golang/prometheus"

	"github.com/lf-store/lf/node/api"
)

// traffic counts the bytes that streams carry, by protocol. It takes the place of libp2p's counter,
// which also keeps rates, and keeps them for every peer that it ever met.
type traffic struct {
	// answers the questions of metrics.Reporter that nobody asks; it is never told of anything
	metrics.BandwidthCounter

	prefix    string          // of the network's protocols
	services  map[string]bool // the names of its stream protocols
	mu        sync.RWMutex
	protocols map[libp2pprotocol.ID]*volume
	names     map[string]*volume
}

type volume struct{ in, out atomic.Uint64 }

func newTraffic(prefix string) *traffic {
	services := map[string]bool{}
	for _, s := range streamServices() {
		services[s.Name] = true
	}
	return &traffic{prefix: prefix, services: services, protocols: map[libp2pprotocol.ID]*volume{}, names: map[string]*volume{}}
}

// total sums up all protocols.
func (t *traffic) total() (sum api.Traffic) {
	t.mu.RLock()
	defer t.mu.RUnlock()
	for _, v := range t.names {
		sum.In += v.in.Load()
		sum.Out += v.out.Load()
	}
	return sum
}

// of returns where to count a protocol's bytes. Their number is bounded: a stream has a protocol
// only when both sides speak it.
func (t *traffic) of(p libp2pprotocol.ID) *volume {
	t.mu.RLock()
	v := t.protocols[p]
	t.mu.RUnlock()
	if v != nil {
		return v
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	name := t.name(string(p))
	if v = t.names[name]; v == nil {
		v = new(volume)
		t.names[name] = v
	}
	t.protocols[p] = v
	return v
}

// name is what the metrics call a protocol: the same on every network, and whatever the version.
func (t *traffic) name(p string) string {
	inside, ours := strings.CutPrefix(p, t.prefix+"/")
	service, _, _ := strings.Cut(inside, "/")
	switch {
	case p == "":
		return "negotiation"
	case ours && t.services[service]:
		return service
	case ours && service == "kad":
		return "dht"
	case strings.HasPrefix(p, "/meshsub/"), strings.HasPrefix(p, "/floodsub/"):
		return "gossip"
	case strings.HasPrefix(p, "/ipfs/id/"):
		return "identify"
	case strings.HasPrefix(p, "/ipfs/ping/"):
		return "ping"
	case strings.HasPrefix(p, "/libp2p/circuit/"):
		return "relay"
	}
	return "other"
}

// LogSentMessageStream implements metrics.Reporter, as for the other methods.
func (t *traffic) LogSentMessageStream(n int64, p libp2pprotocol.ID, _ peer.ID) {
	t.of(p).out.Add(uint64(max(n, 0))) // not negative
}

// LogRecvMessageStream counts what was read.
func (t *traffic) LogRecvMessageStream(n int64, p libp2pprotocol.ID, _ peer.ID) {
	t.of(p).in.Add(uint64(max(n, 0))) // not negative
}

// LogSentMessage counts nothing: LogSentMessageStream is told of the same bytes.
func (*traffic) LogSentMessage(int64) {}

// LogRecvMessage counts nothing, likewise.
func (*traffic) LogRecvMessage(int64) {}

var networkBytesDesc = prometheus.NewDesc("lf_network_bytes_total", "Bytes that streams with peers carried, by protocol and direction.",
	[]string{"protocol", "direction"}, nil)

// Describe implements prometheus.Collector.
func (*traffic) Describe(out chan<- *prometheus.Desc) { out <- networkBytesDesc }

// Collect implements prometheus.Collector.
func (t *traffic) Collect(out chan<- prometheus.Metric) {
	t.mu.RLock()
	defer t.mu.RUnlock()
	for name, v := range t.names {
		out <- prometheus.MustNewConstMetric(networkBytesDesc, prometheus.CounterValue, float64(v.in.Load()), name, "in")
		out <- prometheus.MustNewConstMetric(networkBytesDesc, prometheus.CounterValue, float64(v.out.Load()), name, "out")
	}
}
