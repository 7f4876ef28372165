package lf

import (
	"context"
	"fmt"
	"time"

	"github.com/lf-store/lf/internal/embedder"
	"github.com/lf-store/lf/node/api"
	"github.com/lf-store/lf/pow"
	"github.com/lf-store/lf/protocol"
)

// turnHook is how an author waits for a turn: in the program's own queue, or in that of an API
// which pays. It is nil where there is neither.
func (c *Client) turnHook(ctx context.Context, w *writing) func(context.Context, uint32) (embedder.Turn, error) {
	switch {
	case c.hooks.Turn != nil:
		return c.hooks.Turn
	case c.apiPays(ctx):
		return func(ctx context.Context, effort uint32) (embedder.Turn, error) { return c.remoteTurn(ctx, effort, w) }
	}
	return nil
}

// apiPays reports whether the API wants to do the work. It is asked once for each address, and only
// on a network that asks for work.
func (c *Client) apiPays(ctx context.Context) bool {
	address := c.Address()
	if address == "" || c.options.workHere || c.options.workAtNode || c.options.solve != nil || c.network.Params().WorkPerKiB == 0 {
		return false
	}
	c.payer.mu.Lock()
	defer c.payer.mu.Unlock()
	if c.payer.address != address {
		status, err := c.Node().Status(ctx)
		if err != nil {
			return false // what follows will say what is wrong
		}
		c.payer.address, c.payer.pays = address, status.Pays
	}
	return c.payer.pays
}

// remoteTurn waits for a turn at an API that pays. The record is composed after that.
func (c *Client) remoteTurn(ctx context.Context, effort uint32, w *writing) (embedder.Turn, error) {
	t := &remoteTurn{client: c, report: reportRemote(w.work, effort)}
	result, err := t.ask(ctx, api.WorkRequest{Effort: effort})
	if err != nil {
		return nil, err
	}
	t.id = result.Turn
	return t, nil
}

// remoteTurn is a turn at an API that pays. It needs not be left: the API keeps it for seconds.
type remoteTurn struct {
	client *Client
	id     string
	report func(api.WorkProgress)
}

func (t *remoteTurn) ask(ctx context.Context, r api.WorkRequest) (result *api.WorkResult, err error) {
	if t.report != nil {
		ctx = api.WithWorkProgress(ctx, t.report)
	}
	err = t.client.retry(ctx, 0, func(node api.Service) (err error) {
		result, err = node.Work(ctx, r)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("have the API work: %w", err)
	}
	return result, nil
}

// Solve implements [embedder.Turn].
func (t *remoteTurn) Solve(ctx context.Context, challenge []byte, effort uint32) (work protocol.Work, err error) {
	worked, ok := t.client.network.WorkedIn(challenge)
	if !ok {
		return work, wrongInput("this is no challenge of a record on network %s", t.client.network.ID())
	}
	result, err := t.ask(ctx, api.WorkRequest{Worked: worked[:], Effort: effort, Turn: t.id})
	if err != nil {
		return work, err
	}
	if work, err = result.Work(); err == nil {
		err = t.client.checkWork(challenge, effort, work)
	}
	return work, err
}

// Leave implements [embedder.Turn].
func (t *remoteTurn) Leave() {}

// checkWork verifies what an API did for a record.
func (c *Client) checkWork(challenge []byte, effort uint32, work protocol.Work) error {
	if work.Effort != effort {
		return &ForgedError{Node: c.Address(), What: fmt.Errorf("a proof of work of effort %d in place of %d", work.Effort, effort)}
	}
	if err := pow.Verify(challenge, effort, pow.Proof{Nonce: work.Nonce, Solution: work.Solution}); err != nil {
		return &ForgedError{Node: c.Address(), What: err}
	}
	return nil
}

// reportRemote tells a program how far work is that is done elsewhere; nil where it does not want
// to know.
func reportRemote(report func(Work), effort uint32) func(api.WorkProgress) {
	if report == nil {
		return nil
	}
	start := time.Now()
	return func(p api.WorkProgress) {
		report(Work{
			Effort: effort, Attempts: p.Attempts, Elapsed: time.Since(start),
			Remote: true, Ahead: p.Ahead, Wait: time.Duration(p.WaitMS) * time.Millisecond,
		})
	}
}
