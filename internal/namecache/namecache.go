// Package namecache derives names and masking keys for those who ask an API by name, and remembers
// names that are asked for again.
package namecache

import (
	"context"
	"fmt"
	"runtime"
	"slices"

	lru "github.com/hashicorp/golang-lru/v2"

	"github.com/lf-store/lf/internal/caller"
	"github.com/lf-store/lf/node/api"
	"github.com/lf-store/lf/protocol"
)

// Bounds of the derived names that are kept: about 250 bytes and the name each.
const (
	ownNames       = 4096
	strangersNames = 2048
)

// Cache derives names and masking keys for those who ask by name. Deriving costs CPU and memory on
// purpose. So strangers have a share of their own. Whatever they ask for, the names of the node's
// user stay remembered, and the user does not wait for them. Nor can a stranger tell from the time
// of an answer which names the user has asked for.
type Cache struct {
	network        *protocol.Network
	own, strangers *share
}

// share is what some callers have together. No more than slots of them derive at a time.
type share struct {
	// keys holds a name that was asked for once in a quarter of its room, and the others in the
	// rest. Whoever asks for very many names pushes out those asked for once.
	keys  *lru.TwoQueueCache[string, protocol.NameKey]
	slots chan struct{}
}

// New returns a cache of a network's names.
func New(n *protocol.Network) *Cache {
	return &Cache{n, newShare(ownNames), newShare(strangersNames)}
}

func newShare(size int) *share {
	keys, err := lru.New2Q[string, protocol.NameKey](size)
	if err != nil {
		panic(err) // only a size below 1 is an error
	}
	return &share{keys, make(chan struct{}, runtime.GOMAXPROCS(0))}
}

// share returns that of a request's caller.
func (n *Cache) share(ctx context.Context) *share {
	if caller.Of(ctx).Stranger {
		return n.strangers
	}
	return n.own
}

// Derive derives a name, unless it is remembered.
func (n *Cache) Derive(ctx context.Context, name string) (protocol.NameKey, error) {
	s := n.share(ctx)
	if key, ok := s.keys.Get(name); ok {
		return key, nil
	}
	var key protocol.NameKey
	err := s.slot(ctx, func() (err error) {
		if key, err = n.network.DeriveName(name); err == nil {
			s.keys.Add(name, key)
		}
		return err
	})
	return key, err
}

// Keyed returns selectors with keys in place of their names, and the names that it derived for it.
func (n *Cache) Keyed(ctx context.Context, selectors []api.SelectorRange) (keyed []api.SelectorRange, names []protocol.NameKey, err error) {
	keyed = slices.Clone(selectors)
	for i := range keyed {
		if keyed[i].Key != nil {
			continue
		}
		name, err := n.Derive(ctx, keyed[i].Name)
		if err != nil {
			return nil, nil, err
		}
		key := name.Selector()
		keyed[i].Key, keyed[i].Name = &key, ""
		names = append(names, name)
	}
	return keyed, names, nil
}

// Mask derives a masking key; it is not remembered.
func (n *Cache) Mask(ctx context.Context, maskingKey string) (protocol.Mask, error) {
	var mask protocol.Mask
	err := n.share(ctx).slot(ctx, func() error {
		mask = n.network.DeriveMask(maskingKey)
		return nil
	})
	return mask, err
}

func (s *share) slot(ctx context.Context, work func() error) error {
	select {
	case s.slots <- struct{}{}:
		defer func() { <-s.slots }()
		return work()
	case <-ctx.Done():
		return fmt.Errorf("derive a name: %w", ctx.Err())
	}
}
