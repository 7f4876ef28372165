package fetch

import (
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/lf-store/lf/sync/internal/stream"
)

// metrics are the counters of fetching.
type metrics struct {
	requests *prometheus.CounterVec
	bytes    *prometheus.CounterVec
	seconds  prometheus.Histogram
}

func newMetrics() *metrics {
	return &metrics{
		requests: stream.Counter("fetch_requests_total", "Requests sent to peers, by result.", "result"),
		bytes:    stream.Counter("fetch_bytes_total", "Bytes of answers, by direction.", "direction"),
		seconds: prometheus.NewHistogram(prometheus.HistogramOpts{Namespace: "lf", Subsystem: "sync",
			Name: "fetch_seconds", Help: "How long requests to peers took.", Buckets: prometheus.ExponentialBuckets(0.001, 4, 9)}),
	}
}

func (m *metrics) all() []prometheus.Collector {
	return []prometheus.Collector{m.requests, m.bytes, m.seconds}
}

// resultNames are the values of the label result.
var resultNames = [...]string{resultAnswered: "answered", resultFailed: "failed", resultBusy: "busy", resultViolation: "guilty"}

func (m *metrics) requested(r result, took time.Duration) {
	m.requests.WithLabelValues(resultNames[r]).Inc()
	m.seconds.Observe(took.Seconds())
}

func (m *metrics) sent(bytes int)     { m.bytes.WithLabelValues("out").Add(float64(bytes)) }
func (m *metrics) received(bytes int) { m.bytes.WithLabelValues("in").Add(float64(bytes)) }
