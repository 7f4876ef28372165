// Package penalty keeps what peers did that they must not do, and bans peers for it.
//
//   - A [Violation] is what no correct peer does. The code that called a stream handler reports it,
//     once.
//   - A [Minor] violation may happen to a correct peer now and then.
//   - A [Ban] is the penalty: the peer is refused until a time.
//   - [Penalties] is the one keeper. Everything that plans with peers asks it whether a peer is
//     banned.
package penalty
