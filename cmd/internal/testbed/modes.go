package testbed

// Modes are the ways in which a hostile node misbehaves, one on each of a network's protocols at
// least. Package hostile holds what they do.
//
// A hostile node is a process too, in a home that the testbed has made, with an identity in it:
//
//	lf testbed-hostile MODE --home DIR --network FILE --listen MULTIADDR [--seed MULTIADDR]...
//
// It writes a line "ready" to standard output when it listens, and ends when it is interrupted.
var Modes = []string{
	"gossip-garbage", "gossip-invented-ancestors",
	"fetch-unrelated", "fetch-silent", "fetch-lacks-listed",
	"reconcile-endless", "reconcile-bogus-ids", "reconcile-garbage",
	"slow-reader", "stream-flood", "bit-flips",
}
