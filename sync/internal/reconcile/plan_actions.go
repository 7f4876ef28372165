package reconcile

import (
	"time"

	"github.com/libp2p/go-libp2p/core/peer"

	"github.com/lf-store/lf/sync/internal/negentropy"
)

type sessionID uint64

// A action is what the driver has to do: compare or halt.
type action interface{ isAction() }

// compare begins a session of our own with a peer, above the bound to which the comparison begun at
// since has come. The driver answers with ended, exactly once.
type compare struct {
	session sessionID
	peer    peer.ID
	from    negentropy.Bound
	since   time.Duration
	partial bool // what the peer listed below that bound may not have come
}

// halt asks a session to end after the round it is in.
type halt struct{ session sessionID }

func (compare) isAction() {}

func (halt) isAction() {}

// result says how a session ended.
type result int

const (
	resultEqual       result = iota // all was compared, and nothing differed
	resultDiffering                 // all was compared, and something differed
	resultInterrupted               // by us: no room, no lead, or enough rounds
	resultCut                       // the stream broke after at least one round
	resultBusy                      // the peer cannot compare now, and said so
	resultFailed                    // no answer, or too late
	resultViolation                 // the peer broke the protocol
)

var resultNames = [...]string{"equal", "differing", "interrupted", "cut", "busy", "failed", "guilty"}

func (e result) String() string { return resultNames[e] }

// outcome is what came of a session of our own.
type outcome struct {
	result result
	done   negentropy.Bound // all below it is compared
	listed int              // records that were unknown here
}
