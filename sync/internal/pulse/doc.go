// Package pulse decides which pulses a node accepts, and keeps the newest of each claim. It brings
// pulses to peers that gossip does not reach, and to those that were away (SPEC, section 22).
//
// Pulses are cheap to make, so each costly step comes after a cheaper one that filters. The order
// is the clock, the record, what is known, the sender's budget, the signature, what was paid.
//
//   - A [Keeper] is one node's part in all this: the protocol's both sides, gossip's validator, and
//     what answers whether a claim is alive.
//   - [Facts] are what of a record its pulses need. A claim is a composite key with an owner.
//   - The book holds the newest pulse of each claim, in buckets by their records. The room is its
//     bound: what paid more stays.
//   - The plan has the order of the checks. The asks say whom to ask for pulses, and when. An
//     outbox has what waits for a relayed peer. These and the book are pure state machines.
//   - A [Verdict] is what became of a pulse.
package pulse
