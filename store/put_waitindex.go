package store

import (
	"hash/maphash"
	"slices"
	"sync"

	"github.com/lf-store/lf/protocol"
)

// waitKey stands for an ID in memory: two hashes of it, with keys of this process. Nobody can
// choose IDs that share one, so equal keys are equal IDs.
type waitKey [2]uint64

// waitIndex knows in memory which records are pending, and which of them wait for a record. On the
// disk that would be a row at a random place for each link. It is built at a start from the tables
// pending and waits. The writer changes it along with them, and a rollback changes it back. Its
// size is bounded by the pending queue's: about 40 bytes a link.
type waitIndex struct {
	seeds [2]maphash.Seed
	last  int64 // the number of the last pending record

	// mu guards wanted and several, which readers look at. The rest is the writer's alone.
	mu sync.Mutex
	// pending has the number of each pending record.
	pending map[waitKey]int64
	// wanted and present have what pending records wait for, each with the number of the record
	// that waits, 0 where several do. present are the records that are pending, held or settled,
	// wanted all others.
	wanted, present map[waitKey]int64
	// several are the numbers, ascending, where several records wait for one.
	several map[waitKey][]int64
	// changes are those since the transaction began.
	changes []waitChange
	// peak is how many records were pending at most since the maps were made.
	peak int
}

// waitChange is a change of the index, as undo needs it.
type waitChange struct {
	undo   func(x *waitIndex, c waitChange)
	key    waitKey
	seq    int64
	wanted bool
}

func newWaitIndex() *waitIndex {
	x := &waitIndex{seeds: [2]maphash.Seed{maphash.MakeSeed(), maphash.MakeSeed()}}
	x.reset()
	return x
}

// reset forgets everything. A map that has grown keeps its memory, so these are new ones.
func (x *waitIndex) reset() {
	x.mu.Lock()
	defer x.mu.Unlock()
	x.pending, x.wanted, x.present, x.several = map[waitKey]int64{}, map[waitKey]int64{}, map[waitKey]int64{}, map[waitKey][]int64{}
	x.changes, x.peak = nil, 0
}

func (x *waitIndex) key(id protocol.ID) waitKey {
	return waitKey{maphash.Bytes(x.seeds[0], id[:]), maphash.Bytes(x.seeds[1], id[:])}
}

// isPending reports whether a record is pending.
func (x *waitIndex) isPending(id protocol.ID) bool {
	_, is := x.pending[x.key(id)]
	return is
}

// isAwaited reports whether some pending record waits for a record, and isWanted whether that is
// not here in any state.
func (x *waitIndex) isAwaited(id protocol.ID) bool {
	if len(x.pending) == 0 {
		return false
	}
	key := x.key(id)
	_, present := x.present[key]
	_, wanted := x.wanted[key]
	return present || wanted
}

func (x *waitIndex) isWanted(id protocol.ID) bool {
	_, wanted := x.wanted[x.key(id)]
	return wanted
}

// addPending gives a pending record its number.
func (x *waitIndex) addPending(id protocol.ID) int64 {
	x.last++
	x.putPending(x.key(id), x.last)
	x.peak = max(x.peak, len(x.pending))
	return x.last
}

func (x *waitIndex) putPending(key waitKey, seq int64) {
	x.pending[key] = seq
	x.note(waitChange{key: key, undo: func(x *waitIndex, c waitChange) { delete(x.pending, c.key) }})
}

// removePending forgets that a record is pending. Where the disk damaged the ID, it is found by its
// number.
func (x *waitIndex) removePending(id protocol.ID, seq int64) {
	key := x.key(id)
	if x.pending[key] != seq {
		for k, s := range x.pending {
			if s == seq {
				key = k
			}
		}
	}
	delete(x.pending, key)
	x.note(waitChange{key: key, seq: seq, undo: func(x *waitIndex, c waitChange) { x.pending[c.key] = c.seq }})
}

// addWaiter notes that a pending record waits for another one. wanted says of one for which none
// waited before that it is not here.
func (x *waitIndex) addWaiter(id protocol.ID, seq int64, wanted bool) {
	key := x.key(id)
	x.putWaiter(key, seq, wanted)
	x.note(waitChange{key: key, seq: seq, undo: func(x *waitIndex, c waitChange) { x.takeWaiter(c.key, c.seq) }})
}

// removeWaiter notes that a pending record does not wait for another one any more.
func (x *waitIndex) removeWaiter(id protocol.ID, seq int64) {
	key := x.key(id)
	wanted, found := x.takeWaiter(key, seq)
	if found {
		x.note(waitChange{key: key, seq: seq, wanted: wanted, undo: func(x *waitIndex, c waitChange) { x.putWaiter(c.key, c.seq, c.wanted) }})
	}
}

// setWanted says of a record that pending ones wait for whether it is not here in any state.
func (x *waitIndex) setWanted(id protocol.ID, wanted bool) {
	key := x.key(id)
	if x.move(key, wanted) {
		x.note(waitChange{key: key, wanted: !wanted, undo: func(x *waitIndex, c waitChange) { x.move(c.key, c.wanted) }})
	}
}

