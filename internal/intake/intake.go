// Package intake has the types that tell what became of a record. The store fills them in, package
// lfsync hands them on, and the node shows them: none of the three copies them.
package intake

import "github.com/lf-store/lf/protocol"

// Outcome says what became of a record that was put, and how far one has come that is here.
type Outcome int

// The outcomes. Known means that the record was here already; Result.State says how. The first
// three are states too.
const (
	Attached Outcome = iota + 1 // stored, with all its ancestors
	Pending                     // stored, and some ancestor is missing
	Held                        // stored, until the clock reaches it
	Known                       // was here already
	Refused                     // not stored; Result.Err says why
)

var outcomeNames = [...]string{"none", "attached", "pending", "held", "known", "refused"}

func (o Outcome) String() string {
	if o < 0 || int(o) >= len(outcomeNames) {
		return "unknown"
	}
	return outcomeNames[o]
}

// Result tells what became of a record.
type Result struct {
	Outcome Outcome
	// State is the record's now: Attached, Pending or Held, and 0 when it was refused.
	State Outcome
	// Index is an attached record's local index, 1 for the first.
	Index uint64
	// Missing are the links that a pending record waits for and that are not here. Of a record that
	// was pending already they may be its ancestors' links, too.
	Missing []protocol.ID
	// Attached are the records that became attached by this put, parents first, this one included.
	// Where very many waited for it they are the first of them: the others follow soon, in
	// transactions of their own. Followers of the store are told of all.
	Attached []protocol.ID
	// Err says why the record was refused. It is a *protocol.InvalidError if it can never be valid,
	// and otherwise something that may pass, as a full queue does.
	Err error
}

// Item is an attached record as an element of the set that peers compare.
type Item struct {
	ID        protocol.ID
	Timestamp uint64 // milliseconds
	Index     uint64 // the record's local index
}

// Match is what a store has of the records whose IDs begin with the same bytes.
type Match struct {
	// Record is the record, if there is one alone.
	Record *protocol.Record
	// Count is how many there are: 0, 1, or 2 for more than one.
	Count int
	// Err says that the only one is damaged.
	Err error
}
