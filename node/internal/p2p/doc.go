// Package p2p is a node's libp2p host: how it listens, whom it dials, and how others reach it. It
// knows nothing of records. Package discovery, below it, finds the peers to dial.
//
//   - A [Host] is the libp2p host, with what is known of how others reach it.
//   - A [Profile] says where a host listens and whom it may dial. The gater enforces it for each
//     connection, whoever asked for it; limits.go sizes it.
//   - A seed is a peer that the user named. The [Connector] stays connected to the seeds, and looks
//     for peers that were lost. Its redialer decides when: a pure state machine.
//   - [KnownPeers] are those of the network that the node has met. They survive a restart.
//   - The relay counter, the hole punch log and the port mapping tell how the ways to a node work
//     that nobody can dial. The relay source names candidates for relays. The hole punch retrier
//     has second tries at direct connections.
//   - The stale connection prober ends connections that died because the machine moved or slept.
//   - A stranger is a host with a throw-away identity. It finds out who answers under our own.
//
// The libraries' own logs are silent, because they speak of single connections, and remote peers
// can provoke most of it. With GOLOG_LOG_LEVEL set (for example "warn,swarm2=debug") they go to the
// standard error output.
//
// What works around libp2p is in workarounds.go, with the reasons.
package p2p
