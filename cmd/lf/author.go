package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"time"

	"github.com/spf13/cobra"

	"github.com/lf-store/lf/node/api"
	"github.com/lf-store/lf/node/home"
	"github.com/lf-store/lf/protocol"
)

// authoring holds the flags of the commands that make records.
type authoring struct {
	owner   string
	mask    masking
	threads int
	timeout time.Duration
}

func (c *cli) addAuthoring(cmd *cobra.Command, a *authoring) {
	cmd.Flags().StringVar(&a.owner, "owner", "", "sign as this owner: a name or peer ID of lf owner list (default: the default owner)")
	c.completeOwnerFlag(cmd)
	a.addWorking(cmd)
}

// addWorking adds what is about the work alone.
func (a *authoring) addWorking(cmd *cobra.Command) {
	f := cmd.Flags()
	f.IntVar(&a.threads, "threads", 0, "threads for the proof of work (default: all processors)")
	f.DurationVar(&a.timeout, "timeout", 0, "give up after this time, such as 90s or 5m (default: never)")
}

func (a *authoring) check() error {
	switch {
	case a.threads < 0:
		return usage("--threads must be at least 1, not %d", a.threads)
	case a.timeout < 0:
		return usage("--timeout must not be negative")
	}
	return nil
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

// author makes records: it derives names, seals, claims, signs and works on this computer, so that
// the node sees neither names nor keys. It is safe for concurrent use.
type author struct {
	session *session
	key     home.Key
	mask    *protocol.Mask
}

// newAuthor takes the owner's key out of the home and makes the first one.
func (c *cli) newAuthor(s *session, a *authoring) (*author, error) {
	mask, err := a.mask.derive(s.network)
	if err != nil {
		return nil, err
	}
	key, made, err := ownerKey(s.home.Owners(), a.owner)
	if err != nil {
		return nil, err
	}
	if made {
		c.note("made your first owner %q (%s) in %s: keep a copy of it with lf owner export", key.Name, key.Owner, s.home.Dir())
	}
	return &author{session: s, key: key, mask: mask}, nil
}

func ownerKey(ring *home.Keyring, name string) (key home.Key, made bool, err error) {
	if name == "" {
		return ring.Default()
	}
	key, err = ring.Get(name)
	return key, false, err
}

// names derives the names of selectors that have one ordinal each.
func (s *session) points(selectors []protocol.Expression) ([]protocol.NamePoint, error) {
	points := make([]protocol.NamePoint, len(selectors))
	for i, e := range selectors {
		key, err := s.names.Derive(e.Name)
		if err != nil {
			return nil, err
		}
		points[i] = protocol.NamePoint{Name: key, Ordinal: e.From}
	}
	return points, nil
}

// previous returns the owner's newest record under a composite key, nil when there is none.
func (a *author) previous(ctx context.Context, selectors []protocol.Expression) (*protocol.Record, error) {
	q := question{selectors: selectors, owners: []protocol.Owner{a.key.Owner}, until: protocol.MaxTimestamp, limit: 1}
	found, err := a.session.ask(ctx, q)
	switch {
	case err != nil:
		return nil, err
	case len(found.damaged) > 0: // nothing is built on what is not known
		return nil, found.damaged[0]
	case len(found.answers) == 0:
		return nil, nil
	}
	return found.answers[0].winner.record, nil
}

// statement is what a record shall say. Value is nil in tombstones and releases; certificates and
// revocations have no selectors.
type statement struct {
	kind      protocol.Type
	selectors []protocol.Expression
	value     []byte
	after     uint64 // a timestamp that the record must exceed, 0 for none
	note      string // what to tell the user before the work, "" for nothing
	links     int    // how many records to link, 0 for as few as the network allows
}

// unpaid is a finished record but for its work. One that links its owner's certificate may carry
// less.
type unpaid struct {
	record    *protocol.Record
	certified bool
}

func (a *author) compose(ctx context.Context, say statement) (u unpaid, err error) {
	n := a.session.network
	points, err := a.session.points(say.selectors)
	if err != nil {
		return u, err
	}
	links, err := a.session.node().Links(ctx, api.LinksQuery{Count: say.links, Owner: &a.key.Owner})
	if err != nil {
		return u, fmt.Errorf("ask the node what to link to: %w", err)
	}
	if !links.Certified {
		err = a.needsNone(say.kind)
	}
	if err != nil {
		return u, err
	}
	d := protocol.Draft{Type: say.kind, Owner: a.key.Owner, Links: links.Links, Names: points, Value: say.value, Mask: a.mask}
	if d.Timestamp, err = a.timestamp(links.Timestamp, say.after); err != nil {
		return u, err
	}
	if u.record, err = n.Compose(d); err != nil {
		return u, err
	}
	u.certified = links.Certified
	u.record, err = n.Sign(u.record, a.key.Secret)
	return u, err
}

// needsNone says what to do where a network takes records of certified owners only, and this one is
// none.
func (a *author) needsNone(kind protocol.Type) error {
	if !a.session.network.Params().AuthRequired || kind == protocol.TypeCertificate || kind == protocol.TypeRevocation {
		return nil
	}
	return fmt.Errorf("network %q takes records of certified owners only, and %q has no valid certificate: make a request with lf owner csr %s and have the holder of the network's CA authorize it (see lf owner status)",
		a.session.network.Params().Name, a.key.Name, a.key.Name)
}

// pay has the work done that the record still lacks.
func (a *author) pay(u unpaid, solve protocol.WorkSolver) (*protocol.Record, error) {
	if u.certified {
		return a.session.network.PayCertified(u.record, 0, solve)
	}
	return a.session.network.Pay(u.record, 0, solve)
}

// timestamp is now, but not before what the record links to and not at or before what it shall
// follow. Other nodes would not accept a time further ahead than the network's drift.
func (a *author) timestamp(least, after uint64) (uint64, error) {
	now := clock()
	latest := now + a.session.network.Params().ClockDrift
	switch {
	case least > latest: // many clocks agree on that
		return 0, fmt.Errorf("the newest records of the network are dated %s, and it is %s here: check this computer's clock", localTime(least), localTime(now))
	case after >= latest: // a clock was ahead when that was written, and is right now
		return 0, fmt.Errorf("what owner %q has there is dated %s, which is ahead: it was written when a clock was wrong. "+
			"A record that replaces it must be later, so that is possible from %s on; until then another owner can write there (--owner)",
			a.key.Name, localTime(after), localTime(after+1-(latest-now)))
	case after > 0:
		return max(now, least, after+1), nil
	}
	return max(now, least), nil
}

// submit hands a finished record to the node and returns when it is durable there.
func (a *author) submit(ctx context.Context, r *protocol.Record) (*api.Submitted, error) {
	done, err := a.session.node().Submit(ctx, r.EncodeFrame())
	if err != nil {
		return nil, err
	}
	if done.ID != r.ID() {
		return nil, fmt.Errorf("the node acknowledged %s in place of %s: do not trust it", done.ID, r.ID())
	}
	return done, nil
}

// write makes one record, with its work drawn on the terminal, and submits it.
func (a *author) write(ctx context.Context, say statement, threads int) (*api.Submitted, error) {
	u, err := a.compose(ctx, say)
	if err != nil {
		return nil, err
	}
	if say.note != "" {
		a.session.cli.note("%s", say.note)
	}
	report, erase := a.session.cli.workReport()
	r, err := a.pay(u, solver(ctx, threads, report))
	erase()
	if err != nil {
		return nil, err
	}
	return a.submit(ctx, r)
}

// isMissing reports whether an error says that something is merely not there.
func isMissing(err error) bool { return errors.Is(err, fs.ErrNotExist) }
