package watch

import (
	"slices"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/lf-store/lf/node/api"
)

var eventNames = []string{api.WatchAnswer, api.WatchDeleted, api.WatchGone, api.WatchSettled, api.WatchContested, api.WatchAlive, api.WatchLapsed, api.WatchSync}

func (c *counts) count(event string) {
	if i := slices.Index(eventNames, event); i >= 0 {
		c.events[i].Add(1)
	}
}

var (
	streamsDesc   = prometheus.NewDesc("lf_watch_streams", "Streams of watchers that are open.", nil, nil)
	keysDesc      = prometheus.NewDesc("lf_watch_keys", "Composite keys that are watched, counted for each stream or range that has them.", nil, nil)
	eventsDesc    = prometheus.NewDesc("lf_watch_events_total", "Events sent to watchers, by name.", []string{"event"}, nil)
	coalescedDesc = prometheus.NewDesc("lf_watch_coalesced_total", "Answers left out because their watcher had not taken the one before.", nil, nil)
	askedDesc     = prometheus.NewDesc("lf_watch_asked_total", "Keys looked up for watchers.", nil, nil)
)

// Describe implements prometheus.Collector.
func (h *Hub) Describe(out chan<- *prometheus.Desc) {
	for _, d := range []*prometheus.Desc{streamsDesc, keysDesc, eventsDesc, coalescedDesc, askedDesc} {
		out <- d
	}
}

// Collect implements prometheus.Collector.
func (h *Hub) Collect(out chan<- prometheus.Metric) {
	gauge := func(d *prometheus.Desc, v int64) {
		out <- prometheus.MustNewConstMetric(d, prometheus.GaugeValue, float64(v))
	}
	counter := func(d *prometheus.Desc, v uint64, labels ...string) {
		out <- prometheus.MustNewConstMetric(d, prometheus.CounterValue, float64(v), labels...)
	}
	gauge(streamsDesc, h.counts.streams.Load())
	gauge(keysDesc, h.places())
	counter(coalescedDesc, h.counts.coalesced.Load())
	counter(askedDesc, h.counts.asked.Load())
	for i, name := range eventNames {
		counter(eventsDesc, h.counts.events[i].Load(), name)
	}
}

// places counts what is watched.
func (h *Hub) places() int64 {
	h.mu.Lock()
	e := h.engine
	h.mu.Unlock()
	if e == nil {
		return 0
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	return int64(e.plan.places)
}
