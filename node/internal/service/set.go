package service

import (
	"context"
	"errors"

	"github.com/lf-store/lf"
	"github.com/lf-store/lf/internal/apiwriter"
	"github.com/lf-store/lf/internal/embedder"
	"github.com/lf-store/lf/node/api"
	"github.com/lf-store/lf/node/home"
	"github.com/lf-store/lf/protocol"
	"github.com/lf-store/lf/store"
)

// Set implements api.Service.
func (s *Service) Set(ctx context.Context, req api.SetRequest) (*api.Submitted, error) {
	done, err := apiwriter.Set(ctx, s.writer, &req, lf.As(req.Owner), s.writes)
	return done, s.writeFailure(ctx, err)
}

// writerService is the service as the client sees it that writes for the node's users.
type writerService struct{ *Service }

// Hooks implements [embedder.Service].
func (s writerService) Hooks() embedder.Hooks {
	return embedder.Hooks{Name: s.names.Derive, Mask: s.names.Mask, Newest: s.config.Store.Newest, Turn: s.worker.TakeTurn}
}

// newWriter makes the client that writes for the node's users.
func (s *Service) newWriter() (err error) {
	s.writes = lf.Join(
		lf.OnNewOwner(func(key home.Key) { s.log.Info("made a default owner", "name", key.Name, "owner", key.Owner) }),
		lf.OnNotNoted(func(err error) { s.log.Warn("a name is not noted", "error", err) }))
	s.writer, err = lf.New(writerService{s}, s.config.Network, lf.InHome(s.config.Home), lf.ByNodesClock())
	return err
}

// writeFailure makes an [*api.Error] of what the caller can do something about.
func (s *Service) writeFailure(ctx context.Context, err error) error {
	var uncertified *lf.UncertifiedError
	if errors.As(err, &uncertified) {
		return s.uncertified(ctx, uncertified.Owner)
	}
	return Failure(err)
}

// newestVersion returns the owner's newest record under a composite key, nil where there is none.
// Nothing is built on a damaged one, which is an error.
func (s *Service) newestVersion(ctx context.Context, owner protocol.Owner, points []protocol.SelectorPoint) (*store.Version, error) {
	q := store.Query{Owners: []protocol.Owner{owner}, Limit: 1}
	for _, p := range points {
		q.Where = append(q.Where, store.Range{Key: p.Key, From: p.Ordinal, To: p.Ordinal})
	}
	found, err := s.config.Store.Query(ctx, q)
	switch {
	case err != nil:
		return nil, err
	case len(found.Keys) == 0:
		return nil, nil
	case found.Keys[0].Damaged != nil:
		return nil, found.Keys[0].Damaged
	case len(found.Keys[0].Claims) == 0:
		return nil, nil
	}
	newest := &found.Keys[0].Claims[0].Version
	if newest.Damaged != nil {
		return nil, newest.Damaged
	}
	return newest, nil
}
