package lf

import (
	"context"
	"errors"
	"fmt"
	"net/http"

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
	heeds     bool       // it must be dated later than the owner's newest record under its key
	// tombstone is what has deleted already what the draft would delete.
	tombstone *protocol.Record
}

func (a *author) draft(ctx context.Context, say statement) (*draft, error) {
	points, err := a.names.points(ctx, say.key)
	if err != nil {
		return nil, err
	}
	return &draft{statement: say, Draft: protocol.Draft{Type: say.kind, Owner: a.owner, Names: points, Value: say.value, Mask: a.mask}}, nil
}

// successor is a draft that follows the owner's newest record under its key. Where the node's links
// tell when that was made, nothing is asked here. Otherwise a node at the other end of a connection
// is asked at the same time for what to link to.
func (a *author) successor(ctx context.Context, say statement) (*draft, error) {
	d, err := a.draft(ctx, say)
	if err != nil {
		return nil, err
	}
	if d.heeds = a.mustHeed(d); !d.heeds || a.linksTell(d) {
		return d, nil
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

// mustHeed reports whether a draft has to follow what its owner has under its key.
func (a *author) mustHeed(d *draft) bool {
	return len(d.Names) > 0 && (!a.fresh || d.value == nil)
}

// linksTell reports whether the node's links shall tell what a draft follows. A record without a
// value follows a record that was verified, or else it would take back nothing.
func (a *author) linksTell(d *draft) bool {
	return d.heeds && d.value != nil && a.hooks.Newest == nil
}

// followTold has a draft dated later than the node says that the owner's newest record is. A
// moment before the writer's clock needs no proof, since the draft is dated later anyway. To tell
// too early a moment is no worse than to hide the record. Any other moment is read in the record
// itself.
func (a *author) followTold(ctx context.Context, d *draft, links *api.Links) error {
	if links.Newest == nil || *links.Newest >= a.now(links) {
		return a.follow(ctx, d)
	}
	d.after = max(d.after, *links.Newest)
	return nil
}

// follow has a draft dated later than the owner's newest record under its key. A record without a
// value needs a standing one before it, which it reads: one that a release withdrew does not count.
func (a *author) follow(ctx context.Context, d *draft) (err error) {
	if a.hooks.Newest != nil && d.value != nil {
		d.after, err = a.hooks.Newest(ctx, a.owner, pointsOf(d.Names))
		return err
	}
	previous, err := a.previous(ctx, d.key)
	switch {
	case err != nil:
		return err
	case previous == nil && d.value == nil:
		return notFound("owner %q has nothing under %s", ownerText(a.name, a.owner), d.key)
	case previous == nil:
		return nil
	case previous.Deleted && d.value == nil && d.kind == protocol.TypeDatum:
		d.tombstone = previous.record
	}
	d.after = previous.record.Timestamp
	return nil
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
func (a *author) askLinks(ctx context.Context, d *draft) (*api.Links, error) {
	q := api.LinksQuery{Count: d.links, Owner: &a.owner}
	if a.linksTell(d) {
		q.Selectors = pointsOf(d.Names)
	}
	links, err := a.nodeLinks(ctx, q)
	var refused *api.Error
	if len(q.Selectors) > 0 && errors.As(err, &refused) && refused.Status == http.StatusUnprocessableEntity {
		q.Selectors = nil // a node that does not know of them
		links, err = a.nodeLinks(ctx, q)
	}
	if err != nil {
		return nil, fmt.Errorf("ask the node what to link to: %w", err)
	}
	return links, nil
}

func (a *author) nodeLinks(ctx context.Context, q api.LinksQuery) (links *api.Links, err error) {
	err = a.retry(ctx, a.patience, func(node api.Service) (err error) {
		links, err = node.Links(ctx, q)
		return err
	})
	return links, err
}

// unsigned makes a record of a draft, with neither signature nor work.
func (a *author) unsigned(ctx context.Context, d *draft) (*protocol.Record, error) {
	links, err := a.link(ctx, d)
	if err != nil {
		return nil, err
	}
	if a.linksTell(d) {
		if err := a.followTold(ctx, d, links); err != nil {
			return nil, err
		}
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
	now := a.now(links)
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

// now is the writer's clock, or the node's where that counts.
func (a *author) now(links *api.Links) uint64 {
	if a.options.nodeClock {
		return links.Now
	}
	return clock()
}
