package service

import (
	"context"
	"iter"

	"github.com/lf-store/lf/internal/caller"
	"github.com/lf-store/lf/node/api"
	"github.com/lf-store/lf/node/internal/watch"
	"github.com/lf-store/lf/protocol"
	"github.com/lf-store/lf/store"
)

// newHub makes what serves watchers.
func (s *Service) newHub() *watch.Hub {
	return watch.New(watch.Config{
		Store: s.config.Store, Database: s.database, Clock: s.config.Clock, Logger: s.log, Fail: Failure,
		Sync: func() string { return s.config.Sync.Status().Sync.State },
		Settings: func() (protocol.Policy, []protocol.Owner) {
			whom := s.resolveTrust(&api.Query{})
			return whom.Policy, whom.Oracles
		},
	})
}

// Watch implements api.Service.
func (s *Service) Watch(ctx context.Context, r api.WatchRequest) iter.Seq2[*api.WatchEvent, error] {
	return func(yield func(*api.WatchEvent, error) bool) {
		w, err := s.newWatcher(ctx, &r)
		if err == nil {
			err = s.hub.Watch(ctx, w, func(e *api.WatchEvent) bool { return yield(e, nil) })
		}
		if err != nil {
			yield(nil, Failure(err))
		}
	}
}

// newWatcher makes a request ready. The names are derived once.
func (s *Service) newWatcher(ctx context.Context, r *api.WatchRequest) (*watch.Watcher, error) {
	if err := r.Check(); err != nil {
		return nil, err
	}
	if err := r.CheckAlive(s.config.Network); err != nil {
		return nil, err
	}
	trusted := r.Query(0)
	authorities, err := trusted.ParseAuthorities()
	if err != nil {
		return nil, err
	}
	w := &watch.Watcher{
		Request: r, Stranger: caller.Of(ctx).Stranger,
		Options: watch.Options{Owners: r.Owners, Oracles: distinct(r.Oracles), OwnOracles: r.Oracles == nil, Authorities: authorities},
	}
	if len(r.Policy) > 0 {
		w.Options.Policy = r.Policy.Total()
	}
	o := &opener{network: s.config.Network, decrypt: r.Decrypt, frames: r.Frames}
	if r.Decrypt && r.MaskingKey != "" {
		mask, err := s.names.Mask(ctx, r.MaskingKey)
		if err != nil {
			return nil, err
		}
		o.mask = &mask
	}
	for i := range r.Keys {
		keyed, err := s.keyed(ctx, r.Keys[i].Selectors, o)
		if err != nil {
			return nil, err
		}
		k := watch.Key{Open: r.Keys[i].Open}
		for _, sel := range keyed {
			k.Where = append(k.Where, store.Range{Key: *sel.Key, From: uint64(sel.From), To: uint64(sel.To)})
		}
		w.Keys = append(w.Keys, k)
	}
	r.Keys = make([]api.WatchKey, len(r.Keys)) // the names are not kept
	w.Show = func(a *store.Answer, policy protocol.Policy) *api.Answer {
		shown := o.watched(a, policy)
		var err error
		if shown.Alive, err = s.alive(context.WithoutCancel(ctx), a); err != nil {
			s.log.Warn("a watcher is not told whether an answer is alive", "error", err)
		}
		return shown
	}
	return w, nil
}

// watched shows an answer with its composite key, and with an explanation where the store has one.
func (o *opener) watched(a *store.Answer, policy protocol.Policy) *api.Answer {
	shown := o.answer(a, false)
	shown.Composite = &a.Composite
	if a.Damaged == nil && a.Claims[0].Seen > 0 {
		shown.Explanation = explain(a, policy)
	}
	return &shown
}
