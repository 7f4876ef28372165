package proxy

import (
	"fmt"

	"github.com/prometheus/client_golang/prometheus"
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

// differed counts an answer that others did not give.
func (m *metrics) differed(n *node, lies bool) {
	kind := "differs"
	if lies {
		kind = "lies"
	}
	m.differs.WithLabelValues(n.address, kind).Inc()
}
