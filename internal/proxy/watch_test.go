package proxy

import (
	"testing"

	"github.com/lf-store/lf/node/api"
	"github.com/lf-store/lf/node/api/apitest"
)

// watched is a world whose watchers end with the test.
func watched(w *world) *world {
	w.TB.(*testing.T).Cleanup(func() {
		if err := w.proxy.hub.close(); err != nil {
			w.Error(err)
		}
	})
	return w
}

// TestWatchConforms: a proxy tells of changes as a node does.
func TestWatchConforms(t *testing.T) {
	for _, nodes := range []int{1} {
		w := watched(newWorld(t, nodes))
		apitest.TestWatch(t, func(*testing.T) api.Service { return w.proxy })
	}
}
