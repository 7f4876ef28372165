package main

import (
	"bytes"
	"context"
	"errors"
	"os"
	"os/exec"
	"runtime"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/lf-store/lf"
	"github.com/lf-store/lf/internal/text"
)

// childGrace is how long a command has to end after a signal, before it is killed.
const childGrace = 5 * time.Second

// errCommandDone says that the one command of --once has succeeded.
var errCommandDone = errors.New("the command has succeeded")

// watchExec runs the user's command for the states that the flags ask for.
func (c *cli) watchExec(ctx context.Context, client *lf.Client, w *watchFlags, key lf.Key, options []lf.WatchOption) error {
	r := newRunner(func(ctx context.Context, j job) error { return c.runJob(ctx, w.exec, j) }, func(j job, err error, pause time.Duration) {
		c.note("the command for %s failed (%v); it runs again in %s", j.about, err, text.Duration(pause))
	})
	group, ctx := errgroup.WithContext(ctx)
	group.Go(func() error {
		if err := r.work(ctx, w.once); err != nil {
			return err
		}
		return errCommandDone
	})
	group.Go(func() error {
		filter := eventFilter{flags: w}
		for e, err := range client.Watch(ctx, key, options...) {
			if err != nil {
				return err
			}
			if !filter.wants(&e) || e.Kind == lf.EventPresent || e.Kind == lf.EventSync {
				continue
			}
			if err := c.putJob(ctx, client, w, r, &e); err != nil {
				return err
			}
		}
		return nil
	})
	if err := group.Wait(); !errors.Is(err, errCommandDone) {
		return err
	}
	return nil
}

// putJob has the command run for an event, unless it has a value that the command must not get.
func (c *cli) putJob(ctx context.Context, client *lf.Client, w *watchFlags, r *runner, e *lf.Event) error {
	kind, owner, record := string(e.Kind), "", ""
	j := job{key: string(e.Composite[:]), about: e.Key.String()}
	switch a := e.Answer; {
	case e.Damaged != nil:
		c.note("%v; the command is not run for it", e.Damaged)
		return nil //nolint:nilerr // the watch goes on
	case a == nil && e.Kind == lf.EventSettled:
		kind = string(lf.EventGone)
	case a == nil:
	case a.Sealed:
		c.note("%s: %v; the command is not run for it", a.Key, lf.ErrSealed)
		return nil
	default:
		if trusted, err := c.mayRun(ctx, client, w, a); err != nil || !trusted {
			return err
		}
		if a.Deleted {
			kind = string(lf.EventDeleted)
		}
		owner, record, j.value = a.Owner.String(), a.Record.String(), a.Value
	}
	j.env = []string{"LF_KEY=" + j.about, "LF_EVENT=" + kind, "LF_OWNER=" + owner, "LF_RECORD=" + record}
	r.put(j)
	return nil
}

// mayRun reports whether the command may get an answer. If only those of certified owners may, it
// looks for a certificate.
func (c *cli) mayRun(ctx context.Context, client *lf.Client, w *watchFlags, a *lf.Answer) (bool, error) {
	if !w.certified {
		return true, nil
	}
	trust, err := w.trust.options()
	if err != nil {
		return false, err
	}
	_, err = client.Certified(ctx, a, trust...)
	if errors.Is(err, lf.ErrUncertified) {
		c.note("%s: %v; the command is not run for it", a.Key, err)
		return false, nil
	}
	return err == nil, err
}

// runJob runs the command in a shell. It ends when ctx does.
func (c *cli) runJob(ctx context.Context, command string, j job) error {
	cmd := exec.CommandContext(ctx, "/bin/sh", "-c", command)
	if runtime.GOOS == "windows" {
		cmd = exec.CommandContext(ctx, "cmd", "/C", command)
	}
	cmd.Stdin, cmd.Stdout, cmd.Stderr = bytes.NewReader(j.value), c.stdout, c.stderr
	cmd.Env = append(os.Environ(), j.env...)
	cmd.WaitDelay = childGrace
	endChildren := withChildren(cmd)
	err := cmd.Run()
	if ctx.Err() != nil {
		endChildren()
	}
	return err
}
