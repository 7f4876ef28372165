// Package lfsync brings records into a node and hands them on: admission, gossip, and the table of
// the stream protocols by which nodes exchange records. It sees the store through its own small
// interface. It is outside the module's promise of compatibility.
//
// The glossary of package lf explains the nouns of LF. These are the words of this package:
//
//   - A [Sync] is one node's share in one network's traffic.
//   - Admission is the one way in. Whatever the source, a record is decoded, checked and stored
//     there and nowhere else ([Sync.Ingest]).
//   - A [Source] says where a record came from: [Local], or a peer by gossip, push or fetch.
//   - A frame is how a record travels (protocol.Record.EncodeFrame).
//   - A [Service] is a stream protocol. The table of them is in services.go.
//   - The set is that of all attached records. Two nodes are in sync when theirs are equal.
//
// Gossip is a hint, never the guarantee: what it drops, comparisons and the links of later records
// reveal, and fetch brings.
//
// The protocols are packages below internal, and so are what they share: stream serves and opens
// streams, penalty keeps violations and bans.
package lfsync
