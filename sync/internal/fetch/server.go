package fetch

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/lf-store/lf/internal/intake"
	"github.com/lf-store/lf/protocol"
	"github.com/lf-store/lf/sync/internal/stream"
)

// Serve answers one request.
func (f *Fetcher) Serve(ctx context.Context, v *stream.Served) error {
	if err := v.SetReadDeadline(v.ItemDeadline(ctx)); err != nil {
		return fmt.Errorf("set deadline: %w", err)
	}
	req, err := ReadRequest(v)
	if err != nil {
		return err
	}
	end, err := v.Begin()
	if err != nil {
		return err
	}
	defer end()
	out := bufio.NewWriterSize(v, stream.ServeBuffer)
	w := f.newWalk(v, out)
	if err := w.serve(ctx, req); err != nil {
		return err
	}
	if err := out.Flush(); err != nil {
		return fmt.Errorf("send answer: %w", err)
	}
	v.Earned(w.sent)
	return v.Pay(ctx, w.owed)
}

// walk sends the records of an answer: those asked for, then their ancestors, breadth first.
type walk struct {
	fetcher *Fetcher
	stream  *stream.Served
	out     *bufio.Writer
	left    int // bytes that the answer may still have
	// what is not to be sent as an ancestor; nil where none are asked for
	seen map[protocol.ID]bool
	next []protocol.ID // links of what was sent
	owed int           // units not yet paid
	sent int           // records
}

func (f *Fetcher) newWalk(v *stream.Served, out *bufio.Writer) *walk {
	left := answerBytes
	if v.Conn().Stat().Limited {
		left = answerBytesLimited
	}
	return &walk{fetcher: f, stream: v, out: out, left: left}
}

func (w *walk) serve(ctx context.Context, req Request) error {
	if req.Ancestors > 0 {
		w.seen = make(map[protocol.ID]bool)
	}
	for some := range slices.Chunk(req.IDs, lookedUpAtOnce) {
		if err := w.named(ctx, some, req.Width); err != nil || w.left <= 0 {
			return err
		}
	}
	for n := 0; n < req.Ancestors && len(w.next) > 0 && w.left > 0; n++ {
		id := w.next[0]
		w.next = w.next[1:]
		if err := w.ancestor(ctx, id); err != nil {
			return err
		}
	}
	return nil
}

// named answers some names of the request, as far as the answer has room.
func (w *walk) named(ctx context.Context, ids []protocol.ID, width int) error {
	if !w.pay(ctx, len(ids)) {
		return nil
	}
	names := make([][]byte, len(ids))
	for i := range ids {
		names[i] = ids[i][:width]
	}
	matches, err := w.fetcher.c.Store.ByPrefix(ctx, names)
	if err != nil {
		return fmt.Errorf("read records: %w", err)
	}
	for i := range matches {
		if err := w.match(ctx, &matches[i]); err != nil || w.left <= 0 {
			return err
		}
	}
	return nil
}

// match answers one name.
func (w *walk) match(ctx context.Context, m *intake.Match) (err error) {
	switch {
	case errors.Is(m.Err, w.fetcher.c.Damaged):
		_, err = WriteDamaged(w.out)
		return err
	case m.Err != nil:
		return fmt.Errorf("read a record: %w", m.Err)
	case m.Count > 1:
		_, err = WriteAmbiguous(w.out)
		return err
	}
	return w.send(ctx, m.Record)
}

// ancestor sends a record that was not asked for, if it is here and was not sent already.
func (w *walk) ancestor(ctx context.Context, id protocol.ID) error {
	if w.seen[id] || !w.pay(ctx, 1) {
		return nil
	}
	r, ok, err := w.fetcher.c.Store.Record(ctx, id)
	switch {
	case errors.Is(err, w.fetcher.c.Damaged):
		return nil // it is not sent unless it is asked for
	case err != nil:
		return fmt.Errorf("read record %s: %w", id, err)
	case !ok:
		return nil
	}
	return w.send(ctx, r)
}

// send writes an item.
func (w *walk) send(ctx context.Context, r *protocol.Record) error {
	// who does not read gives up the place that others wait for
	_ = w.stream.SetWriteDeadline(w.stream.ItemDeadline(ctx))
	n, err := WriteItem(w.out, r)
	if err != nil {
		return fmt.Errorf("send a record: %w", err)
	}
	w.left -= n
	w.sent += btoi(r != nil)
	w.fetcher.metrics.sent(n)
	if r != nil && w.seen != nil {
		w.follow(r)
	}
	if n > stream.UnitBytes {
		w.pay(ctx, n/stream.UnitBytes)
	}
	return nil
}

// pay reports whether the peer may have more, now that it had more units: they are paid some at a
// time. Where it would have to wait for long, the answer ends: it asks again, and meanwhile others
// have its place.
func (w *walk) pay(ctx context.Context, units int) bool {
	w.owed += units
	if w.owed < payAtOnce {
		return true
	}
	ctx, done := context.WithTimeout(ctx, payPatience)
	defer done()
	if w.stream.Pay(ctx, w.owed) != nil {
		w.left = 0
		return false
	}
	w.owed = 0
	return true
}

// follow notes a record's links as ancestors to send. At most MaxAsked + MaxAncestors records are
// followed, so the list is bounded by 16 times that.
func (w *walk) follow(r *protocol.Record) {
	w.seen[r.ID()] = true
	for _, link := range r.Links {
		if !w.seen[link] && !w.fetcher.c.Network.IsGenesis(link) {
			w.next = append(w.next, link)
		}
	}
}
