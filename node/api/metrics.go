package api

import (
	"net/http"
	"strconv"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"
)

// metrics counts requests by route and status. Both are from small fixed sets, so no client can make many series: a
// path that is no route counts as "other".
type metrics struct {
	requests *prometheus.CounterVec
	seconds  *prometheus.HistogramVec
	page     http.Handler
	// series remembers what a route and a status look up, which is slower than a request should pay.
	series sync.Map // of seriesKey to *series
}

type seriesKey struct {
	route  string
	status int
}

type series struct {
	count   prometheus.Counter
	seconds prometheus.Observer
}

func newMetrics(r *prometheus.Registry) *metrics {
	m := &metrics{
		requests: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "lf_api_requests_total", Help: "Requests answered, by route and status.",
		}, []string{"route", "code"}),
		seconds: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name: "lf_api_request_seconds", Help: "Time to answer, by route.",
			Buckets: []float64{.0001, .00025, .0005, .001, .0025, .005, .01, .025, .1, .5, 2.5, 10, 60},
		}, []string{"route"}),
		page: promhttp.HandlerFor(r, promhttp.HandlerOpts{Registry: r}),
	}
	r.MustRegister(m.requests, m.seconds)
	return m
}

// observe takes the pattern of the route, which is empty or "/" where there is none.
func (m *metrics) observe(pattern string, status int, took time.Duration) {
	if pattern == "" || pattern == "/" {
		pattern = "other"
	}
	key := seriesKey{pattern, status}
	found, ok := m.series.Load(key)
	if !ok {
		found, _ = m.series.LoadOrStore(key, &series{
			count:   m.requests.WithLabelValues(pattern, strconv.Itoa(status)),
			seconds: m.seconds.WithLabelValues(pattern),
		})
	}
	s := found.(*series)
	s.count.Inc()
	s.seconds.Observe(took.Seconds())
}
