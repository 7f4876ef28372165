// Package lf is the front door of LF ("aleph"), a fully decentralized, fully replicated key/value
// store. LF is for small facts that change rarely, such as keys, certificates, names and addresses.
//
// The package is the client library: what the command line does, a program does with it. [Open]
// connects to a node, and [New] to one in the same process. A [Client] reads and writes:
//
//	db, err := lf.Open(ctx)
//	web := lf.MustKey("svc", "web#1")
//	_, err = db.Set(ctx, web, []byte("10.0.0.1:8080"))
//	answer, err := db.Get(ctx, web, lf.Policy("certified,weight"))
//	for answer, err := range db.Range(ctx, lf.MustKey("svc", "web#")) { … }
//	for event, err := range db.Watch(ctx, web) { … }
//	err = db.Delete(ctx, web)
//
// The client derives names, seals, signs and works here, so a node learns neither names nor keys.
// It believes a node nothing that it can check. Answers are checked by the records' signatures and
// by what was asked for. What is false ends in a [*ForgedError]. What a node withholds nobody can
// see; [Synced] and a second node help there.
//
// The package also embeds the default network. The parts, from the bottom up:
//
//   - [github.com/lf-store/lf/protocol]: the record format and its rules, pure; protocol/SPEC.md is
//     normative.
//   - [github.com/lf-store/lf/pow]: the proof of work, Equi-X, in C with a small Go API.
//   - [github.com/lf-store/lf/store]: the records in SQLite, and queries over them.
//   - [github.com/lf-store/lf/sync]: package lfsync, how records travel, and their admission.
//   - [github.com/lf-store/lf/node/api]: the HTTP API's types and its Go client.
//   - [github.com/lf-store/lf/node]: a running peer, everything wired together.
//   - github.com/lf-store/lf/cmd/lf: the command line.
//
// A program that is a node itself starts one with node.Start.
//
// # Glossary
//
// One word has one meaning everywhere. Each entry needs only those before it. The documentation of
// a package adds the words that only that package needs.
//
// What is written:
//
//   - record: the unit of LF, a header and mostly a value. It never changes. Its ID is the SHA-256
//     of the header, written as a CID.
//   - owner: the Ed25519 key that signs a record. It is written like a libp2p peer ID.
//   - name: a text, which no record holds. Its hash is a key pair, so everybody with it can write
//     under it, and nobody can read it off a record.
//   - selector: a blinded name in a record, with an ordinal and a signature by the name's key pair.
//     SPEC.md calls that signature the selector's claim.
//   - ordinal: the number beside a name, which is public, so that one can ask for a range.
//   - composite key: all selectors of a record together, the key of the key/value store. Its ID is
//     a hash of them.
//   - value: what a record says, at most a few KiB. It is sealed: encrypted under the mask of the
//     first name, or under a masking key.
//   - type: what a record is for. A datum sets a value or, as a tombstone, deletes it. The other
//     types are release, commentary, certificate, revocation and genesis.
//   - link: the ID of an older record in the header of a younger one. Records and links are a graph
//     without cycles. A record's past is all that its links lead to.
//   - work: the Equi-X proof that pays for a record. Its effort is how many solutions it takes on
//     average. The price grows with the size of the record.
//   - network: one data set, made by its genesis: its first records, the last of which has the
//     parameters. No parameter ever changes.
//   - frame: a record as it travels, its header and its value together.
//
// What a node makes of it:
//
//   - valid: what every node finds a record to be, or not, from the record, its past and the
//     network alone.
//   - attached: a valid record all of whose past is here. Only attached records are answered and
//     linked to. A pending record waits for a missing ancestor, a held one for its time to come.
//   - tip: an attached record that no other links yet.
//   - weight: the work of a record and of all attached records with it in their past.
//   - main parent: the link of a record with the most work in its past. The record's mergeset is
//     what the other links add to that past, at most 1,024 records.
//   - version: a datum or a release under a composite key.
//   - claim: all versions of one owner under one composite key. Its newest version is its answer. A
//     release withdraws the versions before it.
//   - policy: the reader's list of criteria, which ranks the claims of several owners. The best one
//     is the answer.
//   - criterion: one way to compare two claims: certified, oracles, weight, local or newest.
//   - authority: a CA of a network, or one that a reader names. Its certificates say who an owner
//     is. On its network a certified owner pays less.
//   - pulse: what an owner signs to say that it is alive. It is no record, costs no work, and is
//     forgotten after a day. A claim is alive if it has a pulse of late, and otherwise lapsed.
//   - revocation: a record that ends a certificate. A version that needed this certificate is
//     hidden, and no query considers it.
//   - oracle: a node that publishes commentary, its objections to claims that came second. It
//     counts for readers who elect it.
//
// Nodes and how records travel:
//
//   - node: a running program with a database that takes part in a network. Its identity is the key
//     of its peer ID, and no owner.
//   - home: the directory of a node: its identity, its owners, its network, its database.
//   - peer: another node, as this node sees it.
//   - seed: a peer whose address the user or the network file names. Seeds, the DHTs and the local
//     network are a node's bootstrap sources.
//   - relay: a peer that carries connections between two nodes that cannot reach each other. A
//     punched connection is direct although neither side can be dialed.
//   - gossip: how new records spread over direct connections, by GossipSub. Push does the same over
//     relays.
//   - fetch: how a node asks a peer for records by ID.
//   - comparison: a session in which two nodes find out which records each lacks, by
//     range-based set reconciliation (Negentropy).
//   - agreement: a comparison's result that both sides have the same records up to a time. A node
//     is in sync while at least half of its peers agree with it.
//   - admission: the one way into the store, whatever a record's source: decode, check, store.
//   - violation: what no correct peer does. Its penalty is a ban: the peer is refused until a time.
//   - service: what a node offers to programs, over HTTP or in one process.
//   - doctor: the part of a node that tells what is wrong with it and what to do.
//   - testbed: real nodes that are cut, killed and attacked by a script.
package lf
