// Package node is a running peer. It wires the store, the synchronization, the network and the API
// together, and takes them down again in order. Nothing here knows the format of a record or the
// rules that make one valid.
//
// The glossary of package lf explains the nouns of LF. These are the words of this package:
//
//   - A [Node] is what [Start] makes of a [Config] and a home. Close takes everything down that it
//     started. A supervisor (package internal/supervisor) runs its parts.
//   - A [Profile] says where a node listens and whom it may dial.
//   - A [Testbed] is the one hook by which a testbed changes a node: its clock, relays and links.
//
// What a node is made of is internal:
//
//   - p2p: the libp2p host, the seeds, the known peers, relays, and how others reach the node
//   - p2p/discovery: the DHT, the rendezvous in the public DHT, multicast DNS, peer exchange
//   - service: what the API serves, and the facts that the doctor looks at
//   - doctor: findings in words, of those facts
//   - oracle: the commentator of a node that is run as an oracle
//   - clone: whether another running node has this node's identity
//   - syncstore: the store, as package lfsync wants to see it
package node
