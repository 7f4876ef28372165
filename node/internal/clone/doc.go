// Package clone finds out whether another running process has this node's identity. That happens
// when a home was copied or a virtual machine was cloned. Two such nodes get in each other's way:
// others take them for one, and libp2p never dials its own ID.
//
//   - A clone is another running process with this node's secret key. Each of the two is the
//     other's clone.
//   - An offer is an address that somebody names for this node's own peer ID: a seed, the DHT, peer
//     exchange, multicast DNS.
//   - A nonce is a random number that a process draws when it starts. Two processes with one
//     identity differ in it.
//   - A stranger is a libp2p host with a throw-away identity. It dials an offered address, because
//     the node itself cannot dial its own ID.
//
// An offered address can lead to the node itself, by a router that turns packets around (hairpin
// NAT) or by a name. So the stranger asks for the nonce: only a different one is a clone. The dial
// is encrypted to the identity's key, so nobody without that key can answer. The question is signed
// with the same key, so the clone that is asked learns of its clone, too.
package clone
