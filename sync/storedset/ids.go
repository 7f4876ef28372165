package storedset

import (
	"context"
	"fmt"
	"sync"

	"github.com/hashicorp/golang-lru/v2/simplelru"

	"github.com/lf-store/lf/internal/intake"
	"github.com/lf-store/lf/sync/internal/negentropy"
)

const (
	// idBlock is how many IDs with numbers in a row are read at a time. idBlocks is how many such
	// blocks are remembered. They take 1 MiB: the newest 32,000 records, unless somebody asks for
	// old ones.
	idBlock  = 64
	idBlocks = 512
)

// IDs are those of a set that refers to the store's records by their indices. It remembers
// those that were asked for lately, and those of the newest records. It is safe for concurrent use.
type IDs struct {
	store Source

	mu     sync.Mutex
	blocks *simplelru.LRU[uint32, *blockOfIDs]
}

// Source is what has the IDs.
type Source interface {
	// ItemsAfter appends the items after an index, as many as there is room for. Indices have no
	// gaps.
	ItemsAfter(ctx context.Context, index uint64, into []intake.Item) ([]intake.Item, error)
}

// blockOfIDs are the IDs with numbers in a row. What is known of it does not change.
type blockOfIDs struct {
	known uint64 // a bit for each
	ids   [idBlock]negentropy.ID
}

// missingError says that the store could not tell an ID.
type missingError struct{ error }

// NewIDs makes IDs of which none is remembered.
func NewIDs(from Source) *IDs {
	blocks, err := simplelru.NewLRU[uint32, *blockOfIDs](idBlocks, nil)
	if err != nil {
		panic(err) // the size is positive
	}
	return &IDs{store: from, blocks: blocks}
}

// Note remembers the ID of a record that the set is told of.
func (s *IDs) Note(number uint32, id negentropy.ID) {
	s.mu.Lock()
	defer s.mu.Unlock()
	b, ok := s.blocks.Get(number / idBlock)
	if !ok {
		b = new(blockOfIDs)
		s.blocks.Add(number/idBlock, b)
	}
	if bit := uint64(1) << (number % idBlock); b.known&bit == 0 {
		b.ids[number%idBlock], b.known = id, b.known|bit
	}
}

// ID implements [negentropy.IDs]. It panics where the source cannot tell: see [Guard].
func (s *IDs) ID(number uint32) *negentropy.ID {
	if id := s.remembered(number); id != nil {
		return id
	}
	b, err := s.read(number / idBlock)
	if err == nil && b.known&(1<<(number%idBlock)) == 0 {
		err = fmt.Errorf("the database has no record %d, which the set has", number)
	}
	if err != nil {
		panic(&missingError{err})
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.blocks.Add(number/idBlock, b)
	return &b.ids[number%idBlock]
}

func (s *IDs) remembered(number uint32) *negentropy.ID {
	s.mu.Lock()
	defer s.mu.Unlock()
	b, ok := s.blocks.Get(number / idBlock)
	if !ok || b.known&(1<<(number%idBlock)) == 0 {
		return nil
	}
	return &b.ids[number%idBlock]
}

// read reads a block from the store.
func (s *IDs) read(block uint32) (*blockOfIDs, error) {
	var room [idBlock]intake.Item
	first := uint64(block) * idBlock
	after := max(first, 1) - 1 // indices begin at 1
	items, err := s.store.ItemsAfter(context.Background(), after, room[:0:first+idBlock-after-1])
	if err != nil {
		return nil, err
	}
	b := new(blockOfIDs)
	for _, item := range items {
		at := item.Index - first
		b.ids[at], b.known = item.ID, b.known|1<<at
	}
	return b, nil
}

// Guard runs what asks for IDs. The error says that one could not be had. What do was about to
// change is then half done.
func Guard(do func()) (err error) {
	defer func() {
		if r := recover(); r != nil {
			missing, ok := r.(*missingError)
			if !ok {
				panic(r)
			}
			err = missing.error
		}
	}()
	do()
	return nil
}
