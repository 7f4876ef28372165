package lf

import (
	"context"
	"fmt"
	"runtime"

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
}

func newDeriver(n *protocol.Network, remembered int) *deriver {
	return &deriver{network: n, cache: protocol.NewNameCache(n, remembered), slots: make(chan struct{}, runtime.GOMAXPROCS(0))}
}

func (d *deriver) name(ctx context.Context, name string) (key protocol.NameKey, err error) {
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

// points derives the names of a key that has one ordinal for each.
func (d *deriver) points(ctx context.Context, k Key) ([]protocol.NamePoint, error) {
	points := make([]protocol.NamePoint, len(k.selectors))
	for i, e := range k.selectors {
		key, err := d.name(ctx, e.Name)
		if err != nil {
			return nil, err
		}
		points[i] = protocol.NamePoint{Name: key, Ordinal: e.From}
	}
	return points, nil
}
