// Package simulation shows how package lfsync behaves in networks larger than a machine could run
// and over times longer than a test may take. Many nodes run in one process, on simulated lines, in
// fake time.
//
// Real are lfsync.Sync, GossipSub as a node makes it (lfsync.PubSubOptions), libp2p's swarm, QUIC
// and identify, and the records: every node checks every signature. Simulated are the lines
// (simnet: latency, bandwidth, queues; losses and partitions are this package's) and the clock
// (testing/synctest). The store is in memory (package memstore). Fake time stands still while
// anything computes: what the figures leave out is processor time, about 0.2 ms of checks a hop.
// TCP, the DHT and discovery are not here; a topology says which node dials which. A relay is there
// only as what libp2p makes of it: connections that are limited.
//
// The nouns:
//
//   - A world is a network of nodes in a bubble of fake time. A node is what runs on one host, and
//     can stop and start again.
//   - A topology says which node dials which. Conditions say what the wire loses, how long it
//     takes, and which nodes are cut off from each other.
//   - The journal knows when which node attached what.
//   - Traffic counts the payload of streams by protocol; the wire counts datagrams with their IP
//     and UDP headers.
//
// A bubble ends only when all its goroutines have: each test also proves that nothing is left
// when a node closes.
//
// With -nodes=1000 the large networks are that large.
package simulation
