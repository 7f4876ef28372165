package lf

import (
	"errors"
	"time"
)

// heldLong is how long changes are held back at most.
const heldLong = 30 * time.Second

// errHeldLong ends a stream whose changes have been held back for long enough.
var errHeldLong = errors.New("changes were held back for long enough")

// heldBack holds back what a node with another database tells, until it is in sync. Such a node may
// lack what the one before had: it would tell an older state, and later the newer one once more. A
// newer version, and an answer where there was none, are not held back.
// A node that never gets in sync is believed after a time: the last state is never missed.
type heldBack struct {
	active  bool
	since   time.Time // when the first change was held back; zero: none was
	notices map[watchedKey]*notice
	order   []watchedKey
	timer   *time.Timer // ends the stream
}

// begin begins a stream, of another database or of the same one.
func (h *heldBack) begin(moved bool) {
	h.active, h.notices, h.order = moved, map[watchedKey]*notice{}, nil
	if !moved {
		h.since = time.Time{}
	}
}

// end ends a stream.
func (h *heldBack) end() {
	if h.timer != nil {
		h.timer.Stop()
	}
}

// put holds back what a node tells of a key. Of several states only the last one counts.
func (h *heldBack) put(n *notice, cancel func(error)) {
	if h.notices[n.key] == nil {
		h.order = append(h.order, n.key)
	}
	h.notices[n.key] = n
	if h.since.IsZero() {
		h.since = time.Now()
	}
	if h.timer == nil || len(h.notices) == 1 {
		h.end()
		h.timer = time.AfterFunc(time.Until(h.since.Add(heldLong)), func() { cancel(errHeldLong) })
	}
}

// hold holds back what may be older than what the caller knows, and reports whether it did.
func (w *watching) hold(n *notice) bool {
	if !w.held.active {
		return false
	}
	if !w.told.same(n.key, n.state) && !w.told.newer(n.key, &n.state) {
		w.held.put(n, w.cancel)
		return true
	}
	delete(w.held.notices, n.key)
	return false
}

// flush delivers what was held back. Only the last event has the cursor that covers all of it.
func (w *watching) flush() error {
	h := &w.held
	h.active = false
	for _, key := range h.order {
		n := h.notices[key]
		if n == nil {
			continue
		}
		delete(h.notices, key)
		if err := w.change(n); err != nil {
			return err
		}
	}
	h.order = nil
	return nil
}
