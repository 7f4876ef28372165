package lf

import "github.com/lf-store/lf/protocol"

// EventKind says what a watcher is told.
type EventKind string

// The kinds of events.
const (
	// EventAnswer has a new answer: another claim won, or the owner set a new value.
	EventAnswer EventKind = "answer"
	// EventDeleted says that a tombstone answers, which the Answer of the event is.
	EventDeleted EventKind = "deleted"
	// EventGone says that nothing answers any more: the claim was released or hidden.
	EventGone EventKind = "gone"
	// EventSettled says that the answer did not change for a time while the node was in sync.
	EventSettled EventKind = "settled"
	// EventContested has another owner's claim that came and lost; [Contested] asks for them.
	EventContested EventKind = "contested"
	// EventAlive says that the claim that answers has a pulse which is young enough: [Alive] asks
	// for it. EventLapsed says that it has none any more, which is the node's word.
	EventAlive  EventKind = "alive"
	EventLapsed EventKind = "lapsed"
	// EventPresent says that all answers of the start were delivered. What comes after it is a
	// change.
	EventPresent EventKind = "present"
	// EventSync says whether the node is in sync now.
	EventSync EventKind = "sync"
)

// String is the kind's name.
func (k EventKind) String() string { return string(k) }

// Event is what a watcher is told. Which members it has depends on its Kind.
type Event struct {
	Kind EventKind
	// Asked says which of the keys of [Client.WatchMany] the event is about, counted from 0.
	Asked int
	// Key has each name of the question with the ordinal found. With [Further] a record may have
	// further names.
	Key Key
	// Composite identifies the composite key. It tells apart answers that have further names.
	Composite protocol.CompositeID
	// Answer is what answers now, checked as that of [Client.Get] is. Its Deleted and Sealed tell
	// why it has no value. It is nil with gone, present and sync, with Damaged, and where it is
	// settled that nothing answers. It may be nil with lapsed.
	Answer *Answer
	// Damaged says that the node's disk damaged the record that answers. Once the node has fetched
	// it from a peer, the answer comes.
	Damaged *DamagedError
	// Rival is the claim that came and lost, of a contested answer.
	Rival *Version
	// Before is the record that answered before, as far as this watch delivered it; else zero.
	Before protocol.ID
	// Decided is the criterion that told the answer from the next claim, "" where there is one
	// claim only. It is the node's word.
	Decided protocol.Criterion
	// Unsettled tells that the answer takes the place of a settled one.
	Unsettled bool
	// Lead says by how much weight the settled claim leads the next one. It is the node's word.
	Lead uint64
	// All tells of a present event that the answers since the start are all that there are. It is
	// false where a watch goes on [After] an event: what the caller knew then holds, too.
	All bool
	// Synced tells whether the node is in sync.
	Synced bool
	// Cursor is where a later watch goes on after this event: see [After].
	Cursor string
}
