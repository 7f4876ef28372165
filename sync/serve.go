package lfsync

import (
	"bufio"
	"context"
	"fmt"

	libprotocol "github.com/libp2p/go-libp2p/core/protocol"

	"github.com/lf-store/lf/protocol"
)

// fetchService names the fetch protocol to the resource manager and in metrics.
const fetchService = "lf.fetch"

func fetchProtocol(n *protocol.Network) libprotocol.ID {
	return libprotocol.ID("/lf/" + n.ID().String() + "/fetch/1")
}

// serveFetch answers one request.
func (s *Sync) serveFetch(ctx context.Context, v *visit) error {
	if err := v.SetReadDeadline(s.itemDeadline(ctx)); err != nil {
		return fmt.Errorf("set deadline: %w", err)
	}
	req, err := readRequest(v)
	if err != nil {
		return err
	}
	if err := v.pay(ctx, 1); err != nil {
		return err
	}
	out := bufio.NewWriterSize(v, 16<<10)
	if len(req.ids) == 0 {
		err = s.serveTips(ctx, out)
	} else {
		err = s.newWalk(v, out).serve(ctx, req)
	}
	if err != nil {
		return err
	}
	if err := out.Flush(); err != nil {
		return fmt.Errorf("send answer: %w", err)
	}
	return nil
}

func (s *Sync) serveTips(ctx context.Context, out *bufio.Writer) error {
	tips, err := s.store.Tips(ctx, maxTips)
	if err != nil {
		return fmt.Errorf("read tips: %w", err)
	}
	_, err = out.Write(appendTips(nil, tips[:min(len(tips), maxTips)]))
	return err
}

// walk sends the records of an answer: those asked for, then their ancestors, breadth first.
type walk struct {
	sync  *Sync
	visit *visit
	out   *bufio.Writer
	left  int // bytes that the answer may still have
	seen  map[protocol.ID]bool
	next  []protocol.ID // links of what was sent
}

func (s *Sync) newWalk(v *visit, out *bufio.Writer) *walk {
	left := answerBytes
	if v.Conn().Stat().Limited {
		left = answerBytesLimited
	}
	return &walk{sync: s, visit: v, out: out, left: left, seen: make(map[protocol.ID]bool)}
}

func (w *walk) serve(ctx context.Context, req fetchRequest) error {
	for _, id := range req.ids { // they are not sent again as ancestors
		w.seen[id] = true
	}
	for _, id := range req.ids {
		if err := w.send(ctx, id, true); err != nil || w.left <= 0 {
			return err
		}
	}
	for n := 0; n < req.ancestors && len(w.next) > 0 && w.left > 0; n++ {
		id := w.next[0]
		w.next = w.next[1:]
		if err := w.send(ctx, id, false); err != nil {
			return err
		}
	}
	return nil
}

// send sends one record, if it is here; that it is not is said only of what was asked for.
func (w *walk) send(ctx context.Context, id protocol.ID, asked bool) error {
	if err := w.visit.pay(ctx, 1); err != nil {
		return err
	}
	r, ok, err := w.sync.store.Record(ctx, id)
	switch {
	case err != nil:
		return fmt.Errorf("read record %s: %w", id, err)
	case !ok && !asked:
		return nil
	case !ok:
		r = nil
	}
	n, err := writeItem(w.out, r)
	if err != nil {
		return fmt.Errorf("send record %s: %w", id, err)
	}
	w.left -= n
	w.sync.metrics.sent(n)
	if r != nil {
		w.follow(r)
	}
	if n < 1<<10 {
		return nil
	}
	return w.visit.pay(ctx, n>>10)
}

// follow notes a record's links as ancestors to send. At most maxAsked + maxAncestors records are followed, so the list
// is bounded by 16 times that.
func (w *walk) follow(r *protocol.Record) {
	for _, link := range r.Links {
		if !w.seen[link] && !w.sync.network.IsGenesis(link) {
			w.seen[link] = true
			w.next = append(w.next, link)
		}
	}
}
