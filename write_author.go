package lf

import (
	"context"
	"crypto/ed25519"
	"fmt"

	"github.com/lf-store/lf/internal/embedder"
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
	secret ed25519.PrivateKey // nil for one who cannot sign
	mask   *protocol.Mask
	// turn waits until a record may be composed; nil: it may be at once.
	turn func(ctx context.Context, effort uint32) (embedder.Turn, error)
}

// author takes the owner's key out of the home, and makes the first one.
func (c *Client) author(ctx context.Context, w *writing) (*author, error) {
	if err := c.check(); err != nil {
		return nil, err
	}
	if err := c.mayWrite(); err != nil {
		return nil, err
	}
	name, secret := "", w.secret
	if secret == nil {
		key, err := c.ownerKey(w)
		if err != nil {
			return nil, err
		}
		name, secret = key.Name, key.Secret
	}
	a, err := c.authorFor(ctx, protocol.OwnerOf(secret), w)
	if err != nil {
		return nil, err
	}
	a.name, a.secret = name, secret
	return a, nil
}

// authorFor returns an author who cannot sign.
func (c *Client) authorFor(ctx context.Context, owner protocol.Owner, w *writing) (*author, error) {
	mask, err := c.names.mask(ctx, w.maskingKey)
	if err != nil {
		return nil, err
	}
	return &author{Client: c, writing: w, owner: owner, mask: mask, turn: c.turnHook(ctx, w)}, nil
}

// ownerKey returns the key that signs.
func (c *Client) ownerKey(w *writing) (home.Key, error) {
	if c.signing == nil {
		return home.Key{}, ErrNoHome
	}
	key, made, err := c.signing.Get(w.owner)
	if err != nil {
		return key, &OwnerError{err}
	}
	if made && w.newOwner != nil {
		w.newOwner(key)
	}
	return key, nil
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
	if a.secret != nil {
		a.checked.remember(frame, r)
	}
	if a.hooks.Newest == nil {
		a.last.acknowledged(r, done)
	}
	if a.written != nil {
		a.written(r, done)
	}
	return done, nil
}

// publish makes one record and submits it.
func (a *author) publish(ctx context.Context, d *draft) (*Written, error) {
	u, err := a.compose(ctx, d)
	if err != nil {
		return nil, err
	}
	defer u.leave()
	if a.composed != nil {
		a.composed(u.record)
	}
	r, err := a.pay(ctx, u)
	if err != nil {
		return nil, err
	}
	a.noteName(d.key)
	return a.submit(ctx, r)
}
