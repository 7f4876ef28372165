package lf

import (
	"context"
	"fmt"

	"golang.org/x/sync/errgroup"

	"github.com/lf-store/lf/node/api"
	"github.com/lf-store/lf/protocol"
)

// draft is a statement whose names are derived, on its way to become a record.
type draft struct {
	statement
	protocol.Draft
	certified bool       // it links its owner's certificate, and so may carry less work
	early     *api.Links // what the node said ahead, nil for nothing
}

func (a *author) draft(ctx context.Context, say statement) (*draft, error) {
	points, err := a.names.points(ctx, say.key)
	if err != nil {
		return nil, err
	}
	return &draft{statement: say, Draft: protocol.Draft{Type: say.kind, Owner: a.owner, Names: points, Value: say.value, Mask: a.mask}}, nil
}

// successor is a draft that follows the owner's newest record under its key. Over a connection the
// node is asked at the same time for what to link to.
func (a *author) successor(ctx context.Context, say statement) (*draft, error) {
	d, err := a.draft(ctx, say)
	if err != nil {
		return nil, err
	}
	if a.Address() == "" || a.hooks.Turn != nil {
		return d, a.follow(ctx, d)
	}
	group, inner := errgroup.WithContext(ctx)
	group.Go(func() error { return a.follow(inner, d) })
	group.Go(func() (err error) {
		d.early, err = a.askLinks(inner, d)
		return err
	})
	return d, group.Wait()
}

// follow has a draft dated later than the owner's newest record under its key. A record without a
// value needs one before it.
func (a *author) follow(ctx context.Context, d *draft) error {
	if len(d.Names) == 0 || (a.fresh && d.value != nil) {
		return nil
	}
	newest, err := a.newest(ctx, d)
	switch {
	case err != nil:
		return err
	case newest == 0 && d.value == nil:
		return notFound("owner %q has nothing under %s", ownerText(a.name, a.owner), d.key)
	}
	d.after = newest
	return nil
}

// newest returns the timestamp of the owner's newest record under a key, 0 where there is none.
func (a *author) newest(ctx context.Context, d *draft) (uint64, error) {
	if a.hooks.Newest != nil {
		return a.hooks.Newest(ctx, a.owner, pointsOf(d.Names))
	}
	previous, err := a.previous(ctx, d.key)
	if err != nil || previous == nil {
		return 0, err
	}
	return previous.record.Timestamp, nil
}

// previous returns the owner's newest record under a composite key, nil when there is none.
func (a *author) previous(ctx context.Context, key Key) (*Answer, error) {
	found, err := a.ask(ctx, &query{key: key, owners: []string{a.owner.String()}, until: protocol.MaxTimestamp, limit: 1, maskingKey: a.maskingKey})
	switch {
	case err != nil:
		return nil, err
	case len(found.Damaged) > 0: // nothing is built on what is not known
		return nil, found.Damaged[0]
	case len(found.Answers) == 0:
		return nil, nil
	}
	return found.Answers[0], nil
}

// link has a draft link what the node says, now or ahead.
func (a *author) link(ctx context.Context, d *draft) (links *api.Links, err error) {
	if links, d.early = d.early, nil; links == nil {
		if links, err = a.askLinks(ctx, d); err != nil {
			return nil, err
		}
	}
	d.Links, d.certified = links.Links, links.Certified
	return links, a.checkCertified(d.kind, links)
}

// askLinks asks the node what a draft shall link to.
func (a *author) askLinks(ctx context.Context, d *draft) (links *api.Links, err error) {
	err = a.retry(ctx, a.patience, func(node api.Service) (err error) {
		links, err = node.Links(ctx, api.LinksQuery{Count: d.links, Owner: &a.owner})
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("ask the node what to link to: %w", err)
	}
	return links, nil
}

// unsigned makes a record of a draft, with neither signature nor work.
func (a *author) unsigned(ctx context.Context, d *draft) (*protocol.Record, error) {
	links, err := a.link(ctx, d)
	if err != nil {
		return nil, err
	}
	if d.Timestamp, err = a.timestamp(&d.Draft, links, d.after); err != nil {
		return nil, err
	}
	r, err := a.network.Compose(d.Draft)
	if err != nil {
		return nil, &DraftError{err}
	}
	return r, nil
}

// checkCertified says what to do where a network takes records of certified owners only, and this
// one is none.
func (a *author) checkCertified(kind protocol.Type, links *api.Links) error {
	if links.Certified || !a.network.Params().AuthRequired || kind == protocol.TypeCertificate || kind == protocol.TypeRevocation {
		return nil
	}
	return &UncertifiedError{Network: a.network.Params().Name, Owner: a.owner, Name: a.name}
}

// timestamp is now, but not before what the record links to and not at or before what it shall
// follow. Other nodes would not accept a time further ahead than the network's drift.
func (a *author) timestamp(d *protocol.Draft, links *api.Links, after uint64) (uint64, error) {
	now := clock()
	if a.options.nodeClock {
		now = links.Now
	}
	latest := now + a.network.Params().ClockDrift
	switch {
	case links.Timestamp > latest: // many clocks agree on that
		return 0, &ClockError{Newest: links.Timestamp, Now: now}
	case after >= latest: // a clock was ahead when that was written, and is right now
		return 0, &AheadError{Owner: a.owner, Name: a.name, Dated: after, From: after + 1 - (latest - now)}
	}
	t := max(now, links.Timestamp)
	if after > 0 {
		t = max(t, after+1)
	}
	if len(d.Names) > 0 {
		t = a.last.next(compositeOf(d.Names), d.Owner, t, now)
	}
	if t > latest {
		return 0, &ClockError{Newest: t, Now: now}
	}
	return t, nil
}
