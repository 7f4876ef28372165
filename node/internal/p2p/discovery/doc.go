// Package discovery finds the peers that a node dials, beside those that its user named.
//
//   - The [DHT] is the network's own. Nodes enter themselves there as providers of the rendezvous
//     key, which follows from the network's ID, and dial the providers that they find.
//   - The [Rendezvous] does the same in the public DHT, for nodes that know nobody. Its peers there
//     are public peers. The node closes the connections to them after each round.
//   - [Neighbors] are nodes of the network that multicast DNS finds on the local network.
//   - The [PeerExchangeHost] bounds the dials that gossip asks for: a peer whose mesh is full names
//     others.
//   - A lookup backoff decides how long to wait between two looks. It is pure.
//   - A provider door bounds what a node keeps for the network's DHT.
//
// Each way of discovery reports addresses that are offered for the node's own ID, because another
// running node may have its identity (package clone).
package discovery
