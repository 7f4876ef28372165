package main

import (
	"context"
	"slices"
	"time"

	"github.com/spf13/cobra"

	"github.com/lf-store/lf"
	"github.com/lf-store/lf/node/api"
	"github.com/lf-store/lf/protocol"
)

// watchFlags are the flags of watch.
type watchFlags struct {
	exec                       string
	once, open, contested, any bool
	settled, alive             time.Duration
	owners                     []string
	after                      string
	mask                       masking
	wait                       patience
	trust                      trusting

	certified bool // --exec runs for values of certified owners only
}

func (c *cli) watchCommand() *cobra.Command {
	var w watchFlags
	cmd := &cobra.Command{
		Use:        "watch NAME[#ORD|#FROM#TO|#FROM..|#]...",
		SuggestFor: []string{"follow", "tail", "subscribe"},
		Short:      "Show what answers under names, and every change of it",
		Long: `Show what answers under the names given, and then every change, until Ctrl-C. The names are as in lf get. What is watched is the answer
under a policy, as lf get with the same flags would give it, and not the traffic: a record that comes and loses changes nothing.

A watch goes on by itself through a restart of the node, and at another node in its place. No state is shown twice, and the last one is
never missed. States in between may be left out.

A line has the time, the event, the names, the owner and the value. The events are:

  answer     another record answers
  deleted    a tombstone answers
  gone       nothing answers any more: the owner released the key, or a revocation hides the record
  settled    the answer has not changed for a time, 30 s unless --settled says otherwise, while the node was in sync
  contested  with --contested: another owner's claim came and lost
  alive      with --alive AGE: the claim that answers has a pulse that young (see lf pulse)
  lapsed     with --alive: it has none any more

--settled shows an answer only when it is settled: with it, settled takes the place of answer, deleted and gone. --once ends after the first event that differs from
what answers at the start, which is not shown then. --once --after CURSOR ends after the first change since that event; if
something has changed already, it shows all that answers now. So a script that takes the last cursor each time misses nothing.

--exec runs CMD in a shell for what answers at the start, and after every change. It gets the value on standard input, and in its
environment:

  LF_KEY     the names with their ordinals
  LF_EVENT   answer, deleted, gone, settled, alive or lapsed. Without a value standard input is empty
  LF_OWNER   the owner's peer ID, and LF_RECORD the record's CID; both are empty with gone

One CMD runs at a time. What changes meanwhile is skipped but for the newest state of each key. If CMD fails, it is run again after a
pause, which grows from 250 ms to a minute, unless there is a newer state. With --once, lf ends after the first CMD that succeeds.
A value that is sealed or damaged is not given to CMD.

Anybody can set a value under names that they know. So --exec asks for one of: --owner; --settled, which
gives others time to object; a --policy with certified, and then CMD gets values of certified owners only; or --any, which says
that it may get a stranger's.

--json writes a line of JSON for each event, with "event", "cursor" and, as in lf get --json, the answer. "before" is the record that answered before, "decided" the
criterion that told the answer from the next claim, "unsettled" that it takes the place of a settled one, "lead" the settled
claim's lead in weight. {"event":"present"} ends the answers of the start, and "sync" tells whether the node is in sync. --after goes on after the event with that cursor.

` + policyHelp() + `

Exit codes: 0 with --once, after the event; 1 failed, or ended by a signal.`,
		Example: `  lf watch svc web#                 # every ordinal of "web", together with "svc"
  lf watch motd --json
  lf watch motd --once && echo it changed
  lf watch svc web --owner ops --exec 'cat > /etc/upstream && systemctl reload nginx'
  lf watch svc web --policy certified,weight --exec ./deploy
  lf watch motd --settled=1m --exec 'wall'`,
		Args: between(1, -1, "at least one NAME"),
		RunE: func(cmd *cobra.Command, args []string) error { return c.watch(cmd, &w, args) },
	}
	w.addFlags(c, cmd)
	return cmd
}

