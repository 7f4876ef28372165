// Package stream serves a network's stream protocols to peers, and opens streams to them.
//
//   - A [Service] is a stream protocol as the node's one table lists it: its name and its limits.
//   - A [Limiter] serves streams. Each peer has a rate and a number of streams, and all peers share
//     places and a rate.
//   - A [Served] stream is one that a peer has opened.
//   - A [Dialer] opens streams on existing connections.
//
// Both report the violation that ended a stream, once. What serves or talks does not.
package stream
