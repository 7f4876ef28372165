package lf

import (
	"time"

	"github.com/lf-store/lf/node/api"
)

// WatchOption says what a watch is told, and whom it trusts. Every [ReadOption] is one, but for
// those that make no sense for what is still to come: [AsOf], [Limit], [History] and [Explain].
type WatchOption interface{ watch(w *watching) }

type watchOption func(*watching)

func (o watchOption) watch(w *watching) { o(w) }

// SettledAfter says for how long an answer must not change to be settled: 1 ms to 24 h, 30 s unless
// it is given.
func SettledAfter(d time.Duration) WatchOption {
	return watchOption(func(w *watching) {
		if d < time.Millisecond || d > api.MaxSettled {
			w.err = wrongInput("the time after which an answer is settled must be 1 ms to %s, not %s", api.MaxSettled, d)
			return
		}
		w.request.SettledAfter = uint32(d.Milliseconds()) // 24 h at most
	})
}

// Contested asks also for events about claims that came and lost.
func Contested() WatchOption { return watchOption(func(w *watching) { w.request.Contested = true }) }

// After goes on after the event with this cursor, also at another node. What has not changed since
// is not delivered again.
func After(cursor string) WatchOption { return watchOption(func(w *watching) { w.after = cursor }) }

// OnAway calls tell when the connection to the node fails, with the reason, once for each outage.
// The watch itself goes on by itself. tell must not block.
func OnAway(tell func(error)) WatchOption { return watchOption(func(w *watching) { w.onAway = tell }) }