func (x *waitIndex) note(c waitChange) { x.changes = append(x.changes, c) }

// list is the map of the records that are wanted, or of those that are not.
func (x *waitIndex) list(wanted bool) map[waitKey]int64 {
	if wanted {
		return x.wanted
	}
	return x.present
}

// move moves an entry between the two maps and reports whether it was in the other one.
func (x *waitIndex) move(key waitKey, wanted bool) bool {
	seq, found := x.list(!wanted)[key]
	if found {
		x.mu.Lock()
		defer x.mu.Unlock()
		delete(x.list(!wanted), key)
		x.list(wanted)[key] = seq
	}
	return found
}

func (x *waitIndex) putWaiter(key waitKey, seq int64, wanted bool) {
	x.mu.Lock()
	defer x.mu.Unlock()
	if _, found := x.list(!wanted)[key]; found {
		wanted = !wanted
	}
	list := x.list(wanted)
	first, found := list[key]
	switch {
	case !found:
		list[key] = seq
		return
	case first != 0:
		list[key], x.several[key] = 0, []int64{first}
	}
	numbers := x.several[key]
	at, _ := slices.BinarySearch(numbers, seq)
	x.several[key] = slices.Insert(numbers, at, seq)
}

// takeWaiter reports whether the record waited, and whether the one that it waited for was wanted.
func (x *waitIndex) takeWaiter(key waitKey, seq int64) (wanted, found bool) {
	first, wanted := x.wanted[key]
	if !wanted {
		first = x.present[key]
	}
	x.mu.Lock()
	defer x.mu.Unlock()
	list, numbers := x.list(wanted), x.several[key]
	if first != 0 || len(numbers) == 0 {
		if found = first == seq; found {
			delete(list, key)
		}
		return wanted, found
	}
	at, found := slices.BinarySearch(numbers, seq)
	switch {
	case !found:
		return wanted, false
	case at == 0: // the usual case, and others may be many
		numbers = numbers[1:]
	default:
		numbers = slices.Delete(numbers, at, at+1)
	}
	if x.several[key] = numbers; len(numbers) == 1 {
		list[key] = numbers[0]
		delete(x.several, key)
	}
	return wanted, true
}

// waiters returns the numbers of the first pending records that wait for one, at most limit.
func (x *waitIndex) waiters(id protocol.ID, limit int) []int64 {
	key := x.key(id)
	seq := x.wanted[key] + x.present[key] // it is in one of them at most
	if seq != 0 {
		return []int64{seq}
	}
	numbers := x.several[key]
	return slices.Clone(numbers[:min(limit, len(numbers))])
}

// sample returns at most limit wanted records, by the number of a record that waits for them. Where
// there are more, each call begins somewhere else: Go walks a map from a random place.
func (x *waitIndex) sample(limit int) map[int64][]waitKey {
	x.mu.Lock()
	defer x.mu.Unlock()
	found := map[int64][]waitKey{}
	for key, seq := range x.wanted {
		if limit--; limit < 0 {
			break
		}
		if seq == 0 {
			seq = x.several[key][0]
		}
		found[seq] = append(found[seq], key)
	}
	return found
}

// keep makes the changes of the transaction last. The memory of a full queue is given back when
// that is empty again.
func (x *waitIndex) keep() {
	x.changes = x.changes[:0]
	if len(x.pending) == 0 && x.peak > waitPeak {
		x.reset()
	}
}

// undo takes back the changes of the transaction, the last one first.
func (x *waitIndex) undo() {
	for _, c := range slices.Backward(x.changes) {
		c.undo(x, c)
	}
	x.changes = x.changes[:0]
}

// load reads the index from the tables. lost are pending records of which the disk lost what they
// wait for.
func (x *waitIndex) load(c *conn) (lost []int64, err error) {
	x.reset()
	x.last = 0
	waiting := map[int64]bool{}
	if err := c.each(func(r *rows) error {
		id, _ := readID(r.blob(1))
		x.pending[x.key(id)] = r.int(0)
		x.last = max(x.last, r.int(0))
		return nil
	}, "SELECT seq, id FROM pending"); err != nil {
		return nil, err
	}
	x.peak = len(x.pending)
	if err := c.each(func(r *rows) error {
		links := splitIDs(r.blob(1))
		for _, id := range links {
			x.putWaiter(x.key(id), r.int(0), !x.isPending(id))
		}
		waiting[r.int(0)] = len(links) > 0
		x.last = max(x.last, r.int(0))
		return nil
	}, "SELECT seq, links FROM waits ORDER BY seq"); err != nil {
		return nil, err
	}
	for _, seq := range x.pending {
		if !waiting[seq] {
			lost = append(lost, seq)
		}
	}
	for _, sql := range []string{"SELECT id FROM held", "SELECT id FROM settled"} {
		if err := c.each(func(r *rows) error {
			if id, ok := readID(r.blob(0)); ok {
				x.move(x.key(id), false)
			}
			return nil
		}, sql); err != nil {
			return nil, err
		}
	}
	return lost, nil
}
