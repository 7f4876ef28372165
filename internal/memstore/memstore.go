// Package memstore has a store in memory, for tests. It does for package lfsync what package store
// does, and a test of package node holds it to that: both get the same histories.
package memstore

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"slices"
	"sync"

	"github.com/lf-store/lf/internal/intake"
	"github.com/lf-store/lf/protocol"
)

// Store is an lfsync.Store without a disk, without weights, and without bounds on what waits unless
// a test sets one. It does not check the bound of mergesets, nor revocations: a certificate that a
// record links counts. It is safe for concurrent use.
type Store struct {
	network *protocol.Network

	mu       sync.Mutex
	entries  map[protocol.ID]*entry
	waiting  map[protocol.ID][]*entry // pending records by each link of theirs that is not attached
	tips     map[protocol.ID]bool
	attached []*entry             // in local order
	buckets  map[[2]byte][]*entry // all entries by how their IDs begin

	followers map[*follower]bool
	pulses    map[uint64]protocol.Pulse // by the index of their records

	pending    int
	maxPending int // -1: no bound
}

type follower struct{ tell func([]intake.Item) }

// entry is a record that is attached, pending or held.
type entry struct {
	record *protocol.Record
	state  intake.Outcome
	index  uint64 // when attached
	hold   uint64 // when held, until then
	unmet  int    // when pending, links that are not attached
}

// Why a record is refused that may be valid.
var (
	ErrValueMissing = errors.New("the record's value is missing")
	ErrFull         = errors.New("too many pending records")
)

// New returns a store that holds a network's genesis.
func New(n *protocol.Network) *Store {
	s := &Store{
		network: n, entries: make(map[protocol.ID]*entry), waiting: make(map[protocol.ID][]*entry),
		tips: make(map[protocol.ID]bool), buckets: make(map[[2]byte][]*entry), followers: make(map[*follower]bool), pulses: make(map[uint64]protocol.Pulse), maxPending: -1,
	}
	for _, g := range n.Genesis() {
		s.attach(&entry{record: g}, new(intake.Result))
	}
	return s
}

// Put implements lfsync.Store.
func (s *Store) Put(_ context.Context, r *protocol.Record, holdUntil uint64) (intake.Result, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	stored := s.put(r, holdUntil)
	s.announce(stored.Attached)
	return stored, nil
}

// Submit implements lfsync.Store.
func (s *Store) Submit(ctx context.Context, r *protocol.Record, holdUntil uint64) (intake.Result, error) {
	return s.Put(ctx, r, holdUntil)
}

// Load takes in records as if they had been here for long. They may lack their values.
func (s *Store) Load(records ...*protocol.Record) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, r := range records {
		if s.entries[r.ID()] == nil {
			s.announce(s.place(r).Attached)
		}
	}
}

// BoundPending has the store refuse a record that would be pending when n are.
func (s *Store) BoundPending(n int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.maxPending = n
}

// PutAll implements lfsync.Store.
func (s *Store) PutAll(_ context.Context, records []*protocol.Record, holds []uint64) ([]intake.Result, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	var attached []protocol.ID
	results := make([]intake.Result, len(records))
	for i, r := range records {
		var hold uint64
		if holds != nil {
			hold = holds[i]
		}
		results[i] = s.put(r, hold)
		attached = append(attached, results[i].Attached...)
	}
	s.announce(attached)
	return results, nil
}

func (s *Store) put(r *protocol.Record, holdUntil uint64) intake.Result {
	e := s.entries[r.ID()]
	switch {
	case !r.HasValue():
		return refused(ErrValueMissing)
	case e != nil && (e.state != intake.Held || holdUntil > 0):
		return intake.Result{Outcome: intake.Known, State: e.state, Index: e.index, Missing: s.missingOf(e)}
	case holdUntil > 0:
		s.enter(&entry{record: r, state: intake.Held, hold: holdUntil})
		return intake.Result{Outcome: intake.Held, State: intake.Held}
	}
	return s.place(r)
}

func refused(err error) intake.Result {
	return intake.Result{Outcome: intake.Refused, Err: err}
}

// place attaches a record, with all that waited for it, or makes it wait, or refuses it.
func (s *Store) place(r *protocol.Record) intake.Result {
	e := &entry{record: r, state: intake.Pending}
	for _, link := range r.Links {
		if !s.isAttached(link) {
			e.unmet++
		}
	}
	if e.unmet > 0 {
		return s.pend(e)
	}
	if err := s.check(r); err != nil {
		s.remove(r.ID()) // it was held
		s.dropDescendants(r.ID())
		return refused(err)
	}
	stored := intake.Result{Outcome: intake.Attached, State: intake.Attached}
	s.attach(e, &stored)
	stored.Index = e.index
	return stored
}

func (s *Store) isAttached(id protocol.ID) bool {
	e := s.entries[id]
	return e != nil && e.state == intake.Attached
}

