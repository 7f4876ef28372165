package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"github.com/lf-store/lf"
	"github.com/lf-store/lf/internal/text"
	"github.com/lf-store/lf/protocol"
)

// authoring holds the flags of the commands that make records.
type authoring struct {
	owner   string
	mask    masking
	threads int
	timeout time.Duration
	work    string // where to work; "" lets the API say
}

// The values of --work.
const (
	workHere  = "here"
	workAtAPI = "api"
)

func (c *cli) addAuthoring(cmd *cobra.Command, a *authoring) {
	cmd.Flags().StringVar(&a.owner, "owner", "", "sign as this owner: a name or peer ID of lf owner list (default: the default owner)")
	c.completeOwnerFlag(cmd)
	a.addWorking(cmd)
}

// addWorking adds what is about the work alone.
func (a *authoring) addWorking(cmd *cobra.Command) {
	f := cmd.Flags()
	f.IntVar(&a.threads, "threads", 0, "threads for the proof of work (default: all processors)")
	f.StringVar(&a.work, "work", "", "do the proof of work here, or at the api (default: here, unless the API pays, as a proxy does)")
	f.DurationVar(&a.timeout, "timeout", 0, "give up after this time, such as 90s or 5m (default: never)")
}

func (a *authoring) check() error {
	switch {
	case a.threads < 0:
		return usage("--threads must be at least 1, not %d", a.threads)
	case a.timeout < 0:
		return usage("--timeout must not be negative")
	case a.work != "" && a.work != workHere && a.work != workAtAPI:
		return usage("--work is %s or %s, not %q", workHere, workAtAPI, text.Clip(a.work))
	}
	return nil
}

// connectAuthor opens a client to write with.
func (c *cli) connectAuthor(ctx context.Context, a *authoring) (*lf.Client, error) {
	switch a.work {
	case workHere:
		return c.connect(ctx, writing, lf.WorkHere())
	case workAtAPI:
		return c.connect(ctx, writing, lf.WorkAtNode())
	}
	return c.connect(ctx, writing)
}

// within runs a command's work under --timeout.
func (a *authoring) within(ctx context.Context, do func(context.Context) error) error {
	if a.timeout == 0 {
		return do(ctx)
	}
	ctx, cancel := context.WithTimeoutCause(ctx, a.timeout, fmt.Errorf("gave up after %s (--timeout)", a.timeout))
	defer cancel()
	err := do(ctx)
	if err != nil && errors.Is(ctx.Err(), context.DeadlineExceeded) {
		return context.Cause(ctx)
	}
	return err
}

// options are what the flags say of a record.
func (a *authoring) options(c *cli, client *lf.Client) (lf.BulkOption, error) {
	mask, err := a.mask.key()
	if err != nil {
		return nil, err
	}
	options := []lf.BulkOption{lf.As(a.owner), lf.Threads(a.threads), lf.MaskingKey(mask)}
	if h := client.Home(); h != nil {
		options = append(options, lf.OnNewOwner(c.keepCopy(h.Dir())), lf.OnNotNoted(func(err error) { c.note("%v", err) }))
	}
	return lf.Join(options...), nil
}

// publish opens a client and has do make one record with it, with the work drawn on the terminal.
// It prints the record's CID. The note, if any, tells the user what is done before the work.
func (c *cli) publish(ctx context.Context, a *authoring, note string, do func(context.Context, *lf.Client, lf.BulkOption) error) error {
	return a.within(ctx, func(ctx context.Context) error {
		client, err := c.connectAuthor(ctx, a)
		if err != nil {
			return err
		}
		defer client.Close()
		options, err := a.options(c, client)
		if err != nil {
			return err
		}
		report, erase := c.workReport()
		var done *lf.Written
		composed := false
		err = do(ctx, client, lf.Join(options, lf.OnWork(report),
			lf.OnComposed(func(*protocol.Record) {
				composed = true
				if note != "" {
					erase() // the wait for a turn has been drawn
					c.note("%s", note)
				}
			}),
			lf.OnWritten(func(_ *protocol.Record, w *lf.Written) { done = w })))
		erase()
		if err != nil {
			return err
		}
		return c.printSubmitted(done, composed)
	})
}
