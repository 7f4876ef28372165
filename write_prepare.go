package lf

import (
	"context"
	"fmt"

	"github.com/lf-store/lf/protocol"
)

// Unsigned is a record that its owner has still to sign, with a key that this program does not
// have.
type Unsigned struct {
	Record *protocol.Record
	// Sign is what to sign with Ed25519.
	Sign []byte
	// Effort is the work that the network asks for.
	Effort uint32

	key       Key
	certified bool
}

// PrepareSet composes the record that [Client.Set] would make, for an owner whose key is elsewhere,
// such as in hardware. [Client.SubmitSigned] does the rest. It must come within the network's clock
// drift (2 minutes by default), or the record is late. The options [As] and [AsKey] do nothing
// here.
func (c *Client) PrepareSet(ctx context.Context, owner protocol.Owner, key Key, value []byte, options ...WriteOption) (*Unsigned, error) {
	if value == nil {
		value = []byte{}
	}
	return c.prepareRecord(ctx, owner, statement{kind: protocol.TypeDatum, key: key, value: value}, options)
}

// PrepareDelete is [Client.PrepareSet] for [Client.Delete]. Where the owner has deleted the value
// already, there is nothing to sign, and the error is an [ErrDeleted].
func (c *Client) PrepareDelete(ctx context.Context, owner protocol.Owner, key Key, options ...WriteOption) (*Unsigned, error) {
	return c.prepareRecord(ctx, owner, statement{kind: protocol.TypeDatum, key: key}, options)
}

// PrepareRelease is [Client.PrepareSet] for [Client.Release].
func (c *Client) PrepareRelease(ctx context.Context, owner protocol.Owner, key Key, options ...WriteOption) (*Unsigned, error) {
	return c.prepareRecord(ctx, owner, statement{kind: protocol.TypeRelease, key: key}, options)
}

func (c *Client) prepareRecord(ctx context.Context, owner protocol.Owner, say statement, options []WriteOption) (*Unsigned, error) {
	if err := c.check(); err != nil {
		return nil, err
	}
	w := writingOf(options)
	if err := c.checkStatement(ctx, &say, w); err != nil {
		return nil, err
	}
	a, err := c.authorFor(ctx, owner, w)
	if err != nil {
		return nil, err
	}
	d, err := a.successor(ctx, say)
	switch {
	case err != nil:
		return nil, err
	case d.tombstone != nil:
		return nil, fmt.Errorf("%s is %w already, with record %s: there is nothing to sign", say.key, ErrDeleted, d.tombstone.ID())
	}
	r, err := a.unsigned(ctx, d)
	if err != nil {
		return nil, err
	}
	u := unpaid{record: r, certified: d.certified}
	return &Unsigned{Record: r, Sign: c.network.SignedMessage(r), Effort: a.effort(&u), key: say.key, certified: d.certified}, nil
}

// SubmitSigned takes the owner's signature of a prepared record, has the work done and submits the
// record, as [Client.Set] does. The options are those about the work and the node.
func (c *Client) SubmitSigned(ctx context.Context, prepared *Unsigned, signature []byte, options ...WriteOption) (*Written, error) {
	signed, err := c.network.WithSignature(prepared.Record, signature)
	if err != nil {
		return nil, err
	}
	if err := c.mayWrite(); err != nil {
		return nil, err
	}
	a, err := c.authorFor(ctx, signed.Owner, writingOf(options))
	if err != nil {
		return nil, err
	}
	u := unpaid{record: signed, certified: prepared.certified}
	if effort := a.effort(&u); effort > 0 && a.turn != nil {
		if u.turn, err = a.turn(ctx, effort); err != nil {
			return nil, err
		}
		defer u.leave()
	}
	r, err := a.pay(ctx, u)
	if err != nil {
		return nil, err
	}
	a.noteName(prepared.key)
	return a.submit(ctx, r)
}
