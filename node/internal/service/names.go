package service

import (
	"context"
	"fmt"
	"runtime"

	lru "github.com/hashicorp/golang-lru/v2"

	"github.com/lf-store/lf/internal/caller"
	"github.com/lf-store/lf/protocol"
)

// names derives names and masking keys for those who ask by name. Deriving costs CPU and memory on
// purpose. So strangers have a share of their own. Whatever they ask for, the names of the node's
// user stay remembered, and the user does not wait for them. Nor can a stranger tell from the time
// of an answer which names the user has asked for.
type names struct {
	network        *protocol.Network
	own, strangers *nameShare
}

// nameShare is what some callers have together. No more than slots of them derive at a time.
type nameShare struct {
	// keys holds a name that was asked for once in a quarter of its room, and the others in the
	// rest. Whoever asks for very many names pushes out those asked for once.
	keys  *lru.TwoQueueCache[string, protocol.NameKey]
	slots chan struct{}
}

func newNames(n *protocol.Network) *names {
	return &names{n, newNameShare(ownNames), newNameShare(strangersNames)}
}

func newNameShare(size int) *nameShare {
	keys, err := lru.New2Q[string, protocol.NameKey](size)
	if err != nil {
		panic(err) // only a size below 1 is an error
	}
	return &nameShare{keys, make(chan struct{}, runtime.GOMAXPROCS(0))}
}

// share returns that of a request's caller.
func (n *names) share(ctx context.Context) *nameShare {
	if caller.Of(ctx).Stranger {
		return n.strangers
	}
	return n.own
}

func (n *names) derive(ctx context.Context, name string) (protocol.NameKey, error) {
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

// mask derives a masking key; it is not remembered.
func (n *names) mask(ctx context.Context, maskingKey string) (protocol.Mask, error) {
	var mask protocol.Mask
	err := n.share(ctx).slot(ctx, func() error {
		mask = n.network.DeriveMask(maskingKey)
		return nil
	})
	return mask, err
}

func (s *nameShare) slot(ctx context.Context, work func() error) error {
	select {
	case s.slots <- struct{}{}:
		defer func() { <-s.slots }()
		return work()
	case <-ctx.Done():
		return fmt.Errorf("derive a name: %w", ctx.Err())
	}
}
