package lfsync

import (
	"errors"
	"fmt"
	"slices"
	"sync/atomic"
	"time"

	pubsub "github.com/libp2p/go-libp2p-pubsub"
	"github.com/prometheus/client_golang/prometheus"

	"github.com/lf-store/lf/protocol"
	"github.com/lf-store/lf/sync/internal/stream"
)

// The queues that may drop, by the names that Status and the metrics give them.
const (
	queueGossip    = "gossip"     // frames that PubSub had no worker for
	queueGossipOut = "gossip_out" // messages to a peer that reads too slowly
	queueChecks    = "checks"     // gossiped records that waited for a core
	queueServe     = "serve"      // streams beyond those served at once
	queuePush      = "push"       // records for relayed peers that read too slowly or went away
	queuePulses    = "pulses"     // pulses that waited for a core, or for a relayed peer
	queueWanted    = "wanted"     // wanted records beyond maxWanted, or given up
)

// metrics are the counters of a Sync.
type metrics struct {
	records  *prometheus.CounterVec
	verdicts *prometheus.CounterVec
	banned   prometheus.Counter
	busy     atomic.Uint64

	registerer prometheus.Registerer
	registered []prometheus.Collector
}

func newMetrics() *metrics {
	return &metrics{
		records:  stream.Counter("ingested_total", "Records that came in, by source and what became of them.", "source", "outcome"),
		verdicts: stream.Counter("gossip_verdicts_total", "Gossiped messages, by verdict.", "verdict"),
		banned:   stream.Counter("expelled_total", "Peers that were dropped because they did not behave.").WithLabelValues(),
	}
}

// register makes the metrics known; s supplies the gauges.
func (m *metrics) register(to prometheus.Registerer, s *Sync) error {
	if to == nil {
		return nil
	}
	m.registerer = to
	own := []prometheus.Collector{
		m.records, m.verdicts, m.banned, &gauges{s},
	}
	for _, c := range slices.Concat(own, s.limiter.Metrics(), s.collectors()) {
		if err := to.Register(c); err != nil {
			m.unregister()
			return fmt.Errorf("register metrics of sync: %w", err)
		}
		m.registered = append(m.registered, c)
	}
	return nil
}

func (m *metrics) unregister() {
	for _, c := range m.registered {
		m.registerer.Unregister(c)
	}
	m.registered = nil
}

// ingested counts a record that came in.
func (m *metrics) ingested(in *incoming) {
	m.records.WithLabelValues(in.from.Via.String(), outcomeOf(in.stored, in.err)).Inc()
}

// known counts records that were here already, which nobody looked at.
func (m *metrics) known(via Via, records int) {
	m.records.WithLabelValues(via.String(), Known.String()).Add(float64(records))
}

func outcomeOf(stored Stored, err error) string {
	var invalid *protocol.InvalidError
	switch {
	case err == nil:
		return stored.Outcome.String()
	case protocol.IsUnknownVersion(err):
		return "unknown_version"
	case errors.As(err, &invalid):
		return "invalid"
	case errors.Is(err, protocol.ErrTooFarAhead):
		return "too_far_ahead"
	case errors.Is(err, ErrBusy):
		return "busy"
	case errors.Is(err, ErrNoValue):
		return "no_value"
	}
	return "failed"
}

func (m *metrics) judged(v pubsub.ValidationResult) {
	name := "ignore"
	switch v {
	case pubsub.ValidationAccept:
		name = "accept"
	case pubsub.ValidationReject:
		name = "reject"
	}
	m.verdicts.WithLabelValues(name).Inc()
}

// gauges reads a Sync's status when asked.
type gauges struct{ sync *Sync }

