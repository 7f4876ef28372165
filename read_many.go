package lf

import (
	"context"
	"errors"
	"iter"
	"net/http"

	"github.com/lf-store/lf/node/api"
)

const (
	// manyKeys is how many keys a node is asked for at once, manySelectors how many selectors they
	// may have in all. With further claims and versions an answer is up to a hundred times as long:
	// then it is manyExplained keys.
	manyKeys, manySelectors, manyExplained = api.MaxLimit, api.MaxKeySelectors, 32
)

// Lookup is what came of one key of [Client.GetMany].
type Lookup struct {
	Key Key
	// Answer is what [Client.Get] returns: nil with [ErrNotFound] and [ErrDamaged].
	Answer *Answer
	// Err is nil, [ErrNotFound], [ErrDeleted], [ErrSealed], [ErrLapsed] or [ErrDamaged].
	Err error
}

// GetMany gets many keys, up to 1,000 with one question to the node. It yields one [Lookup] for
// each key, in their order, and asks for more as the loop goes on. Each key has one ordinal for
// each name; the same key may stand there twice. The options are those of [Client.Get], and hold
// for all keys. Answers are checked as strictly as those of Get. After an error that is not about
// one key the loop ends.
func (c *Client) GetMany(ctx context.Context, keys []Key, options ...ReadOption) iter.Seq2[Lookup, error] {
	return func(yield func(Lookup, error) bool) {
		q := queryOf(Key{}, options)
		q.lapsed = true
		if err := checkMany(q, keys); err != nil {
			yield(Lookup{}, err)
			return
		}
		for len(keys) > 0 {
			n := q.pageOf(keys)
			found, err := c.lookUp(ctx, q, keys[:n])
			if err != nil {
				yield(Lookup{}, err)
				return
			}
			for i, key := range keys[:n] {
				l := Lookup{Key: key}
				l.Answer, l.Err = q.only(found[i], key)
				if !yield(l, nil) {
					return
				}
			}
			keys = keys[n:]
		}
	}
}

func checkMany(q *query, keys []Key) error {
	if q.open && q.err == nil {
		q.err = wrongInput("a key with further names has several answers: ask with Query or Range")
	}
	for _, key := range keys {
		if err := key.checkPoint(); err != nil {
			return err
		}
		q.key = key
		if err := q.check(); err != nil {
			return err
		}
	}
	return q.err
}

// pageOf returns how many of the keys the node is asked for at once.
func (q *query) pageOf(keys []Key) int {
	most, selectors := min(manyKeys, len(keys)), 0
	if q.history || q.explain {
		most = min(manyExplained, most)
	}
	for n := range most {
		if selectors += len(keys[n].selectors); selectors > manySelectors {
			return n
		}
	}
	return most
}

// lookUp asks for a page of keys.
func (c *Client) lookUp(ctx context.Context, q *query, keys []Key) ([]*Result, error) {
	if err := errors.Join(c.check(), c.checkAlive(q)); err != nil {
		return nil, err
	}
	if err := c.awaitSynced(ctx, &q.synced); err != nil {
		return nil, err
	}
	q.synced.wanted = false // once is enough
	r, asked, err := c.prepare(ctx, q)
	if err != nil {
		return nil, err
	}
	targets, err := c.names.namesOfAll(ctx, keys)
	if err != nil {
		return nil, err
	}
	r.many = true
	return c.answerMany(ctx, r, asked, targets)
}

// answerMany asks in halves what is too much for one question: many owners may claim each key.
func (c *Client) answerMany(ctx context.Context, r *reader, asked api.Query, targets []target) ([]*Result, error) {
	asked.Keys = make([][]api.SelectorRange, len(targets))
	for i := range targets {
		asked.Keys[i] = targets[i].selectors()
	}
	found, err := c.answers(ctx, r, asked, targets)
	var refused *api.Error
	if half := len(targets) / 2; half > 0 && errors.As(err, &refused) && refused.Status == http.StatusUnprocessableEntity {
		found, err = c.answerMany(ctx, r, asked, targets[:half])
		if err != nil {
			return nil, err
		}
		rest, err := c.answerMany(ctx, r, asked, targets[half:])
		return append(found, rest...), err
	}
	return found, err
}
