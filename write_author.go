package lf

import (
	"context"
	"crypto/ed25519"
	"fmt"

	"github.com/lf-store/lf/node/api"
	"github.com/lf-store/lf/node/home"
	"github.com/lf-store/lf/protocol"
)

// author makes records of one owner. It derives names, seals, claims, signs and works on this
// computer: the node sees neither names nor keys. It is safe for concurrent use.
type author struct {
	*Client
	*writing
	name   string // in the home, "" for none
	owner  protocol.Owner
	secret ed25519.PrivateKey
	mask   *protocol.Mask
}

// author takes the owner's key out of the home, and makes the first one.
func (c *Client) author(ctx context.Context, w *writing) (*author, error) {
	if err := c.check(); err != nil {
		return nil, err
	}
	if err := c.mayWrite(); err != nil {
		return nil, err
	}
	a := &author{Client: c, writing: w, secret: w.secret}
	if a.secret == nil {
		key, err := c.ownerKey(w)
		if err != nil {
			return nil, err
		}
		a.name, a.secret = key.Name, key.Secret
	}
	a.owner = protocol.OwnerOf(a.secret)
	var err error
	a.mask, err = c.names.mask(ctx, w.maskingKey)
	return a, err
}

func (c *Client) ownerKey(w *writing) (home.Key, error) {
	ring, err := c.Keyring()
	if err != nil {
		return home.Key{}, err
	}
	if w.owner != "" {
		return ring.Get(w.owner)
	}
	key, made, err := ring.Default()
	if err == nil && made && w.newOwner != nil {
		w.newOwner(key)
	}
	return key, err
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

// unpaid is a finished record but for its work. One that links its owner's certificate may carry
// less.
type unpaid struct {
	record    *protocol.Record
	certified bool
}

func (a *author) compose(ctx context.Context, say statement) (u unpaid, err error) {
	points, err := a.names.points(ctx, say.key)
	if err != nil {
		return u, err
	}
	var links *api.Links
	err = a.retry(ctx, a.patience, func(node api.Service) (err error) {
		links, err = node.Links(ctx, api.LinksQuery{Count: say.links, Owner: &a.owner})
		return err
	})
	if err != nil {
		return u, fmt.Errorf("ask the node what to link to: %w", err)
	}
	if err := a.checkCertified(say.kind, links); err != nil {
		return u, err
	}
	d := protocol.Draft{Type: say.kind, Owner: a.owner, Links: links.Links, Names: points, Value: say.value, Mask: a.mask}
	if d.Timestamp, err = a.timestamp(&d, links, say.after); err != nil {
		return u, err
	}
	if u.record, err = a.network.Compose(d); err != nil {
		return u, err
	}
	u.certified = links.Certified
	u.record, err = a.network.Sign(u.record, a.secret)
	return u, err
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

// pay has the work done that the record still lacks.
func (a *author) pay(ctx context.Context, u unpaid) (*protocol.Record, error) {
	pay := a.network.Pay
	if u.certified {
		pay = a.network.PayCertified
	}
	return pay(u.record, 0, func(challenge []byte, effort uint32) (protocol.Work, error) {
		return a.solve(ctx, challenge, effort)
	})
}

// submit hands a finished record to the node and returns when it is durable there. The same record
// goes again should the acknowledgment get lost: the node then says that it knows it.
func (a *author) submit(ctx context.Context, r *protocol.Record) (*Written, error) {
	var done *Written
	frame := r.EncodeFrame()
	err := a.retry(ctx, a.patience, func(node api.Service) (err error) {
		done, err = node.Submit(ctx, frame)
		return err
	})
	if err != nil {
		return nil, err
	}
	if done.ID != r.ID() {
		return nil, &ForgedError{Node: a.Address(), What: fmt.Errorf("it acknowledged %s in place of %s", done.ID, r.ID())}
	}
	a.last.acknowledged(r, done)
	if a.written != nil {
		a.written(r, done)
	}
	return done, nil
}

// publish makes one record and submits it.
func (a *author) publish(ctx context.Context, say statement) (*Written, error) {
	u, err := a.compose(ctx, say)
	if err != nil {
		return nil, err
	}
	if a.composed != nil {
		a.composed(u.record)
	}
	r, err := a.pay(ctx, u)
	if err != nil {
		return nil, err
	}
	a.noteName(say.key)
	return a.submit(ctx, r)
}
