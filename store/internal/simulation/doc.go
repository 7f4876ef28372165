// Package simulation attacks a network that runs in one process on virtual time. It holds no code
// but tests.
//
// In the network, a node is a [store.Store] with a clock of its own. A record that somebody
// publishes reaches each node after a random delay of up to a gossip round. So records overtake
// each other, wait pending and are fetched. The network can be cut and healed. Honest people write
// steadily, each linking what the store of their node offers ([store.Store.Links]), as real writers
// do. Records go straight to the stores. What Network.Check guards (claims, seals, work) is not
// solved but stated. A network in which Check guards the door looks the same from inside (see make
// in world_test.go).
//
// Every test prints its seed when it fails; -seed repeats what the seed decides: people, records,
// delays, cuts. Which of the tips offered a writer gets is the store's own chance and not repeated.
//
// What is shown, and what is not defended. The last column is the policy that still holds where
// weight does not; every node agrees in all of them but for local.
//
//	attack                                  what holds                                       the limit, and what is left
//	--------------------------------------  -----------------------------------------------  ------------------------------------
//	a later claim of equal work             starves; loses by weight, local, oracles,        newest believes it
//	                                        however long it waits
//	the same, linked by a friend's record   gains what the owner's gains, never more
//	an owner's update against one who       the claim keeps its heaviest version's weight;   a release gives it up for good
//	waited                                  a tombstone does too
//	both at once, within a round            one answer everywhere, which stays               by weight a coin decides; certified,
//	                                                                                         oracles
//	ten times the work, published openly    beaten for good after (difference of work) /     until then ahead by weight, and for
//	                                        (honest work a round) + 2 rounds                 good where a friend links it before;
//	                                                                                         certified, oracles, local
//	a private chain, published at once      loses with less work than the honest since       wins by weight with more; certified,
//	                                                                                         oracles, local
//	squatting during a partition            one answer everywhere: the claim of the side     a squatter on the larger side wins;
//	                                        that did more work                               certified, oracles, each side's local
//	a long partition                        both sides merge in steps of 1,024 records;
//	                                        nothing is lost
//	back-dating                             no use by weight, local, oracles, newest         as of a time before the owner's
//	                                                                                         claim; within one's own history; by
//	                                                                                         local, what came late by a heal
//	spam on the genesis, at any rate        costs a node what other records do; honest ones
//	                                        are absorbed all the same
//	spam on what is some rounds old         adds weight to what it links                     at five times the honest rate a third
//	                                                                                         of the honest are linked later
//	siblings over a long side chain         each costs its mergeset, 1,024 at most; more
//	                                        is refused
//	a thousand owners of one key, or as     bounded time, at most 100 claims listed; one
//	many versions of one                    claim weighs as its heaviest version alone
//	a bad oracle: lies, floods,             counts as one of those elected, whatever it      decides alone where the others are
//	contradicts itself, speaks of unknown   writes                                           silent
//
// People and records are in world_test.go, time and delays in sim_test.go and node_test.go, and the
// simulation itself is tested in sim_check_test.go. Each kind of attack has a file of its own. In
// agree_test.go all nodes answer alike.
package simulation
