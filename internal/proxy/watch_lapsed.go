package proxy

import (
	"context"
	"time"

	"github.com/lf-store/lf/internal/watchstate"
	"github.com/lf-store/lf/node/api"
)

// minLapsedPause is when the proxy asks first about a claim that lapsed. The pause doubles then.
const minLapsedPause = 250 * time.Millisecond

// lapsedClaim is a claim whose watcher was told that it lapsed.
//
// A node tells nothing where the next pulse comes before it finds the claim lapsed: for this node
// the claim was alive all the time. The proxy's clock may be ahead of the node's, and then the
// watcher was told. So the proxy asks again, until no two clocks can differ by more.
type lapsedClaim struct {
	watchstate.Place
	next  time.Time
	pause time.Duration
	until time.Time
}

// noteLapse keeps account of the claims that have lapsed.
func (w *watcher) noteLapse(e *api.WatchEvent) {
	if e.Composite == nil {
		return
	}
	at := spot{e.Key, *e.Composite}
	switch e.Event {
	case api.WatchLapsed:
		now := time.Now()
		drift := time.Duration(w.config.Network.Params().ClockDrift) * time.Millisecond
		w.lapsed[at] = &lapsedClaim{
			watchstate.Place{Key: e.Key, Composite: *e.Composite, Ordinals: e.Ordinals}, now.Add(minLapsedPause), minLapsedPause, now.Add(drift),
		}
	case api.WatchAlive, api.WatchGone, api.WatchDeleted:
		delete(w.lapsed, at)
	}
}

// askLapsed asks again about claims that have lapsed, where it is time for that.
func (w *watcher) askLapsed(ctx context.Context, t *taken) error {
	for at, l := range w.lapsed {
		if !l.next.After(time.Now()) {
			answer, err := w.askPlace(ctx, l.Place)
			if err == nil {
				err = w.send(w.state.Update(l.Place, answer, time.Now())...)
			} else {
				err = w.askedInVain(ctx, err, func() {})
			}
			if err != nil {
				return err
			}
			l.pause *= 2
			l.next = time.Now().Add(l.pause)
		}
		if l.next.After(l.until) {
			delete(w.lapsed, at)
		} else if w.lapsed[at] == l {
			t.until(l.next)
		}
	}
	return nil
}
