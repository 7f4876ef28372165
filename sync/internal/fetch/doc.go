// Package fetch brings records that are missing here from peers that have them, by the fetch
// protocol.
//
//   - A [Fetcher] is both sides of the protocol on one node.
//   - A wanted record is one that a peer listed, or that another record links to, and that is not
//     here.
//   - The planner decides which peer is asked for which of them. It is a pure state machine.
//   - A named record is one that only pending records link to. It may be invented, so it has a
//     share of its own.
//   - A [Fetched] record has come, and goes to admission.
//   - A repair fetches what this node's disk has damaged.
package fetch
