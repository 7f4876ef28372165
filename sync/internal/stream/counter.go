package stream

import "github.com/prometheus/client_golang/prometheus"

// Counter makes a counter of synchronization: its name begins with "lf_sync_".
func Counter(name, help string, labels ...string) *prometheus.CounterVec {
	return prometheus.NewCounterVec(prometheus.CounterOpts{Namespace: "lf", Subsystem: "sync", Name: name, Help: help}, labels)
}
