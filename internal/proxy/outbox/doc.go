// Package outbox keeps finished records until enough nodes have attached them. It does so in a
// file: neither a restart nor a node's death costs a second proof of work.
//
// [Outbox] says which record is to be handed in again, and when. It is a state machine with a file:
// it starts nothing. The file has what every node stores, and the names of the proxy's clients.
package outbox
