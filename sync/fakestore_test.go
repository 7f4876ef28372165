package lfsync

import (
	"bytes"
	"context"
	"errors"
	"slices"
	"sync"

	"github.com/lf-store/lf/protocol"
)

// fakeStore is a Store in memory that behaves as the contract says.
type fakeStore struct {
	mu      sync.Mutex
	network *protocol.Network
	entries map[protocol.ID]*fakeEntry
	waiting map[protocol.ID][]*fakeEntry // by the unattached record that they wait for
	index   uint64
	pending int
	waited  int    // how many were ever pending
	order   []Item // what is attached
	follows map[int]func([]Item)
	follow  int
	// What tests may set before use.
	maxPending int
	failPut    error
	submitted  int // how many records came by Submit
	onPut      func()
	onRelease  func()
	puts       int
}

type fakeEntry struct {
	record *protocol.Record
	state  Outcome
	index  uint64
	hold   uint64
	needs  int // unattached links
}

var errFull = errors.New("too many pending records")

func newFakeStore(n *protocol.Network) *fakeStore {
	s := &fakeStore{
		follows: make(map[int]func([]Item)),
		network: n, maxPending: 1 << 20,
		entries: make(map[protocol.ID]*fakeEntry), waiting: make(map[protocol.ID][]*fakeEntry),
	}
	for _, g := range n.Genesis() {
		s.attach(&fakeEntry{record: g}, nil)
	}
	return s
}