func (s *Store) pend(e *entry) intake.Result {
	if s.maxPending >= 0 && s.pending >= s.maxPending {
		return refused(ErrFull)
	}
	s.enter(e)
	var missing []protocol.ID
	for _, link := range e.record.Links {
		if !s.isAttached(link) {
			s.waiting[link] = append(s.waiting[link], e)
		}
		if s.entries[link] == nil && !slices.Contains(missing, link) {
			missing = append(missing, link)
		}
	}
	return intake.Result{Outcome: intake.Pending, State: intake.Pending, Missing: missing}
}

// attach attaches a record whose links are attached, and what waited for it, parents first.
func (s *Store) attach(e *entry, stored *intake.Result) {
	for queue := []*entry{e}; len(queue) > 0; queue = queue[1:] {
		e, id := queue[0], queue[0].record.ID()
		if err := s.check(e.record); err != nil {
			s.remove(id)
			s.dropDescendants(id)
			continue
		}
		s.remove(id)
		s.attached = append(s.attached, e)
		e.state, e.index = intake.Attached, uint64(len(s.attached))
		s.enter(e)
		s.tips[id] = true
		for _, link := range e.record.Links {
			delete(s.tips, link)
		}
		stored.Attached = append(stored.Attached, id)
		for _, child := range s.waiting[id] {
			if child.unmet--; child.unmet == 0 {
				queue = append(queue, child)
			}
		}
		delete(s.waiting, id)
	}
}

// enter puts an entry in the place of the one that a record may have.
func (s *Store) enter(e *entry) {
	id := e.record.ID()
	s.remove(id)
	s.entries[id] = e
	if e.state == intake.Pending {
		s.pending++
	}
	begin := [2]byte(id[:2])
	s.buckets[begin] = append(s.buckets[begin], e)
}

func (s *Store) remove(id protocol.ID) {
	old := s.entries[id]
	if old == nil {
		return
	}
	if old.state == intake.Pending {
		s.pending--
	}
	delete(s.entries, id)
	begin := [2]byte(id[:2])
	s.buckets[begin] = slices.DeleteFunc(s.buckets[begin], func(e *entry) bool { return e == old })
}

// check applies the rules that need a record's past.
func (s *Store) check(r *protocol.Record) error {
	if r.Type == protocol.TypeGenesis {
		return nil
	}
	var newest uint64
	for _, link := range r.Links {
		newest = max(newest, s.entries[link].record.Timestamp)
	}
	if err := protocol.CheckLinked(&r.Header, newest); err != nil {
		return err
	}
	return s.network.CheckCertified(r, s.rests(r))
}

// rests reports whether a record links a certificate that it can rest on.
func (s *Store) rests(r *protocol.Record) bool {
	return slices.ContainsFunc(r.Links, func(link protocol.ID) bool {
		c := s.entries[link].record
		if c.Type != protocol.TypeCertificate {
			return false
		}
		chain, err := protocol.ParseChain(c.ValueBytes())
		return err == nil && s.network.Supports(chain, &r.Header) != nil
	})
}

// dropDescendants drops what waits for a record that can never attach, and what waits for that.
func (s *Store) dropDescendants(id protocol.ID) {
	for queue := []protocol.ID{id}; len(queue) > 0; queue = queue[1:] {
		for _, e := range s.waiting[queue[0]] {
			s.remove(e.record.ID())
			queue = append(queue, e.record.ID())
			for _, link := range e.record.Links {
				if link != queue[0] {
					s.unwait(link, e)
				}
			}
		}
		delete(s.waiting, queue[0])
	}
}

func (s *Store) unwait(link protocol.ID, e *entry) {
	rest := slices.DeleteFunc(s.waiting[link], func(w *entry) bool { return w == e })
	if s.waiting[link] = rest; len(rest) == 0 {
		delete(s.waiting, link)
	}
}

// missingOf returns the ancestors that a pending record waits for, through its pending ancestors,
// and that are not here.
func (s *Store) missingOf(e *entry) (missing []protocol.ID) {
	if e.state != intake.Pending {
		return nil
	}
	seen := make(map[protocol.ID]bool)
	for queue := []*entry{e}; len(queue) > 0; queue = queue[1:] {
		for _, link := range queue[0].record.Links {
			l := s.entries[link]
			if seen[link] || l != nil && l.state != intake.Pending {
				continue
			}
			seen[link] = true
			if l == nil {
				missing = append(missing, link)
			} else {
				queue = append(queue, l)
			}
		}
	}
	return missing
}

// Release implements lfsync.Store.
func (s *Store) Release(_ context.Context, now uint64) (intake.Result, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	var due []*entry
	for _, e := range s.entries {
		if e.state == intake.Held && e.hold <= now {
			due = append(due, e)
		}
	}
	slices.SortFunc(due, func(a, b *entry) int {
		return cmp.Or(cmp.Compare(a.hold, b.hold), a.record.ID().Compare(b.record.ID()))
	})
	var out intake.Result
	for _, e := range due {
		s.remove(e.record.ID())
		put := s.place(e.record)
		out.Attached, out.Missing = append(out.Attached, put.Attached...), append(out.Missing, put.Missing...)
	}
	s.announce(out.Attached)
	return out, nil
}

