package apiserver

import (
	"net/http"
	"strconv"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"
)

// metrics counts requests by route and status. Both are from small fixed sets, so no client can
// make many series: a path that is no route counts as "other".
type metrics struct {
	requests *prometheus.CounterVec
	seconds  *prometheus.HistogramVec
	cutOff   prometheus.Counter
	page     http.Handler
}

func newMetrics(r *prometheus.Registry, cert *Certificate) *metrics {
	m := &metrics{
		requests: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "lf_api_requests_total", Help: "Requests answered, by route and status.",
		}, []string{"route", "code"}),
		seconds: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name: "lf_api_request_seconds", Help: "Time to answer, by route.",
			Buckets: []float64{.0001, .00025, .0005, .001, .0025, .005, .01, .025, .1, .5, 2.5, 10, 60},
		}, []string{"route"}),
		cutOff: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "lf_watch_cut_off_total", Help: "Watchers cut off because they took nothing for 2 minutes.",
		}),
		page: promhttp.HandlerFor(r, promhttp.HandlerOpts{Registry: r}),
	}
	r.MustRegister(m.requests, m.seconds, m.cutOff)
	if cert != nil {
		r.MustRegister(cert)
	}
	return m
}

// observe takes the pattern of the route, which is empty or "/" where there is none.
func (m *metrics) observe(pattern string, status int, took time.Duration) {
	if pattern == "" || pattern == "/" {
		pattern = "other"
	}
	m.requests.WithLabelValues(pattern, strconv.Itoa(status)).Inc()
	m.seconds.WithLabelValues(pattern).Observe(took.Seconds())
}
