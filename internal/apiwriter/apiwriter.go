// Package apiwriter writes for the clients of an API: with it a node and a proxy implement Set and
// Prepare of api.Service through package lf.
package apiwriter

import (
	"context"
	"errors"
	"io/fs"

	"github.com/lf-store/lf"
	"github.com/lf-store/lf/internal/text"
	"github.com/lf-store/lf/node/api"
	"github.com/lf-store/lf/protocol"
)

// Set makes the record of a request and publishes it. The options say who signs. Its errors are
// those of [Problem].
func Set(ctx context.Context, c *lf.Client, r *api.SetRequest, options ...lf.WriteOption) (*api.Submitted, error) {
	key, err := keyOf(r)
	if err != nil {
		return nil, err
	}
	var done *api.Submitted
	options = append(options, lf.MaskingKey(r.MaskingKey), lf.OnWritten(func(_ *protocol.Record, w *lf.Written) { done = w }))
	switch r.Type {
	case api.SetDelete:
		err = c.Delete(ctx, key, options...)
	case api.SetRelease:
		err = c.Release(ctx, key, options...)
	default:
		_, err = c.Set(ctx, key, r.Plain(), options...)
	}
	return done, Problem(err)
}

// Prepare composes the record of a request for the owner who will sign it. waiting is how many
// writes wait for work now. Its errors are those of [Problem].
func Prepare(ctx context.Context, c *lf.Client, r *api.PrepareRequest, waiting int) (*api.Prepared, error) {
	set := r.Set()
	key, err := keyOf(&set)
	if err != nil {
		return nil, err
	}
	owner, err := r.Signer()
	if err != nil {
		return nil, err
	}
	var u *lf.Unsigned
	switch mask := lf.MaskingKey(r.MaskingKey); r.Type {
	case api.SetDelete:
		u, err = c.PrepareDelete(ctx, owner, key, mask)
	case api.SetRelease:
		u, err = c.PrepareRelease(ctx, owner, key, mask)
	default:
		u, err = c.PrepareSet(ctx, owner, key, set.Plain(), mask)
	}
	if err != nil {
		return nil, Problem(err)
	}
	return &api.Prepared{
		Header: u.Record.HeaderBytes(), Value: u.Record.ValueBytes(), Sign: u.Sign, Owner: owner,
		Timestamp: u.Record.Timestamp, Until: u.Record.Timestamp + c.Network().Params().ClockDrift,
		Effort: u.Effort, Waiting: waiting,
	}, nil
}

func keyOf(r *api.SetRequest) (key lf.Key, err error) {
	if err := r.Check(); err != nil {
		return key, err
	}
	points, err := r.Points()
	if err != nil {
		return key, err
	}
	key, err = lf.KeyOf(points...)
	return key, Problem(err)
}

// Problem makes an [*api.Error] of what package lf returned, if the client of the API can do
// something about it. The rest stays as it is.
func Problem(err error) error {
	var input *lf.InputError
	var draft *lf.DraftError
	var owner *lf.OwnerError
	var clock *lf.ClockError
	var ahead *lf.AheadError
	var answered *api.Error
	switch {
	case err == nil, errors.As(err, &answered):
		return err
	case errors.As(err, &input), errors.As(err, &draft):
		return api.Invalid("%v", err)
	case errors.Is(err, lf.ErrNotFound), errors.As(err, &owner) && errors.Is(err, fs.ErrNotExist):
		return api.NotFound("%v", err)
	case errors.Is(err, lf.ErrDeleted): // already, so there is nothing to prepare
		return api.Conflict("%v", err)
	case errors.As(err, &owner): // what is wrong with a key in the home is its user's to mend
		return api.Conflict("%v", err)
	case errors.As(err, &clock):
		return api.Conflict("the newest records are %d s ahead of this node's clock, more than the network allows: check the clock", (clock.Newest-clock.Now)/1000)
	case errors.As(err, &ahead):
		return api.Conflict("what this owner has there is dated %s, which is ahead: it was written when a clock was wrong. "+
			"A record that replaces it is possible from %s on; until then another owner can write there", utc(ahead.Dated), utc(ahead.From))
	}
	return err
}

// utc is a time in milliseconds, for people.
func utc(ms uint64) string {
	return text.TimeOf(ms).Format("2006-01-02 15:04:05 MST")
}
