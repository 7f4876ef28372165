package pulse

import "github.com/prometheus/client_golang/prometheus"

// The ways by which pulses come.
const (
	viaLocal  = "local"
	viaGossip = "gossip"
	viaPush   = "push"
	viaAnswer = "answer"
)

type metrics struct {
	came   *prometheus.CounterVec
	pushed prometheus.Counter
	kept   prometheus.GaugeFunc
}

func newMetrics(k *Keeper) *metrics {
	return &metrics{
		came:   prometheus.NewCounterVec(prometheus.CounterOpts{Name: "lf_sync_pulses_total", Help: "Pulses that came, by source and what became of them."}, []string{"source", "outcome"}),
		pushed: prometheus.NewCounter(prometheus.CounterOpts{Name: "lf_sync_pulses_pushed_total", Help: "Pulses sent to relayed peers."}),
		kept: prometheus.NewGaugeFunc(prometheus.GaugeOpts{Name: "lf_sync_pulsed_claims", Help: "Claims of which a pulse of the last day is kept."},
			func() float64 { return float64(k.Count()) }),
	}
}

func (m *metrics) count(v Verdict, via string) { m.came.WithLabelValues(via, v.String()).Inc() }

// Metrics are those of pulses.
func (k *Keeper) Metrics() []prometheus.Collector {
	return []prometheus.Collector{k.metrics.came, k.metrics.pushed, k.metrics.kept}
}
