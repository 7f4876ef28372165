package main

import (
	"context"
	"time"

	"github.com/spf13/cobra"

	"github.com/lf-store/lf"
	"github.com/lf-store/lf/internal/text"
)

// pulseFlags are the flags of pulse.
type pulseFlags struct {
	owner, batch string
	every        time.Duration
	once, renew  bool
	mask         masking
	threads      int
}

func (c *cli) pulseCommand() *cobra.Command {
	var p pulseFlags
	cmd := &cobra.Command{
		Use:        "pulse NAME[#ORD]...",
		SuggestFor: []string{"heartbeat", "beat", "keepalive", "alive"},
		Short:      "Say again and again that what was set under names is alive",
		Long: `Say that what the owner set under exactly these names is alive, now and once a minute until Ctrl-C. Run it beside the service that the
value leads to. Others ask with lf get --alive 5m, and get what has had a pulse in that time.

A pulse is no record. It costs no work, is passed on to all nodes within a second or so, and is forgotten after a day. It counts
for the owner's claim: a new value goes on to be alive. lf pulse looks for the newest value each time. It goes on through a restart of the
node, and while the value is deleted, until it is set again.

The work of a record pays for its pulses for a time, 2 hours for each unit of effort (38 days for a typical record on the default network).
lf pulse says at the start until when, and warns 3 days, 1 day and 1 hour before. After that nodes take no more pulses of it, and it is
no longer alive for anybody. Set the value again before: lf pulse goes on with the new record. With --renew it does so itself, when a
tenth of the time is left, at most 3 days. Where records need no work there is no end.

A pulse tells more than a value does: that the owner is up, and since when. The first node that passes it on may see where it comes from.

With --batch FILE one process keeps many keys alive. The file has a key on each line, as for lf get --batch. Each key has a beat of its
own: up to a tenth is added to --every at random each time.

--json writes a line of JSON for each pulse: "selectors", "owner", "record", "alive" (true, or false with "error"), "time" and "second" of
the newest pulse, "new" (false: another one of the last minute does as well), and "ends" (until when the record can have pulses).

` + selectorHelp,
		Example: `  lf set svc web#1 10.0.0.1:8080 && lf pulse svc web#1
  lf pulse svc web#1 --renew    # for years
  lf pulse --batch services.txt --owner ops
  while curl -fsS http://localhost:8080/health >/dev/null; do lf pulse svc web#1 --once; sleep 60; done`,
		Args: func(cmd *cobra.Command, args []string) error {
			if p.batch != "" {
				return between(0, 0, "no NAME with --batch")(cmd, args)
			}
			return between(1, -1, "at least one NAME")(cmd, args)
		},
		RunE: func(cmd *cobra.Command, args []string) error { return c.pulse(cmd.Context(), &p, args) },
	}
	f := cmd.Flags()
	f.StringVar(&p.owner, "owner", "", "pulse as this owner: a name or peer ID of lf owner list (default: the default owner)")
	f.StringVar(&p.batch, "batch", "", "keep the keys in this `FILE` (- for standard input) alive, one a line: a name, or several as a list in JSON")
	f.DurationVar(&p.every, "every", lf.DefaultPulse, "how often to pulse: 1m to 12h")
	f.BoolVar(&p.once, "once", false, "pulse once, and end")
	f.BoolVar(&p.renew, "renew", false, "set the value again, with its work, before its record can have no further pulses")
	f.IntVar(&p.threads, "threads", 0, "with --renew: threads for the proof of work (default: all processors)")
	p.mask.addFlags(cmd)
	c.completeOwnerFlag(cmd)
	return cmd
}

func (c *cli) pulse(ctx context.Context, p *pulseFlags, args []string) error {
	keys, err := c.pulsedKeys(p, args)
	if err != nil {
		return err
	}
	options, err := p.options(c)
	if err != nil {
		return err
	}
	client, err := c.connect(ctx, writing)
	if err != nil {
		return err
	}
	defer client.Close()
	r := &pulseReport{cli: c, every: p.every, renews: p.renew, states: map[string]*pulseState{}}
	if p.once {
		return c.pulseOnce(ctx, client, keys, options, r)
	}
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	err = client.KeepAlive(ctx, keys, append(options, lf.OnPulse(func(done lf.Pulsed) {
		if err := r.tell(done); err != nil {
			cancel(err) // nobody reads the output any more
		}
	}))...)
	if r.failed == nil && ctx.Err() != nil {
		return nil // interrupted: that is how it ends
	}
	return err
}

// options are what the flags say of pulses, and of the records that --renew makes.
func (p *pulseFlags) options(c *cli) ([]lf.PulseOption, error) {
	mask, err := p.mask.key()
	switch {
	case err != nil:
		return nil, err
	case p.once && p.renew:
		return nil, usage("--once pulses once: it goes without --renew")
	case p.threads < 0:
		return nil, usage("--threads must be at least 1, not %d", p.threads)
	}
	options := []lf.PulseOption{lf.As(p.owner), lf.Every(p.every), lf.MaskingKey(mask), lf.Threads(p.threads)}
	if p.renew {
		options = append(options, lf.Renew(func(key lf.Key, done *lf.Written, err error) {
			if err != nil {
				c.note("%s; in 10 minutes it is tried again", text.Line(err.Error()))
				return
			}
			c.note("%s was set again, as record %s", key, done.ID)
		}))
	}
	return options, nil
}

func (c *cli) pulsedKeys(p *pulseFlags, args []string) (keys []lf.Key, err error) {
	add := func(expressions []string) error {
		key, err := lf.ParsePoint(expressions...)
		keys = append(keys, key)
		return err
	}
	if p.batch == "" {
		return keys, add(args)
	}
	if err := c.eachInBatch(p.batch, add); err != nil {
		return nil, err
	}
	if len(keys) == 0 {
		return nil, usage("--batch %s has no keys", p.batch)
	}
	return keys, nil
}

// pulseOnce pulses for all keys, and fails where one of them has no pulse then.
func (c *cli) pulseOnce(ctx context.Context, client *lf.Client, keys []lf.Key, options []lf.PulseOption, r *pulseReport) error {
	all, err := client.Pulse(ctx, keys, options...)
	if err != nil {
		return err
	}
	var failed error
	for _, done := range all {
		if done.Err != nil && failed != nil {
			c.note("%s", text.Line(failed.Error()))
		}
		if done.Err != nil {
			failed = done.Err
		}
		if err := r.write(done); err != nil {
			return err
		}
	}
	return failed
}
