package api

import (
	"context"
	"net/http"

	"github.com/lf-store/lf/protocol"
)

// Prepare implements [Service]. What comes is not checked: see [Prepared].
func (c *Client) Prepare(ctx context.Context, r PrepareRequest) (*Prepared, error) {
	if r.Value != nil && len(r.Value) == 0 && r.Text == nil {
		r.Text, r.Value = new(string), nil // an empty value would be left out of the JSON
	}
	var p Prepared
	return ok(&p, c.send(ctx, request{method: http.MethodPost, path: "/v1/prepare", out: &p}, r))
}

// SubmitSigned implements [Service].
func (c *Client) SubmitSigned(ctx context.Context, s SignedRecord) (*Submitted, error) {
	if err := s.Check(); err != nil {
		return nil, err
	}
	var made Submitted
	body := SubmitRequest{Header: s.Header, Value: s.Value, Signature: s.Signature, Turn: s.Turn}
	return ok(&made, c.send(ctx, request{method: http.MethodPost, path: "/v1/records", timeout: workTimeout, out: &made, report: WorkProgressOf(ctx)}, body))
}

// Work implements [Service].
func (c *Client) Work(ctx context.Context, r WorkRequest) (*WorkResult, error) {
	var w WorkResult
	return ok(&w, c.send(ctx, request{method: http.MethodPost, path: "/v1/work", timeout: workTimeout, out: &w, report: WorkProgressOf(ctx)}, r))
}

// SolveBy returns a solver that has a service do the work of a network's records. It does not
// verify the proofs.
func SolveBy(ctx context.Context, s Service, n *protocol.Network) protocol.WorkSolver {
	return func(challenge []byte, effort uint32) (protocol.Work, error) {
		worked, ok := n.WorkedIn(challenge)
		if !ok {
			return protocol.Work{}, Invalid("this is no challenge of a record on network %s", n.ID())
		}
		result, err := s.Work(ctx, WorkRequest{Worked: worked[:], Effort: effort})
		if err != nil {
			return protocol.Work{}, err
		}
		return result.Work()
	}
}
