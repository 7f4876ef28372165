package lf

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/lf-store/lf/node/api"
)

// TestWatchPauses has the pauses between attempts grow up to a bound. After a stream that lasted
// they begin again. A node can ask for a minute at most.
func TestWatchPauses(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		took := func(p *watchPauses, after error) time.Duration {
			began := time.Now()
			if err := p.wait(t.Context(), after); err != nil {
				t.Fatal(err)
			}
			return time.Since(began)
		}
		var p watchPauses
		p.lived(0)
		for most := firstPause; most < time.Minute; most *= 2 {
			if d := took(&p, nil); d < min(most, maxWatchPause)/2 || d > min(most, maxWatchPause) {
				t.Errorf("a pause of %s, at most %s", d, most)
			}
			p.lived(time.Second)
		}
		p.lived(maxWatchPause)
		if d := took(&p, nil); d > firstPause {
			t.Errorf("after a stream that lasted: %s", d)
		}
		if d := took(&p, api.TooMany(time.Hour, "too many")); d < maxRetryAfter || d > maxRetryAfter+maxWatchPause {
			t.Errorf("asked for an hour: %s", d)
		}
		ctx, cancel := context.WithCancelCause(t.Context())
		over := errors.New("over")
		cancel(over)
		if err := p.wait(ctx, nil); !errors.Is(err, over) {
			t.Errorf("%v", err)
		}
	})
}
