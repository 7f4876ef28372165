// Package lfsync brings records in and hands them on: the one door through which every record enters a node, gossip,
// and the fetch protocol that closes the gaps gossip leaves. It sees the store through its own small interface.
//
// The nouns:
//
//   - A [Sync] is one node's share in one network's traffic. [Sync.Ingest] is the one door: whatever the source, a
//     record is decoded, checked and stored there and nowhere else.
//   - A [Source] says where a record came from: [Local], or a peer by gossip or fetch.
//   - A frame is how a record travels (protocol.Record.EncodeFrame).
//   - A wanted record is one that another record links to and that is not here. The scheduler decides which peer is
//     asked for which of them; it is a pure state machine, and the driver around it has the clock and the streams.
//   - The fetch protocol (wire.go is its normative text) answers with records by their ID, with some of their
//     ancestors when asked for, or with the responder's tips.
//   - A fault is what a peer did that no correct peer does; it costs the peer the connection, and a long pause. A nuisance is what
//     a correct peer may do now and then, and not again and again (conduct.go).
//
// Gossip is a hint, never the guarantee: what it drops, the links of later records and the tips of peers reveal, and
// fetch brings.
//
// Reading order: limits.go (every number with its derivation), store.go, sync.go, ingest.go, check.go, gossip.go, pubsub.go
// (what the node needs to make a PubSub), wire.go, preamble.go, serve.go, fetch.go, then the scheduler: scheduler.go,
// assign.go, and its driver driver.go.
package lfsync
