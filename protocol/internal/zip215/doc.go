// Package zip215 verifies many Ed25519 signatures together, by the rules of ZIP-215
// (https://zips.z.cash/zip-0215). What it says of a signature is what package ed25519consensus
// says.
//
// It takes about half of that package's time where signatures are by few keys. The records of an
// owner come together, and so do the values under one name. That package gives each signature a
// term of its own for its key. Here the signatures by one key share a term. For the signatures
// (R, s) with challenges k by keys A, and random numbers z, the sum is
//
//	8 (−(Σ z s) B + Σ z R + Σ over the keys (Σ z k) A) = 0
//
// The cofactor 8 cancels what parts of small order add. So it does not matter that a key's factor
// is taken modulo the large prime order.
package zip215