var (
	peersDesc   = prometheus.NewDesc("lf_sync_peers", "Connected peers that speak the network's protocols.", nil, nil)
	wantedDesc  = prometheus.NewDesc("lf_sync_wanted", "Records known to be missing.", nil, nil)
	fetchesDesc = prometheus.NewDesc("lf_sync_fetches", "Requests to peers under way.", nil, nil)
	setDesc     = prometheus.NewDesc("lf_sync_set_records", "Records of the set that is compared with peers: those attached.", nil, nil)
	readyDesc   = prometheus.NewDesc("lf_sync_set_ready", "1 when that set is complete.", nil, nil)
	partnerDesc = prometheus.NewDesc("lf_sync_comparable_peers", "Connected peers that can be compared with.", nil, nil)
	agreeDesc   = prometheus.NewDesc("lf_sync_agreeing_peers", "Of those, the ones that agreed when they were compared with last.", nil, nil)
	missingDesc = prometheus.NewDesc("lf_sync_missing_records", "Records that peers listed and that are not attached here.", nil, nil)
	namedDesc   = prometheus.NewDesc("lf_sync_named_records", "Records that only pending records link to, and that may be invented.", nil, nil)
	aheadDesc   = prometheus.NewDesc("lf_sync_ahead_records", "Records that peers hold and this node's clock does not let in, the median of those that hold some.", nil, nil)
	holderDesc  = prometheus.NewDesc("lf_sync_ahead_peers", "Peers that hold records which this node's clock does not let in.", nil, nil)
	ownDesc     = prometheus.NewDesc("lf_sync_own_ahead_records", "Attached records that this node's clock would not let in now.", nil, nil)
	syncedDesc  = prometheus.NewDesc("lf_sync_synced", "1 when at least half of the peers agree and nothing is known to be missing.", nil, nil)
	ageDesc     = prometheus.NewDesc("lf_sync_agreement_age_seconds", "Time since the newest agreement with a peer; none before the first.", nil, nil)
	clockDesc   = prometheus.NewDesc("lf_sync_clock_offset_seconds", "How far peers' clocks are ahead of this node's, the median; none before the first has told.", nil, nil)
	droppedDesc = prometheus.NewDesc("lf_sync_dropped_total", "What was dropped because a queue was full.", []string{"queue"}, nil)
)

// Describe is prometheus.Collector's.
func (g *gauges) Describe(out chan<- *prometheus.Desc) {
	for _, d := range []*prometheus.Desc{peersDesc, wantedDesc, fetchesDesc, droppedDesc,
		setDesc, readyDesc, partnerDesc, agreeDesc, missingDesc, namedDesc, aheadDesc, holderDesc, ownDesc, syncedDesc, ageDesc, clockDesc} {
		out <- d
	}
}

// Collect is prometheus.Collector's.
func (g *gauges) Collect(out chan<- prometheus.Metric) {
	st := g.sync.Status()
	gauge := func(d *prometheus.Desc, v int) {
		out <- prometheus.MustNewConstMetric(d, prometheus.GaugeValue, float64(v))
	}
	gauge(peersDesc, st.Peers)
	gauge(wantedDesc, st.Wanted)
	gauge(fetchesDesc, st.Fetches)
	gauge(setDesc, int(st.Sync.Count)) // a length
	gauge(readyDesc, btoi(st.Sync.Ready))
	gauge(partnerDesc, st.Sync.Peers)
	gauge(agreeDesc, st.Sync.Agreeing)
	gauge(missingDesc, st.Sync.Missing)
	gauge(namedDesc, st.Sync.Named)
	gauge(aheadDesc, int(st.Sync.Ahead)) // below 2^53
	gauge(holderDesc, st.Sync.AheadPeers)
	gauge(ownDesc, int(st.Sync.OwnAhead)) // a length
	gauge(syncedDesc, btoi(st.Sync.State == StateSynced))
	if !st.Sync.Agreed.IsZero() {
		out <- prometheus.MustNewConstMetric(ageDesc, prometheus.GaugeValue, time.Since(st.Sync.Agreed).Seconds())
	}
	if c := g.sync.Clock(); c.Peers > 0 {
		out <- prometheus.MustNewConstMetric(clockDesc, prometheus.GaugeValue, c.Offset.Seconds())
	}
	for queue, n := range st.Dropped {
		out <- prometheus.MustNewConstMetric(droppedDesc, prometheus.CounterValue, float64(n), queue)
	}
}

func btoi(b bool) int {
	if b {
		return 1
	}
	return 0
}
