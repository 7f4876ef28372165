package reconcile

import (
	"github.com/prometheus/client_golang/prometheus"

	"github.com/lf-store/lf/sync/internal/penalty"
	"github.com/lf-store/lf/sync/internal/stream"
)

// metrics are the counters of comparing.
type metrics struct {
	sessions *prometheus.CounterVec
	rounds   *prometheus.HistogramVec
	messages *prometheus.CounterVec
	listed   prometheus.Counter
}

func newMetrics() *metrics {
	return &metrics{
		sessions: stream.Counter("sessions_total", "Comparisons with peers, by role and result.", "role", "result"),
		messages: stream.Counter("reconcile_bytes_total", "Bytes of comparisons with peers, by direction.", "direction"),
		rounds: prometheus.NewHistogramVec(prometheus.HistogramOpts{Namespace: "lf", Subsystem: "sync",
			Name: "session_rounds", Help: "How many messages a comparison took, by role.", Buckets: prometheus.ExponentialBuckets(1, 2, 10)},
			[]string{"role"}),
		listed: stream.Counter("listed_total", "Records that comparisons with peers found missing here.").WithLabelValues(),
	}
}

func (m *metrics) all() []prometheus.Collector {
	return []prometheus.Collector{m.sessions, m.rounds, m.messages, m.listed}
}

// reconciled counts the bytes of messages.
func (m *metrics) reconciled(direction string, bytes int) {
	m.messages.WithLabelValues(direction).Add(float64(bytes))
}

// compared counts a session of our own.
func (m *metrics) compared(s *session) {
	m.sessions.WithLabelValues("initiator", s.outcome.result.String()).Inc()
	m.rounds.WithLabelValues("initiator").Observe(float64(s.rounds))
}

// answered counts a session of a peer's.
func (m *metrics) answered(s *responder, err error) {
	result := "equal"
	switch {
	case penalty.ViolationIn(err) != nil:
		result = "guilty"
	case err != nil:
		result = "failed"
	case s.refused:
		result = "busy"
	case s.differs:
		result = "differing"
	}
	m.sessions.WithLabelValues("responder", result).Inc()
	m.rounds.WithLabelValues("responder").Observe(float64(s.rounds))
}
