package service

import (
	"context"
	"runtime"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/lf-store/lf/internal/disk"
	"github.com/lf-store/lf/internal/trust"
	"github.com/lf-store/lf/protocol"
)

// maxCertifiedShown bounds the owners whose certificates are shown, so that a home with many makes
// no page without end.
const maxCertifiedShown = 64

var (
	buildDesc     = prometheus.NewDesc("lf_build_info", "1, with the version of the program and what it was built with.", []string{"version", "goversion"}, nil)
	freeDesc      = prometheus.NewDesc("lf_disk_free_bytes", "What may still be written where the home is; absent where that is not known.", nil, nil)
	failingDesc   = prometheus.NewDesc("lf_store_write_failing", "1 when the last write to the database failed.", nil, nil)
	pendingDesc   = prometheus.NewDesc("lf_store_oldest_pending_timestamp_seconds", "When the record came that has been pending for longest; absent where none is.", nil, nil)
	cloneDesc     = prometheus.NewDesc("lf_identity_clones", "1 when another running node has this node's identity.", nil, nil)
	authorityDesc = prometheus.NewDesc("lf_authority_expiry_timestamp_seconds", "When an authority of the network expires.", []string{"name", "fingerprint"}, nil)
	certifiedDesc = prometheus.NewDesc("lf_certificate_expiry_timestamp_seconds", "When the certificates of an owner of this home expire: the last that is not revoked, with what is above it.",
		[]string{"owner"}, nil)
)

// nodeMetrics shows what concerns the node as a whole, and what ends at a date.
type nodeMetrics struct{ service *Service }

// Describe implements prometheus.Collector.
func (nodeMetrics) Describe(out chan<- *prometheus.Desc) {
	for _, d := range []*prometheus.Desc{buildDesc, freeDesc, failingDesc, pendingDesc, cloneDesc, authorityDesc, certifiedDesc} {
		out <- d
	}
}

// Collect implements prometheus.Collector.
func (m nodeMetrics) Collect(out chan<- prometheus.Metric) {
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	s := m.service
	gauge := func(d *prometheus.Desc, v float64, labels ...string) {
		out <- prometheus.MustNewConstMetric(d, prometheus.GaugeValue, v, labels...)
	}
	gauge(buildDesc, 1, s.config.Version, runtime.Version())
	if free, err := disk.Free(s.config.Home.Dir()); err == nil {
		gauge(freeDesc, float64(free))
	}
	gauge(failingDesc, oneIf(s.config.Store.WriteProblem() != nil))
	if stats, err := s.config.Store.Stats(ctx); err == nil && !stats.OldestPending.IsZero() {
		gauge(pendingDesc, float64(stats.OldestPending.UnixMilli())/1000)
	}
	_, clone := s.config.Peering.Clone.Sighting()
	gauge(cloneDesc, oneIf(clone))
	for _, a := range trust.Status(s.config.Network, trust.Effective{}, nil).Authorities {
		gauge(authorityDesc, seconds(a.NotAfter), a.Name, a.Fingerprint)
	}
	for owner, until := range s.certifiedUntil(ctx) {
		gauge(certifiedDesc, seconds(until), owner.String())
	}
}

func oneIf(b bool) float64 {
	if b {
		return 1
	}
	return 0
}

func seconds(ms uint64) float64 { return float64(ms) / 1000 }

// certifiedUntil tells for the owners of this home until when they are certified. One that never
// was is left out.
func (s *Service) certifiedUntil(ctx context.Context) map[protocol.Owner]uint64 {
	if len(s.config.Network.Authorities()) == 0 {
		return nil
	}
	keys, _ := s.owners.List() // one that cannot be read cannot write either, and says so then
	until := map[protocol.Owner]uint64{}
	for _, key := range keys[:min(len(keys), maxCertifiedShown)] {
		list, err := s.config.Store.Certificates(ctx, key.Owner, nil)
		if err != nil {
			continue // the store's other metrics say that it cannot be read
		}
		for _, c := range list {
			if c.Revoked == nil {
				until[key.Owner] = max(until[key.Owner], c.Until)
			}
		}
	}
	return until
}
