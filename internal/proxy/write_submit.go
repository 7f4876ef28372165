package proxy

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/lf-store/lf/node/api"
	"github.com/lf-store/lf/protocol"
)

// hurry is how long a node may take to acknowledge a record until the next one gets it, too.
const hurry = 2 * time.Second

// Submit implements api.Service. The record is acknowledged when as many nodes have attached it as
// the proxy's user wants. If the caller goes away meanwhile, the record is handed in all the same.
// One that too few nodes have attached goes to the outbox.
func (s *Service) Submit(ctx context.Context, frame []byte) (*api.Submitted, error) {
	return s.submit(ctx, frame, false)
}

// submitPaid is Submit for a record that this proxy worked for. It is in the outbox before a node
// has it: if the proxy dies meanwhile, the next one hands it in.
func (s *Service) submitPaid(ctx context.Context, frame []byte) (*api.Submitted, error) {
	return s.submit(ctx, frame, true)
}

func (s *Service) submit(ctx context.Context, frame []byte, paid bool) (*api.Submitted, error) {
	r, err := protocol.DecodeFrame(frame)
	if err == nil {
		err = s.config.Network.Check(r, verifyWork)
	}
	if err != nil {
		return nil, s.writeFailure(err)
	}
	if paid {
		s.hold(ctx, r, frame)
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), submitWithin)
	defer cancel()
	done, verdict, err := s.handIn(ctx, r, frame)
	if !paid && verdict == triedAgain {
		s.hold(ctx, r, frame)
	}
	s.settle(r.ID(), verdict)
	if err != nil {
		return nil, err
	}
	s.markSuperseded(ctx, r, done)
	return done, nil
}

// writable returns the nodes that may be written to: those in sync, and after them those that
// answer at least. A record takes its ancestors along.
func (ns *nodes) writable(ctx context.Context) ([]*node, error) {
	list, err := ns.usable(ctx)
	if err != nil {
		return nil, err
	}
	list = slices.Clone(list)
	for _, n := range ns.in(api.NodeUnsynced) {
		if !slices.Contains(list, n) {
			list = append(list, n)
		}
	}
	return list, nil
}

// handingIn is how far the handing in of one record is.
type handingIn struct {
	*Service
	record   *protocol.Record
	frame    []byte
	nodes    []*node // in the order in which they get it
	begun    int     // how many of them got it
	outcomes chan acknowledgment

	attached int // nodes that have attached it
	known    int // of these, how many had it before
	best     *api.Submitted
	waits    *api.Submitted // a node has it pending or held
	refusal  error
	refusals int
	failure  error
}

// acknowledgment is what one node said.
type acknowledgment struct {
	node *node
	done *api.Submitted
	err  error
}

// handIn hands a record to nodes until enough have attached it. It goes first to the node that its
// links came from.
func (s *Service) handIn(ctx context.Context, r *protocol.Record, frame []byte) (*api.Submitted, verdict, error) {
	list, err := s.nodes.writable(ctx)
	if err != nil {
		return nil, triedAgain, err
	}
	if first := s.writes.links.of(r); first != nil {
		if i := slices.Index(list, first); i > 0 {
			list = slices.Insert(slices.Delete(list, i, i+1), 0, first)
		}
	}
	h := &handingIn{Service: s, record: r, frame: frame, nodes: list, outcomes: make(chan acknowledgment, len(list))}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel() // those that are still asked
	done, err := h.run(ctx)
	return done, h.verdict(), err
}

// verdict says what is to become of the record.
func (h *handingIn) verdict() verdict {
	switch {
	case h.attached >= h.config.WriteTo:
		return delivered
	case h.attached > 0 || h.waits != nil || h.failure != nil:
		return triedAgain
	case h.refusals == len(h.Service.nodes.list):
		return refused
	case h.refusals > 0:
		return declined
	}
	return triedAgain
}

