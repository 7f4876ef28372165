// Package service is what a node's API serves, and what programs call that run a node inside
// themselves: [Service] implements api.Service over the store, the synchronization and the network.
//
//   - [Trust] is whom the node's user trusts where claims contradict each other: the policy and the
//     elected oracles. The home has it, and the node follows when it changes.
//   - [Peering] are the parts of a node that find peers and keep them.
//   - The drop history tells what bounded queues dropped lately from what they dropped long ago.
//   - Diagnostics are the facts that the doctor (package doctor) makes findings of.
package service
