// Package node is a running peer: it wires the store, the synchronization, the network and the API
// together, and takes them down again in order. Nothing here knows the format of a record or the
// rules that make one valid.
//
// The glossary of package lf explains the nouns of LF. These are the words of this package:
//
//   - A [Node] is what [Start] makes of a [Config] and a home; Close takes everything down that it
//     started.
//   - A [Profile] says where a node listens and whom it may dial; the gater enforces it, limits.go
//     sizes it.
//   - A seed is a peer that the user named; the keeper stays connected to it, on the schedule of a
//     pure state machine.
//   - The finder enters the node at the network's meeting point in its own DHT, and dials those who
//     are there. The rendezvous does the same in a public DHT of others, for nodes that know
//     nobody; its peers there are guests, with which the node parts again.
//   - The repuncher has second tries at holes to peers that are reached through a relay.
//   - Roaming is being carried elsewhere: connections that were left behind are found and ended, on
//     both sides.
//   - The exchange holds the dials that gossip asks for, of peers that a full one names, to what
//     they are good for.
//   - Neighbors are nodes of the network that multicast DNS finds on the local network.
//   - A clone is another running process with this node's identity (package node/internal/clone
//     finds it). A stranger is the throw-away host that asks for it.
//   - The reach is what is known of how others get here: dialed, through a relay, through a hole
//     punched.
//   - The instruments are what the doctor (package doctor) looks at; the facts that it makes words
//     of are gathered from them.
//   - The known peers are those of this network that the node has met; they survive a restart.
//   - The trust is whom the node's user believes where claims contradict each other: the policy and
//     the elected oracles that a query goes by which does not say. The home has it, and the node
//     follows when it changes.
//   - The commentator (package oracle) is there when the node is run as an oracle; its words bear
//     the node's identity.
//   - The service implements api.Service, for the API and for programs that run a node inside
//     themselves.
//
// The libraries' own logs are silent, as they speak of single connections, and remote peers can
// provoke most of it. With GOLOG_LOG_LEVEL set (for example "warn,swarm2=debug") they go to the
// standard error output.
package node
