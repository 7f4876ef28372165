package dnsserver

import (
	"context"
	"errors"
	"time"

	"github.com/lf-store/lf"
	"github.com/lf-store/lf/internal/dnszone"
)

// recheckUncertified is how long an owner without a certificate is not asked about again.
const recheckUncertified = 30 * time.Second

// reader makes states of what the node answers.
type reader struct{ config *Config }

// lookup is the state of an entry by an answer of the node. The error is one of the connection.
func (r *reader) lookup(ctx context.Context, e *entry, l lf.Lookup) (state, error) {
	switch {
	case l.Err == nil:
		return r.answer(ctx, e, l.Answer)
	case errors.Is(l.Err, lf.ErrNotFound), errors.Is(l.Err, lf.ErrDeleted):
		return state{}, nil
	case errors.Is(l.Err, lf.ErrSealed):
		return state{err: l.Err}, nil
	case errors.Is(l.Err, lf.ErrDamaged):
		return r.damaged(l.Err), nil
	}
	return state{}, l.Err
}

// event is the state of an entry by an event.
func (r *reader) event(ctx context.Context, e *entry, event *lf.Event) (state, error) {
	switch {
	case event.Damaged != nil:
		return r.damaged(event.Damaged), nil //nolint:nilerr // it is what stands there
	case event.Answer == nil || event.Answer.Deleted:
		return state{}, nil
	case event.Answer.Sealed:
		return state{err: lf.ErrSealed}, nil
	case event.Answer.Damaged != nil:
		return r.damaged(event.Answer.Damaged), nil //nolint:nilerr // it is what stands there
	}
	return r.answer(ctx, e, event.Answer)
}

// damaged is the state where the node's disk has lost what stands there. The node fetches it from a
// peer.
func (r *reader) damaged(err error) state {
	return state{err: err, recheck: time.Now().Add(recheckUncertified)}
}

// answer reads a value.
func (r *reader) answer(ctx context.Context, e *entry, a *lf.Answer) (state, error) {
	if r.config.Certified {
		_, err := r.config.Source.Certified(ctx, a, r.config.Options...)
		if errors.Is(err, lf.ErrUncertified) {
			return state{recheck: time.Now().Add(recheckUncertified)}, nil
		}
		if err != nil {
			return state{}, err
		}
	}
	value, err := dnszone.ParseValue(a.Text(), e.zone)
	if err != nil {
		r.config.Logger.Debug("a value is no list of DNS records", "key", a.Key, "owner", a.Owner, "record", a.Record, "error", err)
		return state{err: err}, nil
	}
	return state{value: value}, nil
}
