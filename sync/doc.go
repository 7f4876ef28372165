// Package lfsync brings records in and hands them on: the one door through which every record
// enters a node, gossip, the reconcile protocol that finds out what gossip left out, and the fetch
// protocol that brings it. It sees the store through its own small interface.
//
// The nouns:
//
//   - A [Sync] is one node's share in one network's traffic. [Sync.Ingest] is the one door:
//     whatever the source, a record is decoded, checked and stored there and nowhere else.
//   - A [Source] says where a record came from: [Local], or a peer by gossip or fetch.
//   - A frame is how a record travels (protocol.Record.EncodeFrame).
//   - The set is that of all attached records; two nodes are in sync when theirs are equal. It is
//     kept in memory, where the fingerprint of any part of it costs little (package negentropy).
//   - A session is a comparison of two sets by the reconcile protocol (reconcile.go is its
//     normative text): one side begins it, the other serves it. The agenda decides with whom and
//     when; it is a pure state machine. A long session leads, and there is only one.
//   - A record is listed by a peer when it turned out in a session that the peer has it and this
//     node does not. A peer agreed at a time when all that it listed in a comparison begun then has
//     come; the ledger keeps who did.
//   - A wanted record is one that a peer listed, or that another record links to, and that is not
//     here. The scheduler decides which peer is asked for which of them; it is a pure state machine
//     too, and the driver around both has the clock and the streams.
//   - A named record is one that only pending records link to. It may be invented, so it has a
//     share of its own (share.go).
//   - The horizon is the time up to which a side compares: what its clock lets in (horizon.go).
//   - The fetch protocol (wire.go is its normative text) answers with records by their ID, with
//     some of their ancestors when asked for.
//   - A fetched record is a parcel until it is stored. It stands in the line, where the answers of
//     several peers are put in order while they are checked in batches on all cores; one goroutine
//     takes them to the store, many in a transaction.
//   - A fault is what a peer did that no correct peer does. It costs the peer a ban, short at
//     first. A nuisance is what a correct peer may do now and then, and not again and again
//     (conduct.go).
//   - The timekeeper asks peers for their clocks (clock protocol, serveclock.go), so that a user
//     can be told whose clock is wrong.
//
// Gossip is a hint, never the guarantee: what it drops, comparisons and the links of later records
// reveal, and fetch brings.
//
// Reading order: limits.go (every number with its derivation), store.go, sync.go, status.go,
// ingest.go, unpaid.go, check.go, gossip.go, pubsub.go (what the node needs to make a PubSub); then
// comparing: reconcile.go, follow.go, horizon.go, agenda.go, agreement.go, compare.go, session.go,
// serve_reconcile.go; then fetching: wire.go, preamble.go, fairqueue.go, serve.go, fetch.go,
// bulk.go, line.go, and the scheduler: scheduler.go, share.go, assign.go, faults.go, and its driver
// driver.go. Beside them: push.go, servepush.go; repair.go; mesh.go; clock.go, askclock.go,
// serveclock.go.
package lfsync
