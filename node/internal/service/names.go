package service

import (
	"context"
	"fmt"
	"runtime"

	"github.com/lf-store/lf/protocol"
)

// names derives names and masking keys for those who ask by name. Deriving costs CPU and memory on
// purpose, so no more than a core's worth at a time is under way for each core, whoever asks.
type names struct {
	network *protocol.Network
	cache   *protocol.NameCache
	slots   chan struct{}
}

func newNames(n *protocol.Network) *names {
	return &names{network: n, cache: protocol.NewNameCache(n, nameCacheSize), slots: make(chan struct{}, runtime.GOMAXPROCS(0))}
}

func (n *names) derive(ctx context.Context, name string) (protocol.NameKey, error) {
	var key protocol.NameKey
	err := n.slot(ctx, func() (err error) {
		key, err = n.cache.Derive(name)
		return err
	})
	return key, err
}

// mask derives a masking key; it is not remembered.
func (n *names) mask(ctx context.Context, maskingKey string) (protocol.Mask, error) {
	var mask protocol.Mask
	err := n.slot(ctx, func() error {
		mask = n.network.DeriveMask(maskingKey)
		return nil
	})
	return mask, err
}

func (n *names) slot(ctx context.Context, work func() error) error {
	select {
	case n.slots <- struct{}{}:
		defer func() { <-n.slots }()
		return work()
	case <-ctx.Done():
		return fmt.Errorf("derive a name: %w", ctx.Err())
	}
}