func (s *fakeStore) Put(_ context.Context, r *protocol.Record, holdUntil uint64) (Stored, error) {
	if s.onPut != nil {
		s.onPut()
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.puts++
	if s.failPut != nil {
		return Stored{}, s.failPut
	}
	if e := s.entries[r.ID()]; e != nil {
		return Stored{Outcome: Known, State: e.state, Index: e.index, Missing: s.missing(r)}, nil
	}
	if holdUntil > 0 {
		s.entries[r.ID()] = &fakeEntry{record: r, state: Held, hold: holdUntil}
		return Stored{Outcome: Held, State: Held}, nil
	}
	return s.insert(r), nil
}

func (s *fakeStore) insert(r *protocol.Record) Stored {
	e := &fakeEntry{record: r, state: Pending}
	for _, link := range r.Links {
		if l := s.entries[link]; l == nil || l.state != Attached {
			e.needs++
		}
	}
	if e.needs == 0 {
		if err := s.checkLinked(r); err != nil {
			return Stored{Outcome: Refused, State: Refused, Err: err}
		}
		var attached []protocol.ID
		s.attach(e, &attached)
		return Stored{Outcome: Attached, State: Attached, Index: e.index, Attached: attached}
	}
	if s.pending >= s.maxPending {
		return Stored{Outcome: Refused, State: Refused, Err: errFull}
	}
	s.pending++
	s.waited++
	s.entries[r.ID()] = e
	for _, link := range r.Links {
		if l := s.entries[link]; l == nil || l.state != Attached {
			s.waiting[link] = append(s.waiting[link], e)
		}
	}
	return Stored{Outcome: Pending, State: Pending, Missing: s.missing(r)}
}

func (s *fakeStore) checkLinked(r *protocol.Record) error {
	var newest uint64
	for _, link := range r.Links {
		newest = max(newest, s.entries[link].record.Timestamp)
	}
	if err := protocol.CheckLinked(&r.Header, newest); err != nil {
		return err
	}
	return s.network.CheckCertified(r, s.rests(r))
}

// rests reports whether a record links a certificate that it can rest on. The fake looks at no
// revocations.
func (s *fakeStore) rests(r *protocol.Record) bool {
	return slices.ContainsFunc(r.Links, func(link protocol.ID) bool {
		c := s.entries[link].record
		if c.Type != protocol.TypeCertificate {
			return false
		}
		chain, err := protocol.ParseChain(c.ValueBytes())
		return err == nil && s.network.Supports(chain, &r.Header) != nil
	})
}

// attach attaches a record and what waited for it.
func (s *fakeStore) attach(e *fakeEntry, attached *[]protocol.ID) {
	from := len(s.order)
	defer func() {
		for _, tell := range s.follows {
			tell(slices.Clone(s.order[from:]))
		}
	}()
	queue := []*fakeEntry{e}
	for len(queue) > 0 {
		e, queue = queue[0], queue[1:]
		if s.checkLinked(e.record) != nil {
			delete(s.entries, e.record.ID())
			continue
		}
		s.index++
		e.state, e.index = Attached, s.index
		s.entries[e.record.ID()] = e
		s.order = append(s.order, Item{e.record.ID(), e.record.Timestamp})
		if attached != nil {
			*attached = append(*attached, e.record.ID())
		}
		for _, child := range s.waiting[e.record.ID()] {
			if child.needs--; child.needs == 0 {
				s.pending--
				queue = append(queue, child)
			}
		}
		delete(s.waiting, e.record.ID())
	}
}

func (s *fakeStore) missing(r *protocol.Record) []protocol.ID {
	var missing []protocol.ID
	for _, link := range r.Links {
		if s.entries[link] == nil {
			missing = append(missing, link)
		}
	}
	return missing
}

func (s *fakeStore) Release(_ context.Context, now uint64) (Stored, error) {
	if s.onRelease != nil {
		s.onRelease()
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	var out Stored
	for id, e := range s.entries {
		if e.state == Held && e.hold <= now {
			delete(s.entries, id)
			put := s.insert(e.record)
			out.Attached = append(out.Attached, put.Attached...)
			out.Missing = append(out.Missing, put.Missing...)
		}
	}
	return out, nil
}

func (s *fakeStore) Record(_ context.Context, id protocol.ID) (*protocol.Record, bool, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if e := s.entries[id]; e != nil {
		return e.record, true, nil
	}
	return nil, false, nil
}

func (s *fakeStore) Unknown(_ context.Context, ids []protocol.ID) ([]protocol.ID, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.DeleteFunc(slices.Clone(ids), func(id protocol.ID) bool { return s.entries[id] != nil }), nil
}

func (s *fakeStore) Missing(_ context.Context, limit int) ([]protocol.ID, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	var ids []protocol.ID
	for id := range s.waiting {
		if s.entries[id] == nil && len(ids) < limit {
			ids = append(ids, id)
		}
	}
	return ids, nil
}

func (s *fakeStore) Scan(_ context.Context, yield func([]Item) error) error {
	s.mu.Lock()
	all := slices.Clone(s.order)
	s.mu.Unlock()
	for chunk := range slices.Chunk(all, 1000) {
		if err := yield(chunk); err != nil {
			return err
		}
	}
	return nil
}

func (s *fakeStore) Follow(fn func([]Item)) (cancel func()) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.follow++
	key := s.follow
	s.follows[key] = fn
	return func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		delete(s.follows, key)
	}
}

func (s *fakeStore) Submit(ctx context.Context, r *protocol.Record, holdUntil uint64) (Stored, error) {
	s.mu.Lock()
	s.submitted++
	s.mu.Unlock()
	return s.Put(ctx, r, holdUntil)
}

func (s *fakeStore) PutAll(ctx context.Context, rs []*protocol.Record, holds []uint64) ([]Stored, error) {
	stored := make([]Stored, len(rs))
	for i, r := range rs {
		var hold uint64
		if holds != nil {
			hold = holds[i]
		}
		var err error
		if stored[i], err = s.Put(ctx, r, hold); err != nil {
			return stored, err
		}
	}
	return stored, nil
}

func (s *fakeStore) ByPrefix(_ context.Context, prefix []byte) (r *protocol.Record, n int, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for id, e := range s.entries {
		if bytes.HasPrefix(id[:], prefix) {
			if n++; n > 1 {
				return nil, 2, nil
			}
			r = e.record
		}
	}
	return r, n, nil
}

// attached counts the attached records, the genesis included.
func (s *fakeStore) attached() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return int(s.index)
}

func (s *fakeStore) state(id protocol.ID) Outcome {
	s.mu.Lock()
	defer s.mu.Unlock()
	if e := s.entries[id]; e != nil {
		return e.state
	}
	return 0
}

func (s *fakeStore) pended() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.waited
}
