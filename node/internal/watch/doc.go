// Package watch tells watchers when answers change. The glossary of package lf explains the nouns.
//
// What is watched is the answer under a key, not the traffic. So every change of the database is
// asked which answers it may have changed:
//
//   - A version changes that of its own composite key. Its watchers are found by that. The watchers
//     of ranges and open keys are found by the version's selectors.
//   - A certificate changes contested keys that its owner claims, and a commentary the composite
//     keys that it names.
//   - A list of revocations, a repair of the disk and other settings may change any answer.
//   - Any record adds weight. No claim can overtake the first before the work added exceeds the
//     first one's lead over the second. Then a contested key is ranked again.
//
// These rules are the [Plan], a pure state machine. A key that many watch is asked about once. A
// [Hub] runs the plan: it asks the store for many keys at once, and passes answers on to the
// streams. What takes long (revocations, settings, weights) leaves three times as much time to
// others as it takes.
//
// A [Stream] belongs to one watcher and runs in the watcher's goroutine. While the watcher does not
// read, at most one answer a key waits for it. Package watchstate makes events of answers, and
// keeps what was told.
//
// A change is never lost, because the order is always the same: first a key is registered, then the
// store is asked. An answer that a stream has read itself is read again if anything has changed
// since the reading began.
package watch
