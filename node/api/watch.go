package api

import (
	"github.com/lf-store/lf/protocol"
)

// TypeEvents is also how GET and POST /v1/watch answer: an event for each [WatchEvent], whose name
// is its Event and whose id is its Cursor. Every 15 s without an event a comment comes. An error
// that ends the stream is an event named [EventError] with an [Error].

// The events of a watch.
const (
	WatchAnswer    = "answer"    // another record answers
	WatchDeleted   = "deleted"   // a tombstone answers
	WatchGone      = "gone"      // nothing answers any more: released, or hidden
	WatchSettled   = "settled"   // the answer has not changed for a time while the node was in sync
	WatchContested = "contested" // a record of another owner came, and lost
	WatchAlive     = "alive"     // the claim that answers has a pulse that is young enough
	WatchLapsed    = "lapsed"    // it has none any more
	WatchSync      = "sync"      // the node is in sync, or no longer
)

// WatchKey says which answers are watched: those of a query with the same selectors.
type WatchKey struct {
	// Selectors are as in a [Query]: a range of ordinals or a single one each.
	Selectors []SelectorRange `json:"selectors" minItems:"1" maxItems:"15" doc:"one range of ordinals, or a single ordinal, for each selector of the composite keys to watch"`
	Open      bool            `json:"open,omitempty" doc:"also records with further selectors"`
}

// WatchRequest asks to be told when answers change. Its members mean what they mean in a [Query].
type WatchRequest struct {
	Keys        []WatchKey       `json:"keys" minItems:"1" maxItems:"1000" doc:"what to watch. At most 4,000 selectors in all, and 64 of them by name. At most 10,000 composite keys may have an answer"`
	Owners      []protocol.Owner `json:"owners,omitempty" maxItems:"64" doc:"only these owners"`
	Policy      protocol.Policy  `json:"policy,omitempty" doc:"the criteria by which claims are ranked, in order; absent: the node's"`
	Oracles     []protocol.Owner `json:"oracles,omitzero" maxItems:"64" doc:"whose objections count; absent: those elected by the node's user, []: nobody's"`
	Authorities [][]byte         `json:"authorities,omitempty" maxItems:"16" doc:"certificates (X.509, DER, base64) of CAs to trust in addition to the network's, at most 2,048 bytes each"`
	Decrypt     bool             `json:"decrypt,omitempty" doc:"open values with the names given, or with the masking key"`
	MaskingKey  string           `json:"maskingKey,omitempty" maxLength:"1024" doc:"what the values were sealed with, if not with the primary name"`
	Frames      bool             `json:"frames,omitempty" doc:"also each record's frame, its weight and index: what a client verifies answers with"`
	// SettledAfter is how long an answer must stay the same to be called settled, in ms; 0:
	// [DefaultSettled].
	SettledAfter uint32 `json:"settledAfter,omitempty" maximum:"86400000" doc:"how long an answer must not change to be called settled, in ms; 0 is 30,000"`
	Contested    bool   `json:"contested,omitempty" doc:"also tell of records of other owners that came and lost"`
	// Alive asks for the events alive and lapsed. It is the greatest age of a pulse in seconds, as
	// in a [Query], and leaves out no answer.
	Alive uint64 `json:"alive,omitempty" maximum:"86400" doc:"also tell when the claim that answers has a pulse at most this old, in s, and when it has none any more. At least two beats and the drift"`
	// After is the Cursor of the last event that the watcher has taken.
	After string `json:"after,omitempty" maxLength:"512" doc:"the cursor of the last event that was taken. What has not changed since is not told again; if anything has, all current answers come, marked again"`
}

// WatchEvent tells of one change. A watcher may miss what an answer was for a moment, never what it
// is in the end.
//
// A stream begins with the current answers of all keys, and then a sync event with Listed set. If
// the request has a cursor and nothing has changed since, it begins with a sync event without
// Listed.
type WatchEvent struct {
	Event  string `json:"event" enum:"answer,deleted,gone,settled,contested,alive,lapsed,sync" doc:"answer: another record answers. deleted: a tombstone does. gone: nothing answers any more. settled: the answer has not changed for a time while the node was in sync. contested: a record of another owner came, and lost. alive: the claim that answers pulses. lapsed: it no longer does. sync: the node is in sync, or no longer"`
	Cursor string `json:"cursor" doc:"give it as after to go on from this event; also the event's id"`
	Time   uint64 `json:"time" doc:"when this was noticed, by the node's clock, ms since the Unix epoch"`
	// Key, Composite and Ordinals say whose answer it is. A sync event has none of them.
	Key       int                   `json:"key" doc:"which of the request's keys it is, counted from 0"`
	Composite *protocol.CompositeID `json:"composite,omitempty" doc:"the composite key's ID: tells the answers of one range from each other"`
	Ordinals  Uint64s               `json:"ordinals,omitempty" doc:"one for each selector of the key, in its order"`
	// Answer is there with answer, deleted, settled (unless nothing answers), contested, alive and
	// lapsed.
	Answer *Answer `json:"answer,omitempty" doc:"what answers now, as a query tells it"`
	// Before is the record that answered before, as far as this stream has told it.
	Before *protocol.ID `json:"before,omitempty" doc:"the record that answered before"`
	// Decided is by what the answer was told from the next best claim.
	Decided protocol.Criterion `json:"decided,omitempty" doc:"the criterion that told the winner from the next best claim; absent where there is none"`
	// Again marks answers that the watcher may know: its cursor was no longer current.
	Again bool `json:"again,omitempty" doc:"the watcher's cursor is not of this state: this is the current answer, which it may know"`
	// ReplacesSettled is set where the answer before had been called settled.
	ReplacesSettled bool `json:"replacesSettled,omitempty" doc:"the answer before had settled"`
	// Lead is there with settled: by how much the winner's weight exceeds that of the next best
	// claim, or its weight where there is none; 0 where the next best weighs more.
	Lead *Uint64 `json:"lead,omitempty" doc:"with settled: by how much the winner's weight exceeds that of the next best claim; its weight where there is none"`
	// Claim is there with contested.
	Claim *WatchClaim `json:"claim,omitempty" doc:"with contested: the record that came and lost"`
	// Sync is there with sync: a state of a [SyncStatus].
	Sync string `json:"sync,omitempty" enum:"offline,alone,comparing,fetching,synced" doc:"with sync: how the node stands to its peers, as in the status"`
	// Listed is set on the sync event that ends the current answers.
	Listed bool `json:"listed,omitempty" doc:"with sync: all current answers have been told in this stream. A composite key that was not among them has none"`
}

// WatchClaim is a record that did not become the answer.
type WatchClaim struct {
	Owner  protocol.Owner     `json:"owner"`
	Record protocol.ID        `json:"record"`
	LostBy protocol.Criterion `json:"lostBy,omitempty" doc:"the criterion that decided against it"`
}
