package lf

import (
	"context"
	"fmt"
	"runtime"

	"golang.org/x/sync/errgroup"

	"github.com/lf-store/lf/internal/embedder"
	"github.com/lf-store/lf/protocol"
)

// rememberedNames is how many names a client derives only once, unless it is told otherwise.
const rememberedNames = 1024

// deriver derives names and masking keys. That costs processor time and memory on purpose, so no
// more than one for each processor is under way at a time.
type deriver struct {
	network *protocol.Network
	cache   *protocol.NameCache
	slots   chan struct{}
	hooks   *embedder.Hooks
}

func newDeriver(n *protocol.Network, remembered int) *deriver {
	return &deriver{network: n, cache: protocol.NewNameCache(n, remembered), slots: make(chan struct{}, runtime.GOMAXPROCS(0)), hooks: &embedder.Hooks{}}
}

func (d *deriver) name(ctx context.Context, name string) (key protocol.NameKey, err error) {
	if d.hooks.Name != nil {
		return d.hooks.Name(ctx, name)
	}
	err = d.slot(ctx, func() (err error) {
		key, err = d.cache.Derive(name)
		return err
	})
	return key, err
}

// mask derives a masking key, nil for "". It is not remembered.
func (d *deriver) mask(ctx context.Context, maskingKey string) (*protocol.Mask, error) {
	if maskingKey == "" {
		return nil, nil
	}
	if d.hooks.Mask != nil {
		mask, err := d.hooks.Mask(ctx, maskingKey)
		return &mask, err
	}
	var mask protocol.Mask
	err := d.slot(ctx, func() error {
		mask = d.network.DeriveMask(maskingKey)
		return nil
	})
	return &mask, err
}

func (d *deriver) slot(ctx context.Context, work func() error) error {
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	select {
	case d.slots <- struct{}{}:
		defer func() { <-d.slots }()
		return work()
	case <-ctx.Done():
		return fmt.Errorf("derive a name: %w", context.Cause(ctx))
	}
}

// namesOf derives the names of a key.
func (d *deriver) namesOf(ctx context.Context, k Key) (names []protocol.NameKey, err error) {
	names = make([]protocol.NameKey, len(k.selectors))
	for i, e := range k.selectors {
		if names[i], err = d.name(ctx, e.Name); err != nil {
			return nil, err
		}
	}
	return names, nil
}

// namesOfAll derives the names of many keys, each name once and on all processors.
func (d *deriver) namesOfAll(ctx context.Context, keys []Key) (targets []target, err error) {
	at := map[string]int{}
	var names []string
	for _, k := range keys {
		for _, e := range k.selectors {
			if _, known := at[e.Name]; !known {
				at[e.Name], names = len(names), append(names, e.Name)
			}
		}
	}
	derived := make([]protocol.NameKey, len(names))
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(cap(d.slots))
	for i, name := range names {
		group.Go(func() (err error) {
			derived[i], err = d.name(ctx, name)
			return err
		})
	}
	if err := group.Wait(); err != nil {
		return nil, err
	}
	targets = make([]target, len(keys))
	for i, k := range keys {
		targets[i] = target{key: k, names: make([]protocol.NameKey, len(k.selectors))}
		for j, e := range k.selectors {
			targets[i].names[j] = derived[at[e.Name]]
		}
	}
	return targets, nil
}

// points derives the names of a key that has one ordinal for each.
func (d *deriver) points(ctx context.Context, k Key) ([]protocol.NamePoint, error) {
	names, err := d.namesOf(ctx, k)
	if err != nil {
		return nil, err
	}
	points := make([]protocol.NamePoint, len(names))
	for i, name := range names {
		points[i] = protocol.NamePoint{Name: name, Ordinal: k.selectors[i].From}
	}
	return points, nil
}
