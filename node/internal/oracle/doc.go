// Package oracle is the commentator of a node that is run as an oracle. It follows what is attached
// to the store and publishes commentary: records that object to claims which came after another's.
//
// The nouns:
//
//   - A collision is a composite key that more than one owner claims or claimed.
//   - A word says of one owner's claim under one composite key that the oracle objects to it, or
//     does no longer. A commentary is a record of such words; of all words about a claim an
//     oracle's latest counts.
//   - A [Commentator] decides its words and publishes those that differ from its latest ones.
//   - Its cursor is the index of an attached record: about all up to it everything is said. It
//     survives restarts.
//   - Its [Memory] holds the cursor, and when the last records were published.
//
// What an oracle promises:
//
//   - It objects to every claim that is not first by what its node saw itself (criterion local). It
//     objects to no claim whose order it cannot tell. It withdraws an objection when the claim
//     before is released.
//   - It says nothing twice, and publishes no more records than its limit allows in any hour,
//     restarts included. It loses nothing meanwhile: what does not fit waits, in the store if not
//     in memory.
//   - Its records pay several times their price and link reputable tips only, so that their work
//     overloads these.
//
// What it does not promise:
//
//   - That it is right. It knows only what its node saw, and of what came during a catch-up it
//     knows no order.
//   - That it is quick. A word waits a few seconds for others, then for the limit, and for its
//     work, which is done with what the processor has left. An attacker who pays for more
//     colliding records than the limit has room for words delays what it says about others.
//   - That it hears of every change of order. The revocation of a certificate may change the order
//     under a key without a new record there. The key is judged again when its next record comes.
//   - That it withdraws words about an owner without a claim. Such words count for nothing.
package oracle
