package proxy

import (
	"context"
	"errors"
	"net/http"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/lf-store/lf/node/api"
	"github.com/lf-store/lf/protocol"
)

// TestShared holds that those who ask about a key while a question about it is under way are
// answered by the next one, together. An answer that was under way already may be old.
func TestShared(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := newSharer()
		asked := byte(0)
		ask := func() ([]api.Answer, error) {
			asked++
			number := asked
			time.Sleep(time.Second)
			return []api.Answer{{Version: api.Version{Record: protocol.ID{number}}}}, nil
		}
		var all sync.WaitGroup
		wants := func(number byte, after time.Duration) {
			begun := time.Now()
			all.Go(func() {
				a, err := s.do(t.Context(), "key", ask)
				if err != nil || a[0].Record != (protocol.ID{number}) || time.Since(begun) != after {
					t.Errorf("%v, %v after %s, want answer %d after %s", a, err, time.Since(begun), number, after)
				}
			})
			synctest.Wait()
		}
		wants(1, time.Second)
		for range 100 {
			wants(2, 2*time.Second)
		}
		gone, cancel := context.WithCancel(t.Context())
		all.Go(func() {
			if _, err := s.do(gone, "key", ask); !errors.Is(err, context.Canceled) {
				t.Error(err)
			}
		})
		synctest.Wait()
		cancel()
		time.Sleep(1500 * time.Millisecond)
		wants(3, 1500*time.Millisecond)
		all.Wait()
		wants(4, time.Second)
		all.Wait()
		s.close()
		_, err := s.do(t.Context(), "key", ask)
		wantStatus(t, err, http.StatusServiceUnavailable, "closing")
		if len(s.calls) != 0 {
			t.Errorf("%d keys are kept", len(s.calls))
		}
	})
}