func (w *watchFlags) addFlags(c *cli, cmd *cobra.Command) {
	f := cmd.Flags()
	f.StringVar(&w.exec, "exec", "", "run `CMD` in a shell for each state, with the value on standard input")
	f.BoolVar(&w.once, "once", false, "end after the first event that differs from what answers at the start")
	f.BoolVar(&w.open, "open", false, "also what is filed under further names")
	f.BoolVar(&w.contested, "contested", false, "also tell of other owners' claims that came and lost")
	f.BoolVar(&w.any, "any", false, "with --exec: CMD may get anybody's value")
	f.DurationVar(&w.settled, "settled", 0, "only answers that have not changed for this `TIME` while the node was in sync")
	f.Lookup("settled").NoOptDefVal = api.DefaultSettled.String()
	f.DurationVar(&w.alive, "alive", 0, "also tell when the claim that answers has a pulse at most this `AGE` old, and when it has none any more")
	f.StringArrayVar(&w.owners, "owner", nil, "only what this owner set: a peer ID, or a name of lf owner list (repeatable)")
	f.StringVar(&w.after, "after", "", "go on after the event with this `CURSOR`, of --json")
	w.wait.addFlag(cmd, "synced", "wait first until the node is in sync, at most this `TIMEOUT`")
	w.mask.addFlags(cmd)
	c.addTrusting(cmd, &w.trust)
	c.completeOwnerFlag(cmd)
}

// check says which flags make no sense together.
func (w *watchFlags) check(c *cli, cmd *cobra.Command) error {
	switch changed := cmd.Flags().Changed; {
	case changed("exec") && w.exec == "":
		return usage("--exec wants a command")
	case changed("settled") && (w.settled < time.Millisecond || w.settled > api.MaxSettled):
		return usage("--settled must be 1ms to %s, not %s", api.MaxSettled, w.settled)
	case w.any && w.exec == "":
		return usage("--any says what --exec may run: it goes with --exec alone")
	case w.exec != "" && w.contested:
		return usage("--exec runs for what answers: leave out --contested")
	case w.exec != "" && c.json:
		return usage("--exec runs a command in place of writing events: leave out --json")
	}
	if err := w.wait.check(cmd); err != nil {
		return err
	}
	policy, err := parsePolicy(w.trust.policy)
	if err != nil {
		return err
	}
	w.certified = w.settled == 0 && !w.any && len(w.owners) == 0
	if w.exec != "" && w.certified && !slices.Contains(policy, protocol.CriterionCertified) {
		return usage("anybody may have set the value that --exec gives to CMD: say whose with --owner, give a --policy with certified, " +
			"wait until it is settled with --settled, or say --any")
	}
	return nil
}

func (w *watchFlags) options(c *cli) ([]lf.WatchOption, error) {
	options := []lf.WatchOption{lf.By(w.owners...), lf.OnAway(c.awayNote)}
	if w.open {
		options = append(options, lf.Further())
	}
	if w.contested {
		options = append(options, lf.Contested())
	}
	if w.settled > 0 {
		options = append(options, lf.SettledAfter(w.settled))
	}
	if w.alive != 0 {
		options = append(options, lf.Alive(w.alive))
	}
	if w.after != "" {
		options = append(options, lf.After(w.after))
	}
	if w.wait.timeout > 0 {
		options = append(options, lf.Synced(w.wait.timeout))
	}
	mask, err := w.mask.key()
	if err != nil {
		return nil, err
	}
	options = append(options, lf.MaskingKey(mask))
	trust, err := w.trust.options()
	for _, option := range trust {
		options = append(options, option)
	}
	return options, err
}

// awayNote tells once that the node is away.
func (c *cli) awayNote(err error) {
	c.note("%s; watching goes on when it is back", explain(context.Background(), err))
}

func (c *cli) watch(cmd *cobra.Command, w *watchFlags, args []string) error {
	key, err := lf.ParseKey(args...)
	if err != nil {
		return err
	}
	if err := w.check(c, cmd); err != nil {
		return err
	}
	options, err := w.options(c)
	if err != nil {
		return err
	}
	client, err := c.connectSoon(cmd.Context())
	if err != nil {
		return err
	}
	defer client.Close()
	if w.exec != "" {
		return c.watchExec(cmd.Context(), client, w, key, options)
	}
	filter := eventFilter{flags: w}
	for e, err := range client.Watch(cmd.Context(), key, options...) {
		if err != nil {
			return err
		}
		wanted := filter.wants(&e)
		if wanted {
			if err := c.showEvent(&e); err != nil {
				return err
			}
		}
		if filter.ends(wanted) {
			return nil
		}
	}
	return nil
}
