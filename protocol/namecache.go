package protocol

import lru "github.com/hashicorp/golang-lru/v2"

// NameCache remembers what names derive to, since deriving is slow on purpose. It is safe for
// concurrent use. It holds secrets: a reader of its memory can publish under the names in it.
type NameCache struct {
	network *Network
	keys    *lru.Cache[string, NameKey]
}

// NewNameCache returns a cache of the last size names; size is at least 1.
func NewNameCache(n *Network, size int) *NameCache {
	keys, err := lru.New[string, NameKey](max(size, 1))
	if err != nil {
		panic(err) // only a size below 1 is an error
	}
	return &NameCache{network: n, keys: keys}
}

// Derive is [Network.DeriveName], remembered.
func (c *NameCache) Derive(name string) (NameKey, error) {
	if k, ok := c.keys.Get(name); ok {
		return k, nil
	}
	k, err := c.network.DeriveName(name)
	if err != nil {
		return k, err
	}
	c.keys.Add(name, k)
	return k, nil
}
