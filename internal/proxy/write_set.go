package proxy

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/lf-store/lf"
	"github.com/lf-store/lf/internal/apiwriter"
	"github.com/lf-store/lf/internal/caller"
	"github.com/lf-store/lf/internal/proxy/idempotency"
	"github.com/lf-store/lf/internal/strictjson"
	"github.com/lf-store/lf/node/api"
)

type requestKey struct{}

// keyedRequest is the request with a key that a call belongs to, nil where it has none.
func keyedRequest(ctx context.Context) *idempotency.Request {
	r, _ := ctx.Value(requestKey{}).(*idempotency.Request)
	return r
}

// Set implements api.Service. The record is composed when its turn has come. Of all requests with
// the same idempotency key, one makes a record.
func (s *Service) Set(ctx context.Context, r api.SetRequest) (*api.Submitted, error) {
	if err := r.Check(); err != nil {
		return nil, err
	}
	key := api.IdempotencyKeyOf(ctx)
	if key == "" {
		return s.set(ctx, &r)
	}
	body, err := json.Marshal(r)
	if err != nil {
		return nil, fmt.Errorf("set: %w", err)
	}
	request, err := s.writes.keys.Begin(ctx, caller.Of(ctx).Name, key, body)
	switch {
	case errors.Is(err, idempotency.ErrOther):
		return nil, api.Invalid("%v", err)
	case err != nil:
		return nil, err
	}
	defer request.End()
	return s.setOnce(ctx, &r, request)
}

// setOnce does a request unless it was done before.
func (s *Service) setOnce(ctx context.Context, r *api.SetRequest, request *idempotency.Request) (done *api.Submitted, err error) {
	if answer := request.Answer(); answer != nil {
		if err := strictjson.Unmarshal(answer, &done, 0); err != nil {
			return nil, fmt.Errorf("what was noted of a request: %w", err)
		}
		done.Known = true
		return done, nil
	}
	if frame := request.Frame(); frame != nil { // made before, and perhaps not handed in
		done, err = s.Submit(ctx, frame)
	} else {
		done, err = s.set(context.WithValue(ctx, requestKey{}, request), r)
	}
	if err != nil || done.State != api.StateAttached {
		return done, err
	}
	answer, err := json.Marshal(done)
	if err == nil {
		err = request.Done(answer)
	}
	if err != nil {
		s.log.Error("what came of a request is not noted: the same record is handed in if it comes again", "error", err)
	}
	return done, nil
}

func (s *Service) set(ctx context.Context, r *api.SetRequest) (*api.Submitted, error) {
	done, err := apiwriter.Set(ctx, s.writes.client, r, lf.As(r.Owner))
	return done, s.writeFailure(err)
}