func (h *handingIn) run(ctx context.Context) (*api.Submitted, error) {
	for range min(h.config.WriteTo, len(h.nodes)) {
		h.begin(ctx)
	}
	timer := time.NewTimer(hurry)
	defer timer.Stop()
	for ended := 0; ended < h.begun; {
		select {
		case a := <-h.outcomes:
			ended++
			if h.take(a); h.attached >= h.config.WriteTo {
				h.best.Known = h.known == h.attached
				return h.best, nil
			}
			if h.attached+h.begun-ended < h.config.WriteTo {
				h.begin(ctx)
			}
		case <-timer.C:
			h.begin(ctx)
			timer.Reset(hurry)
		case <-ctx.Done():
			return nil, h.missed(context.Cause(ctx))
		}
	}
	return h.short()
}

// begin hands the record to the next node, if there is one.
func (h *handingIn) begin(ctx context.Context) {
	if h.begun == len(h.nodes) {
		return
	}
	n := h.nodes[h.begun]
	h.begun++
	go func() {
		done, err := h.submitTo(ctx, n, h.record, h.frame)
		h.outcomes <- acknowledgment{n, done, err}
	}()
}

// take notes what a node said.
func (h *handingIn) take(a acknowledgment) {
	switch {
	case a.err != nil && isAnswer(a.err):
		h.refusal = a.err
		h.refusals++
	case a.err != nil:
		a.node.failed(a.err)
		h.log.Warn("a node does not take a record", "node", a.node.address, "record", h.record.ID(), "error", a.err)
		h.failure = fmt.Errorf("%s: %w", a.node.address, a.err)
	case a.done.State == api.StateAttached:
		h.attached++
		if a.done.Known {
			h.known++
		}
		h.best = a.done
	default:
		h.waits = a.done
	}
}

// short says why fewer nodes than wanted have attached the record.
func (h *handingIn) short() (*api.Submitted, error) {
	switch {
	case h.attached > 0:
		return nil, h.missed(h.failure)
	case h.waits != nil:
		return h.waits, nil
	case h.refusal != nil:
		return nil, h.refusal
	}
	return nil, errNoNode(h.failure)
}

// missed is the error of a record that too few nodes have attached. It is not lost: a node that has
// it passes it on.
func (h *handingIn) missed(why error) error {
	if why == nil {
		why = errors.New("no further node is in sync")
	}
	return api.Unavailable("record %s is attached on %d of %d nodes: send the request again, nothing is written twice (%v)",
		h.record.ID(), h.attached, h.config.WriteTo, why)
}

// markSuperseded looks whether the owner has written a newer record under the same key.
func (s *Service) markSuperseded(ctx context.Context, r *protocol.Record, done *api.Submitted) {
	if done.State != api.StateAttached || len(r.Selectors) == 0 {
		return
	}
	newest, err := s.newestVersion(ctx, r.Owner, r.Selectors)
	if err != nil {
		s.log.Debug("whether a record is the newest is not known", "record", r.ID(), "error", err)
		return
	}
	done.Superseded = newest != nil && newest.ID() != r.ID() && newest.Timestamp >= r.Timestamp
}

// newestVersion returns an owner's newest record under a composite key, nil where there is none.
func (s *Service) newestVersion(ctx context.Context, owner protocol.Owner, selectors []protocol.Selector) (*protocol.Record, error) {
	q := api.Query{Owners: []protocol.Owner{owner}, Limit: 1, Until: protocol.MaxTimestamp, Frames: true}
	for _, sel := range selectors {
		q.Selectors = append(q.Selectors, api.SelectorRange{Key: &sel.Key, From: api.Uint64(sel.Ordinal), To: api.Uint64(sel.Ordinal)})
	}
	found, err := s.Query(ctx, q)
	switch {
	case err != nil:
		return nil, err
	case len(found.Answers) == 0:
		return nil, nil
	case found.Answers[0].Error != "":
		return nil, api.Damaged(found.Answers[0].Record, found.Answers[0].Unavailable)
	}
	return protocol.DecodeFrame(found.Answers[0].Frame)
}
