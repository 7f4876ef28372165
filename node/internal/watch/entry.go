package watch

import (
	"slices"

	"github.com/lf-store/lf/protocol"
	"github.com/lf-store/lf/store"
)

// group is all that is watched with the same options.
type group struct {
	options Options
	id      string
	entries map[protocol.CompositeID]*entry
	ranges  map[string]*ranged
}

// entry is one composite key that somebody watches with one group's options.
type entry struct {
	group  *group
	next   *entry // the same key in another group
	id     protocol.CompositeID
	points []protocol.SelectorPoint
	subs   []subscription
	ranges []*ranged // those that have it

	queued  queue // in which it waits to be asked about
	asking  bool
	changed queue // in which it is to be put when the answer under way has come
	// came are versions that came since the key was asked about. They spare the disk.
	came []attachedVersion

	// told is what was delivered last; fresh says that a stream may know something else.
	told  answerID
	fresh bool
	// claimants claim the key, where it is contested by not too many; crowded: by too many.
	claimants []protocol.Owner
	crowded   bool
	contested bool
	// due is the work of all records at which the claims are to be ranked again. at is its place in
	// the heap, -1 where weights cannot change the answer.
	due uint64
	at  int
}

// attachedVersion is a version with its local index.
type attachedVersion struct {
	index  uint64
	record *protocol.Record
}

// answerID tells answers apart.
type answerID struct {
	record  protocol.ID
	damaged bool
}

func answerOf(a *store.Answer) answerID {
	switch {
	case a == nil:
		return answerID{}
	case a.Damaged != nil:
		return answerID{a.Damaged.ID, true}
	}
	return answerID{a.Claims[0].Record.ID(), a.Claims[0].Damaged != nil}
}

// queue is how urgent it is to ask about a key.
type queue uint8

const (
	unqueued queue = iota
	slow           // when there is time
	urgent         // now
)

// subscription is a stream's key.
type subscription struct {
	stream    *Stream
	key       int
	contested bool // the watcher wants to hear of claims that lose
	alive     bool // and of what is alive
	ordinals  []uint64
}

// ranged is a range or an open key that somebody watches.
type ranged struct {
	Key
	id      string
	group   *group
	subs    []subscription
	entries map[*entry][]uint64 // with their ordinals
	listing bool                // it waits to be listed again
	full    bool                // it had more entries than a stream may have
}

// isIdle reports whether nobody watches the entry by name, and no range has it.
func (e *entry) isIdle() bool { return len(e.subs) == 0 && len(e.ranges) == 0 }

// wantsContests reports whether some watcher wants to hear of claims that lose.
func (e *entry) wantsContests() bool {
	wants := func(s subscription) bool { return s.contested }
	return slices.ContainsFunc(e.subs, wants) || slices.ContainsFunc(e.ranges, func(r *ranged) bool { return slices.ContainsFunc(r.subs, wants) })
}

func without(list []subscription, s *Stream) []subscription {
	return slices.DeleteFunc(list, func(one subscription) bool { return one.stream == s })
}

// watchers are all that watch the entry.
func (e *entry) watchers() []subscription {
	list := slices.Clone(e.subs)
	for _, r := range e.ranges {
		list = append(list, r.subs...)
	}
	return list
}
