package lf

import (
	"context"
	"fmt"

	"github.com/lf-store/lf/node/api"
	"github.com/lf-store/lf/protocol"
)

// Written tells what a node made of a record that it took. A record that is attached is on the
// node's disk and answers from now on. One that is pending or held is no promise.
type Written = api.Submitted

// Set sets a value under a key with one ordinal for each name. It returns when the node has the
// record on its disk. Where the network asks for work, that takes its time: see [OnWork]. A nil
// value is the empty one; it deletes nothing.
func (c *Client) Set(ctx context.Context, key Key, value []byte, options ...WriteOption) (*Written, error) {
	if value == nil {
		value = []byte{}
	}
	return c.write(ctx, statement{kind: protocol.TypeDatum, key: key, value: value}, writingOf(options))
}

// Delete sets a tombstone: the owner keeps the claim, and the answer is [ErrDeleted]. Where the
// owner has nothing under the key it is [ErrNotFound]. Where the owner has deleted the value
// already, nothing is written: [OnWritten] is called with that tombstone, which is Known then.
func (c *Client) Delete(ctx context.Context, key Key, options ...WriteOption) error {
	return c.takeBack(ctx, protocol.TypeDatum, key, options)
}

// Release gives the owner's claim up, as if the values had never been set: the answer becomes what
// another owner has set, or nothing. Where the owner has nothing it is [ErrNotFound].
func (c *Client) Release(ctx context.Context, key Key, options ...WriteOption) error {
	return c.takeBack(ctx, protocol.TypeRelease, key, options)
}

// takeBack does not begin with making an owner.
func (c *Client) takeBack(ctx context.Context, kind protocol.Type, key Key, options []WriteOption) error {
	w := writingOf(options)
	if w.secret == nil {
		if err := c.checkHasOwner(); err != nil {
			return err
		}
	}
	_, err := c.write(ctx, statement{kind: kind, key: key}, w)
	return err
}

// checkHasOwner says that nothing was set from a home without owners.
func (c *Client) checkHasOwner() error {
	ring, err := c.Keyring()
	if err != nil {
		return err
	}
	names, err := ring.Names()
	if err == nil && len(names) == 0 {
		err = notFound("no owners yet, so nothing was set from here")
	}
	return err
}

// statement is what a record shall say. Value is nil in tombstones and releases; certificates and
// revocations have no key.
type statement struct {
	kind  protocol.Type
	key   Key
	value []byte
	after uint64 // a timestamp that the record must exceed, 0 for none
	links int    // how many records to link, 0 for as few as the network allows
}

// write makes a datum or a release and submits it.
func (c *Client) write(ctx context.Context, say statement, w *writing) (*Written, error) {
	if err := c.checkStatement(ctx, &say, w); err != nil {
		return nil, err
	}
	a, err := c.author(ctx, w)
	if err != nil {
		return nil, err
	}
	d, err := a.successor(ctx, say)
	switch {
	case err != nil:
		return nil, err
	case d.tombstone != nil:
		return a.submit(ctx, d.tombstone) // the node tells what it knows of it
	}
	return a.publish(ctx, d)
}

// checkStatement says what is wrong with what a caller wants written.
func (c *Client) checkStatement(ctx context.Context, say *statement, w *writing) error {
	if w.err != nil {
		return w.err
	}
	if err := say.key.checkPoint(); err != nil {
		return err
	}
	return c.checkNewest(ctx, say.key, w)
}

// checkNewest makes sure that the answer is the one which the writer knows of.
func (c *Client) checkNewest(ctx context.Context, key Key, w *writing) error {
	if w.ifNewest == nil {
		return nil
	}
	found, err := c.ask(ctx, &query{key: key, until: protocol.MaxTimestamp, limit: 1})
	switch {
	case err != nil:
		return err
	case len(found.Damaged) > 0:
		return found.Damaged[0]
	}
	var now protocol.ID
	if len(found.Answers) > 0 {
		now = found.Answers[0].Record
	}
	if now == *w.ifNewest {
		return nil
	}
	return &ChangedError{Key: key, Want: *w.ifNewest, Got: now}
}

// ChangedError says that a key has another answer than [IfNewest] names. It is an [ErrChanged].
type ChangedError struct {
	Key Key
	// Want is what the writer knew of, Got what the answer is; the zero ID stands for nothing.
	Want, Got protocol.ID
}

func (e *ChangedError) Error() string {
	if e.Got == (protocol.ID{}) {
		return fmt.Sprintf("%s has no answer, and not %s: nothing was set", e.Key, e.Want)
	}
	return fmt.Sprintf("the answer under %s is record %s by now: nothing was set", e.Key, e.Got)
}

// Is makes it an [ErrChanged].
func (e *ChangedError) Is(target error) bool { return target == ErrChanged }
