// Package reconcile compares this node's set of attached records with those of peers, by the
// reconcile protocol. So nodes find out what gossip left out.
//
//   - A [Reconciler] is both sides of the protocol on one node.
//   - The local set is that of all attached records, in memory. It follows the store.
//   - A session is a comparison of two sets. One side begins it, the other responds. A long session
//     leads, and there is only one.
//   - The planner decides with whom sessions begin, and when. It is a pure state machine.
//   - A record is listed by a peer when it turned out in a session that the peer has it and this
//     node does not. A peer agreed at a time when all that it listed in a comparison begun then has
//     come. The agreements keep which peers did; they are pure, too.
//   - The horizon is the time up to which a side compares: what its clock lets in.
package reconcile
