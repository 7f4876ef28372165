// Package keeper serves the owners that a home keeps and the oracles that it elects, for a node and
// for a proxy.
package keeper

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

// Keeper implements [api.Keeper]. Its methods are safe for concurrent use.
type Keeper struct {
	home   *home.Home
	owners *home.Keyring
}

var _ api.Keeper = (*Keeper)(nil)

// New returns the keeper of a home.
func New(h *home.Home) *Keeper { return &Keeper{home: h, owners: h.Owners()} }

// Owners implements api.Keeper.
func (k *Keeper) Owners(context.Context) (*api.OwnerList, error) {
	keys, damaged := k.owners.List()
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

func keptOwner(key *home.Key) api.KeptOwner {
	return api.KeptOwner{Name: key.Name, Owner: key.Owner, Default: key.Default}
}

// NewOwner implements api.Keeper.
func (k *Keeper) NewOwner(_ context.Context, name string) (*api.KeptOwner, error) {
	if err := home.CheckOwnerName(name); err != nil {
		return nil, api.Invalid("%v", err)
	}
	names, err := k.owners.Names()
	if err != nil {
		return nil, err
	}
	if slices.Contains(names, name) {
		return nil, api.Conflict("an owner %q is here already: choose another name", name)
	}
	key, err := k.owners.New(name)
	if err != nil {
		return nil, err
	}
	kept := keptOwner(&key)
	return &kept, nil
}

// SetDefaultOwner implements api.Keeper.
func (k *Keeper) SetDefaultOwner(_ context.Context, owner string) (*api.KeptOwner, error) {
	if err := k.owners.SetDefault(owner); errors.Is(err, fs.ErrNotExist) {
		return nil, api.NotFound("%v", err)
	} else if err != nil {
		return nil, err
	}
	key, err := k.owners.Get(owner)
	if err != nil {
		return nil, err
	}
	kept := keptOwner(&key)
	return &kept, nil
}

// ElectOracle implements api.Keeper.
func (k *Keeper) ElectOracle(_ context.Context, oracle protocol.Owner) (*api.Elected, error) {
	return k.elect(func(t *home.Trust) error {
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
func (k *Keeper) DismissOracle(_ context.Context, oracle protocol.Owner) (*api.Elected, error) {
	return k.elect(func(t *home.Trust) error {
		i := slices.Index(t.Oracles, oracle)
		if i < 0 {
			return api.NotFound("%s is not elected", oracle)
		}
		t.Oracles = slices.Delete(t.Oracles, i, i+1)
		return nil
	})
}

// elect changes the home's choice of oracles.
func (k *Keeper) elect(change func(*home.Trust) error) (*api.Elected, error) {
	readable := false
	t, err := k.home.ChangeTrust(func(t *home.Trust) error {
		readable = true
		return change(t)
	})
	var refused *api.Error
	switch {
	case errors.As(err, &refused):
		return nil, refused
	case err != nil && !readable:
		return nil, api.Conflict("%v", err)
	case err != nil:
		return nil, fmt.Errorf("elect: %w", err)
	}
	return &api.Elected{Oracles: append([]protocol.Owner{}, t.Oracles...)}, nil
}
