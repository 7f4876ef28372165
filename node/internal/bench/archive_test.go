package bench

import (
	"context"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/lf-store/lf"
	"github.com/lf-store/lf/node/api"
)

// BenchmarkArchive exports all records of a node to a file and has an empty node import it. Then it
// has that node do so again, as after an interruption. Of both it also reports how fast the last
// tenth of the file passed.
func BenchmarkArchive(b *testing.B) {
	paid(b)
	name := filepath.Join(b.TempDir(), "all.car")
	for b.Loop() {
		bound, _ := verificationBound(b)
		source := startHome(b, copyHome(b, paidData.full))
		var lastOut, lastIn time.Duration
		exported := timed(b, func() (err error) { lastOut, err = source.exportTo(b.Context(), name); return err })
		source.stop()
		replica := startHome(b, copyHome(b, paidData.empty))
		var done *api.Imported
		imported := timed(b, func() (err error) { done, lastIn, err = replica.importFrom(b.Context(), name); return err })
		if done.Added != uint64(*replicated) {
			b.Fatalf("%d of %d records added", done.Added, *replicated)
		}
		cpu := replica.used()
		again := timed(b, func() (err error) { done, _, err = replica.importFrom(b.Context(), name); return err })
		if done.Added != 0 {
			b.Fatalf("%d records added again", done.Added)
		}
		resident := replica.resident()
		replica.stop()
		after, _ := verificationBound(b)
		bound = (bound + after) / 2
		info, err := os.Stat(name)
		if err != nil {
			b.Fatal(err)
		}
		n := float64(*replicated)
		b.ReportMetric(n/exported.Seconds(), "exported/s")
		b.ReportMetric(n/imported.Seconds(), "imported/s")
		b.ReportMetric(n/10/lastOut.Seconds(), "exported/s-last-tenth")
		b.ReportMetric(n/10/lastIn.Seconds(), "imported/s-last-tenth")
		b.ReportMetric(bound, "bound/s")
		b.ReportMetric(100*n/imported.Seconds()/bound, "%-of-bound")
		b.ReportMetric(n/again.Seconds(), "again/s")
		b.ReportMetric(cpu*1e6/n, "cpu-µs/record-import")
		b.ReportMetric(float64(info.Size())/n, "B/record")
		b.ReportMetric(resident/(1<<20), "MiB-RSS")
	}
	b.ReportMetric(0, "ns/op")
}

// timed is how long something takes.
func timed(b *testing.B, do func() error) time.Duration {
	b.Helper()
	began := time.Now()
	if err := do(); err != nil {
		b.Fatal(err)
	}
	return time.Since(began)
}

// homeNode is a node that is called through its home.
type homeNode struct {
	*process
	client *lf.Client
}

func startHome(b *testing.B, dir string) homeNode {
	b.Helper()
	p := startNode(b, dir)
	client, err := lf.Open(b.Context(), lf.WithHome(dir))
	if err != nil {
		b.Fatal(err)
	}
	return homeNode{p, client}
}

func (n homeNode) stop() {
	_ = n.client.Close()
	n.process.stop()
}

// exportTo also returns how long the last tenth of the file took.
func (n homeNode) exportTo(ctx context.Context, name string) (lastTenth time.Duration, err error) {
	file, err := os.Create(name)
	if err != nil {
		return 0, err
	}
	defer file.Close()
	p := pace{Writer: file}
	err = n.client.Export(ctx, &p)
	return p.lastTenth(time.Now()), err
}

// importFrom also returns how long the last tenth of the file took.
func (n homeNode) importFrom(ctx context.Context, name string) (done *api.Imported, lastTenth time.Duration, err error) {
	file, err := os.Open(name)
	if err != nil {
		return nil, 0, err
	}
	defer file.Close()
	p := pace{Reader: file}
	done, err = n.client.Import(ctx, &p)
	return done, p.lastTenth(time.Now()), err
}