// Follow implements lfsync.Store.
func (s *Store) Follow(fn func([]intake.Item)) (cancel func()) {
	s.mu.Lock()
	defer s.mu.Unlock()
	f := &follower{fn}
	s.followers[f] = true
	return func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		delete(s.followers, f)
	}
}

func (s *Store) announce(attached []protocol.ID) {
	if len(attached) == 0 || len(s.followers) == 0 {
		return
	}
	items := make([]intake.Item, len(attached))
	for i, id := range attached {
		items[i] = intake.Item{ID: id, Timestamp: s.entries[id].record.Timestamp}
	}
	for f := range s.followers {
		f.tell(items)
	}
}

// Scan implements lfsync.Store.
func (s *Store) Scan(_ context.Context, yield func([]intake.Item) error) error {
	const chunk = 1024
	s.mu.Lock()
	all := s.attached // only ever appended to
	s.mu.Unlock()
	for part := range slices.Chunk(all, chunk) {
		items := make([]intake.Item, len(part))
		for i, e := range part {
			items[i] = intake.Item{ID: e.record.ID(), Timestamp: e.record.Timestamp}
		}
		if err := yield(items); err != nil {
			return err
		}
	}
	return nil
}

// Record implements lfsync.Store.
func (s *Store) Record(_ context.Context, id protocol.ID) (*protocol.Record, bool, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if e := s.entries[id]; e != nil {
		return e.record, true, nil
	}
	return nil, false, nil
}

// ByPrefix implements lfsync.Store.
func (s *Store) ByPrefix(_ context.Context, prefixes [][]byte) ([]intake.Match, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	matches := make([]intake.Match, len(prefixes))
	for i, prefix := range prefixes {
		matches[i] = s.byPrefix(prefix)
	}
	return matches, nil
}

func (s *Store) byPrefix(prefix []byte) (m intake.Match) {
	for _, e := range s.buckets[[2]byte(prefix)] {
		if id := e.record.ID(); m.Count < 2 && bytes.HasPrefix(id[:], prefix) {
			m.Record = e.record
			m.Count++
		}
	}
	if m.Count != 1 {
		m.Record = nil
	}
	return m
}

// Unknown implements lfsync.Store.
func (s *Store) Unknown(_ context.Context, ids []protocol.ID) ([]protocol.ID, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.DeleteFunc(slices.Clone(ids), func(id protocol.ID) bool { return s.entries[id] != nil }), nil
}

// Missing implements lfsync.Store. The order of a map's keys is another one each time.
func (s *Store) Missing(_ context.Context, limit int) (missing []protocol.ID, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for id := range s.waiting {
		if len(missing) >= limit {
			break
		}
		if s.entries[id] == nil {
			missing = append(missing, id)
		}
	}
	return missing, nil
}

// Tips returns attached records that nothing links to, newest first: what a new record should link
// to.
func (s *Store) Tips(_ context.Context, limit int) ([]protocol.ID, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	ids := make([]protocol.ID, 0, len(s.tips))
	for id := range s.tips {
		ids = append(ids, id)
	}
	slices.SortFunc(ids, func(a, b protocol.ID) int {
		return cmp.Or(cmp.Compare(s.entries[b].record.Timestamp, s.entries[a].record.Timestamp), a.Compare(b))
	})
	return ids[:min(limit, len(ids))], nil
}

// Count returns how many records are attached, the genesis included, and how many are pending or
// held.
func (s *Store) Count() (attached, waiting int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.attached), len(s.entries) - len(s.attached)
}

// State tells how a record is here; 0: it is not.
func (s *Store) State(id protocol.ID) intake.Outcome {
	s.mu.Lock()
	defer s.mu.Unlock()
	if e := s.entries[id]; e != nil {
		return e.state
	}
	return 0
}

// All returns all records, attached, pending and held.
func (s *Store) All() (records []*protocol.Record) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, e := range s.entries {
		records = append(records, e.record)
	}
	return records
}

// PulsedRecord implements lfsync.Store. Each version of a claim counts, whatever became of it.
func (s *Store) PulsedRecord(_ context.Context, id protocol.ID) (intake.Pulsed, bool, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	e := s.entries[id]
	if e == nil || e.state != intake.Attached {
		return intake.Pulsed{}, false, nil
	}
	return intake.Pulsed{Record: e.record, Index: e.index, Stands: true}, true, nil
}

// Pulses implements lfsync.Store.
func (s *Store) Pulses(_ context.Context, yield func(protocol.Pulse, intake.Pulsed)) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	for index, p := range s.pulses {
		yield(p, intake.Pulsed{Record: s.attached[index-1].record, Index: index, Stands: true})
	}
	return nil
}

// KeepPulses implements lfsync.Store.
func (s *Store) KeepPulses(_ context.Context, keep []intake.KeptPulse, forget []uint64) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, index := range forget {
		delete(s.pulses, index)
	}
	for _, p := range keep {
		s.pulses[p.Index] = p.Pulse
	}
	return nil
}
