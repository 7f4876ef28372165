package lfsync

import (
	"context"
	"sync"

	"github.com/lf-store/lf/internal/memstore"
	"github.com/lf-store/lf/protocol"
)

// testStore is the store in memory, which counts what it is asked and fails when a test wants it
// to.
type testStore struct {
	*memstore.Store
	onPut, onRelease func() // set before use

	mu        sync.Mutex
	failPut   error
	puts      int // how many records came
	submitted int // how many of them by Submit
	waited    int // how many were pending at first
}

func newTestStore(n *protocol.Network) *testStore { return &testStore{Store: memstore.New(n)} }

// note notes that records are put.
func (s *testStore) note(records int) error {
	for range records {
		if s.onPut != nil {
			s.onPut()
		}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.puts += records
	return s.failPut
}

func (s *testStore) noteStored(all ...Stored) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, stored := range all {
		if stored.Outcome == Pending {
			s.waited++
		}
	}
}

func (s *testStore) Put(ctx context.Context, r *protocol.Record, holdUntil uint64) (Stored, error) {
	if err := s.note(1); err != nil {
		return Stored{}, err
	}
	stored, err := s.Store.Put(ctx, r, holdUntil)
	s.noteStored(stored)
	return stored, err
}

func (s *testStore) Submit(ctx context.Context, r *protocol.Record, holdUntil uint64) (Stored, error) {
	s.mu.Lock()
	s.submitted++
	s.mu.Unlock()
	return s.Put(ctx, r, holdUntil)
}

func (s *testStore) PutAll(ctx context.Context, rs []*protocol.Record, holds []uint64) ([]Stored, error) {
	if err := s.note(len(rs)); err != nil {
		return nil, err
	}
	stored, err := s.Store.PutAll(ctx, rs, holds)
	s.noteStored(stored...)
	return stored, err
}

func (s *testStore) Release(ctx context.Context, now uint64) (Stored, error) {
	if s.onRelease != nil {
		s.onRelease()
	}
	return s.Store.Release(ctx, now)
}

// attached counts the attached records, the genesis included.
func (s *testStore) attached() int {
	attached, _ := s.Count()
	return attached
}

func (s *testStore) pended() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.waited
}
