package bench

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/lf-store/lf"
)

// BenchmarkKeepAlive pulses for very many keys at once, as a program does once a minute. It tells
// what each takes: µs of the clock, and of this process.
func BenchmarkKeepAlive(b *testing.B) {
	const keys = 2_000
	l := newLibrary(b)
	var list []lf.Key
	for i := range keys {
		key := lf.MustKey(fmt.Sprintf("%s#%d", nameOf(0), watchLater+i))
		if _, err := l.db.Set(b.Context(), key, []byte("here")); err != nil {
			b.Fatal(err)
		}
		list = append(list, key)
	}
	ctx, cancel := context.WithCancel(b.Context())
	defer cancel()
	for b.Loop() { // again makes sense after a minute: -benchtime 1x
		began, used := time.Now(), selfTime()
		told := 0
		err := l.db.KeepAlive(ctx, list, lf.OnPulse(func(p lf.Pulsed) {
			if p.Err != nil || !p.New {
				b.Errorf("%s: %+v", p.Key, p)
			}
			if told++; told == keys {
				cancel()
			}
		}))
		if !errors.Is(err, context.Canceled) || told != keys {
			b.Fatalf("%d of %d are told: %v", told, keys, err)
		}
		b.ReportMetric(float64(time.Since(began).Microseconds())/keys, "µs/key")
		b.ReportMetric(float64((selfTime()-used).Microseconds())/keys, "own-cpu-µs/key")
	}
	b.ReportMetric(0, "ns/op")
}
