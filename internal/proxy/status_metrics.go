package proxy

import (
	"fmt"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/lf-store/lf/internal/proxy/outbox"
)

// metrics tell of the nodes, by their addresses: a proxy has a bounded number of them.
type metrics struct {
	nodes   *nodes
	differs *prometheus.CounterVec
	state   *prometheus.Desc
}

func newMetrics(ns *nodes, r prometheus.Registerer) (*metrics, error) {
	m := &metrics{
		nodes: ns,
		differs: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "lf_proxy_differences_total", Help: "Answers of a node that others did not give, or that were proved false.",
		}, []string{"node", "kind"}),
		state: prometheus.NewDesc("lf_proxy_node", "1 for the state that a node is in.", []string{"node", "state"}, nil),
	}
	if err := r.Register(m); err != nil {
		return nil, fmt.Errorf("metrics: %w", err)
	}
	return m, nil
}

// Describe implements prometheus.Collector.
func (m *metrics) Describe(to chan<- *prometheus.Desc) {
	m.differs.Describe(to)
	to <- m.state
}

// Collect implements prometheus.Collector.
func (m *metrics) Collect(to chan<- prometheus.Metric) {
	m.differs.Collect(to)
	for _, n := range m.nodes.list {
		to <- prometheus.MustNewConstMetric(m.state, prometheus.GaugeValue, 1, n.address, n.known().state)
	}
}

// writeMetrics tell of the records that wait for nodes.
type writeMetrics struct {
	outbox        *outbox.Outbox
	waiting, lost *prometheus.Desc
}

func registerWrites(w *writes, r prometheus.Registerer) error {
	m := writeMetrics{
		outbox:  w.outbox,
		waiting: prometheus.NewDesc("lf_proxy_outbox_records", "Finished records that too few nodes have attached yet.", nil, nil),
		lost:    prometheus.NewDesc("lf_proxy_outbox_lost_total", "Finished records that were given up: all nodes refuse them, they are a day old, or there was no room.", nil, nil),
	}
	if err := r.Register(m); err != nil {
		return fmt.Errorf("metrics: %w", err)
	}
	return nil
}

// Describe implements prometheus.Collector.
func (m writeMetrics) Describe(to chan<- *prometheus.Desc) {
	to <- m.waiting
	to <- m.lost
}

// Collect implements prometheus.Collector.
func (m writeMetrics) Collect(to chan<- prometheus.Metric) {
	to <- prometheus.MustNewConstMetric(m.waiting, prometheus.GaugeValue, float64(m.outbox.Len()))
	to <- prometheus.MustNewConstMetric(m.lost, prometheus.CounterValue, float64(m.outbox.Lost()))
}

// differed counts an answer that others did not give.
func (m *metrics) differed(n *node, lies bool) {
	kind := "differs"
	if lies {
		kind = "lies"
	}
	m.differs.WithLabelValues(n.address, kind).Inc()
}
