package service

import (
	"context"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/lf-store/lf/store"
)

var (
	recordsDesc  = prometheus.NewDesc("lf_store_records", "Records stored, by state.", []string{"state"}, nil)
	tipsDesc     = prometheus.NewDesc("lf_store_tips", "Attached records that nothing links yet.", nil, nil)
	bytesDesc    = prometheus.NewDesc("lf_store_bytes", "Size of the database on disk.", nil, nil)
	damagedDesc  = prometheus.NewDesc("lf_store_damaged_records", "Records that the disk damaged, by what becomes of them.", []string{"state"}, nil)
	repairedDesc = prometheus.NewDesc("lf_store_repaired_total", "Damaged records and rows of indices that were repaired.", []string{"what"}, nil)
	droppedDesc  = prometheus.NewDesc("lf_store_dropped_total", "Records not kept because a queue was full, by queue.", []string{"queue"}, nil)
)

// storeMetrics shows the store's own counters, which it keeps anyway; a scrape reads one row.
type storeMetrics struct{ store *store.Store }

// Describe implements prometheus.Collector.
func (storeMetrics) Describe(out chan<- *prometheus.Desc) {
	for _, d := range []*prometheus.Desc{recordsDesc, tipsDesc, bytesDesc, droppedDesc, damagedDesc, repairedDesc} {
		out <- d
	}
}

// Collect implements prometheus.Collector.
func (m storeMetrics) Collect(out chan<- prometheus.Metric) {
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	s, err := m.store.Stats(ctx)
	if err != nil {
		out <- prometheus.NewInvalidMetric(recordsDesc, err)
		return
	}
	gauge := func(d *prometheus.Desc, v uint64, labels ...string) {
		out <- prometheus.MustNewConstMetric(d, prometheus.GaugeValue, float64(v), labels...)
	}
	gauge(recordsDesc, s.Attached, "attached")
	gauge(recordsDesc, s.Pending, "pending")
	gauge(recordsDesc, s.Held, "held")
	gauge(tipsDesc, s.Tips)
	gauge(bytesDesc, s.Bytes)
	damage := m.store.Damage()
	facts := damageFacts(damage)
	gauge(damagedDesc, uint64(facts.Repairing), "repairing")     // a count
	gauge(damagedDesc, uint64(facts.Unavailable), "unavailable") // a count
	for what, v := range map[string]uint64{"records": damage.Repaired, "rows": damage.Rows} {
		out <- prometheus.MustNewConstMetric(repairedDesc, prometheus.CounterValue, float64(v), what)
	}
	for queue, v := range map[string]uint64{"pending": s.DroppedPending, "held": s.DroppedHeld} {
		out <- prometheus.MustNewConstMetric(droppedDesc, prometheus.CounterValue, float64(v), queue)
	}
}
