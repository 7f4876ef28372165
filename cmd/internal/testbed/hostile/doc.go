// Package hostile is a peer that speaks the network's protocols wrongly on purpose. A testbed shows
// with it what honest nodes do: they limit it, then drop it, and go on as if it were not there.
//
// The nouns:
//
//   - A mode is one way of being hostile, with a file of its own ([Modes] lists them). It says what
//     the attacker does to a node that it is connected to, and how it answers a node that asks it
//     something.
//   - A target is a node that the attacker connects to. It comes back when it was dropped, under
//     the same identity, once a second at most.
//   - A [Tally] is what the attacker met at one target: streams that were reset and why,
//     connections that were ended or refused.
//   - The memory is what an attacker heard of the network's records, for those modes that lie about
//     true ones.
//
// It writes the protocols itself (wire.go) and shares no code with the package that it attacks:
// neither does what an attacker runs. It connects to this machine, and, from a network namespace
// that leads nowhere else, to private addresses.
package hostile
