package reconcile

import (
	"context"
	"fmt"
	"sync"

	"github.com/hashicorp/golang-lru/v2/simplelru"

	"github.com/lf-store/lf/internal/intake"
	"github.com/lf-store/lf/sync/internal/negentropy"
)

const (
	// idBlock is how many IDs with numbers in a row are read at a time, and idBlocks how many such
	// blocks are remembered: 1 MiB, of the last 32,000 records where nobody asks for old ones.
	idBlock  = 64
	idBlocks = 512
)

// storeIDs are the IDs of a set that refers to the store's records by their indices. It remembers
// those that were asked for lately, and those of the newest records. It is safe for concurrent use.
type storeIDs struct {
	marks Marks

	mu     sync.Mutex
	blocks *simplelru.LRU[uint32, *blockOfIDs]
}

// blockOfIDs are the IDs with numbers in a row. What is known of it does not change.
type blockOfIDs struct {
	known uint64 // a bit for each
	ids   [idBlock]negentropy.ID
}

// idError says that the store could not tell an ID.
type idError struct{ error }

func newStoreIDs(m Marks) *storeIDs {
	blocks, err := simplelru.NewLRU[uint32, *blockOfIDs](idBlocks, nil)
	if err != nil {
		panic(err) // the size is positive
	}
	return &storeIDs{marks: m, blocks: blocks}
}

// note remembers the ID of a record that the set is told of.
func (s *storeIDs) note(number uint32, id negentropy.ID) {
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

// ID implements [negentropy.IDs]. It panics with an *idError.
func (s *storeIDs) ID(number uint32) *negentropy.ID {
	if id := s.remembered(number); id != nil {
		return id
	}
	b, err := s.read(number / idBlock)
	if err == nil && b.known&(1<<(number%idBlock)) == 0 {
		err = fmt.Errorf("the database has no record %d, which the set has", number)
	}
	if err != nil {
		panic(&idError{err})
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.blocks.Add(number/idBlock, b)
	return &b.ids[number%idBlock]
}

func (s *storeIDs) remembered(number uint32) *negentropy.ID {
	s.mu.Lock()
	defer s.mu.Unlock()
	b, ok := s.blocks.Get(number / idBlock)
	if !ok || b.known&(1<<(number%idBlock)) == 0 {
		return nil
	}
	return &b.ids[number%idBlock]
}

// read reads a block from the store.
func (s *storeIDs) read(block uint32) (*blockOfIDs, error) {
	var room [idBlock]intake.Item
	first := uint64(block) * idBlock
	after := max(first, 1) - 1 // indices begin at 1
	items, err := s.marks.ItemsAfter(context.Background(), after, room[:0:first+idBlock-after-1])
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
