package service

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"slices"

	"github.com/lf-store/lf/node/api"
	"github.com/lf-store/lf/node/home"
	"github.com/lf-store/lf/protocol"
)

var _ api.Keeper = (*Service)(nil)

// Owners implements api.Keeper.
func (s *Service) Owners(context.Context) (*api.OwnerList, error) {
	keys, damaged := s.owners.List()
	list := &api.OwnerList{Owners: make([]api.KeptOwner, len(keys))}
	for i := range keys {
		list.Owners[i] = keptOwner(&keys[i])
	}
	if damaged != nil {
		list.Problems = problemLines(damaged)
	}
	return list, nil
}

// problemLines takes a joined error apart.
func problemLines(err error) []string {
	var joined interface{ Unwrap() []error }
	if !errors.As(err, &joined) {
		return []string{err.Error()}
	}
	var lines []string
	for _, one := range joined.Unwrap() {
		lines = append(lines, one.Error())
	}
	return lines
}

func keptOwner(k *home.Key) api.KeptOwner {
	return api.KeptOwner{Name: k.Name, Owner: k.Owner, Default: k.Default}
}

// NewOwner implements api.Keeper.
func (s *Service) NewOwner(_ context.Context, name string) (*api.KeptOwner, error) {
	if err := home.CheckOwnerName(name); err != nil {
		return nil, api.Invalid("%v", err)
	}
	names, err := s.owners.Names()
	if err != nil {
		return nil, err
	}
	if slices.Contains(names, name) {
		return nil, api.Conflict("an owner %q is here already: choose another name", name)
	}
	key, err := s.owners.New(name)
	if err != nil {
		return nil, err
	}
	kept := keptOwner(&key)
	return &kept, nil
}

// SetDefaultOwner implements api.Keeper.
func (s *Service) SetDefaultOwner(_ context.Context, owner string) (*api.KeptOwner, error) {
	if err := s.owners.SetDefault(owner); errors.Is(err, fs.ErrNotExist) {
		return nil, api.NotFound("%v", err)
	} else if err != nil {
		return nil, err
	}
	key, err := s.owners.Get(owner)
	if err != nil {
		return nil, err
	}
	kept := keptOwner(&key)
	return &kept, nil
}

// ElectOracle implements api.Keeper.
func (s *Service) ElectOracle(_ context.Context, oracle protocol.Owner) (*api.Elected, error) {
	return s.elect(func(t *home.Trust) error {
		if !slices.Contains(t.Oracles, oracle) {
			t.Oracles = append(t.Oracles, oracle)
		}
		if err := t.Check(); err != nil {
			return api.Invalid("%v", err)
		}
		return nil
	})
}

// DismissOracle implements api.Keeper.
func (s *Service) DismissOracle(_ context.Context, oracle protocol.Owner) (*api.Elected, error) {
	return s.elect(func(t *home.Trust) error {
		i := slices.Index(t.Oracles, oracle)
		if i < 0 {
			return api.NotFound("%s is not elected", oracle)
		}
		t.Oracles = slices.Delete(t.Oracles, i, i+1)
		return nil
	})
}

// elect changes the home's choice of oracles.
func (s *Service) elect(change func(*home.Trust) error) (*api.Elected, error) {
	s.electing.Lock()
	defer s.electing.Unlock()
	t, err := s.config.Home.Trust()
	if err != nil {
		return nil, api.Conflict("%v", err)
	}
	if err := change(&t); err != nil {
		return nil, err
	}
	if err := s.config.Home.SetTrust(t); err != nil {
		return nil, fmt.Errorf("elect: %w", err)
	}
	return &api.Elected{Oracles: append([]protocol.Owner{}, t.Oracles...)}, nil
}
