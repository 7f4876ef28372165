// Package store keeps records in one SQLite file, decides which of them are attached, and answers
// queries.
//
// The glossary of package lf explains the nouns of LF. These are the words of this package:
//
//   - A record is attached when all of its ancestors are here. It then has an index: local, dense,
//     increasing, with parents always before children and the genesis first.
//   - A record is pending while an ancestor is missing, and held while its timestamp is ahead of
//     the clock. Both queues are bounded, and what they drop is counted.
//   - A tip is an attached record that nothing links yet. It is disreputable if it is a datum that
//     came after another owner's claim to its key, as this node has seen it: such tips are not
//     offered as links.
//   - The graph is that of the attached records, in memory (package dag) and, record by record, in
//     the database: main parent, mergeset, work. The writer adds to it what it attaches and takes
//     it back if the commit fails; readers ask it only about indices that their own transaction
//     shows them.
//   - A record is seen at the moment it is first stored, attached or pending. No two are seen at
//     the same.
//   - A wanted record is one that a pending record waits for and that is not here in any state. The
//     writer knows in memory which records wait for which (put_waitindex.go). A start reads that
//     from the table waits.
//   - A settled record is one of which some pending records are still to be told that it attached,
//     or never will. The writer tells them in portions, and other changes come between
//     (put_settle.go).
//   - A version is a datum or release under a composite key. An owner's versions under one key make
//     its claim, and the reader's policy orders the claims of different owners.
//   - An epoch of a claim is what its owner said between two releases. A root is a version with no
//     other of its epoch in its past: the heaviest version, whose weight the claim stands with, is
//     one of them.
//   - A record rests on the chain of certificates of its owner's that a link of it carries. A
//     version that needs to, and whose chains were revoked, is hidden: no query considers it.
//   - A word is what an oracle says of a claim. Its latest one counts.
//   - A key is crowded if 64 owners or more claim it. The table claims has a row for each of these
//     claims: what each criterion compares, and a bound for the weight. A query measures the best
//     rows until no other can beat them.
//   - The lead of a claim is its weight less the work of all attached records. It bounds the weight
//     later: new records add their work at most once. A quiet claim is one that no record links;
//     its weight does not change. Roots have leads too, and can be quiet: an owner can make any
//     number of them. A weighing finds a claim's weight by them, a step at a time.
//
// Every change goes through one writer goroutine, which puts whatever has queued up into one
// transaction and answers each caller after the commit (group commit). What this node's own users
// write goes first. Readers have connections of their own and never wait for the writer. Every
// record's bytes are compared with its ID on their way out ([DamagedError]), in one function;
// another one repairs them with a peer's copy ([Store.Repair]). The scrub ([Store.Scrub]) looks for
// damage that nobody asked for. Readers share the records that queries read lately, decoded: a
// record never changes. They share what they looked up in the indices, too. The writer says what
// changes there.
//
// The same file holds a go-datastore ([Store.Datastore]) for what libp2p wants to remember.
//
// The table pulses has the newest pulse of each claim, as package lfsync hands it over now and
// then. It decides nothing.
//
// The attached records are in blocks of about a page (package blocks). The table graph_blocks has
// their IDs, times and places in the graph, record_blocks their headers and values. Headers are
// packed (package packed): they refer to the IDs of their links, and to owners and keys in the
// table dictionary. Only [Store.Get] and its like see them as they travel. A record whose header
// was damaged and repaired is stored as it travels.
//
// Some indices are sorted runs of rows (package runs). They are those of IDs, of the composite keys
// that a selector has, and of the versions and the releases under a composite key. One more lists
// an owner's records, the newest first ([Store.WrittenBy]). They are made again from the records
// where the disk damaged them. All other indices are tables.
//
// Indices hold the first 5 bytes of an ID, and the first 8 of a composite ID, selector key or
// owner, not all 32. That saves most of their size. A prefix only finds candidates. The record's
// own header, read and hashed, decides. So IDs or keys made to collide (2^20 and 2^32 tries) cost
// their maker a comparison and fool nobody.
//
// Files are named after what they hold, with a prefix for the task. The way in is put_, the way out
// query_. What claims are compared by, and the rows of crowded keys, is rank_. Certificates,
// revocations and objections are cert_, and what a disk damaged is damage_. Pulses are pulse. Every
// invariant, tested by every test, is check_. Migrations are migrate_. SQLite itself is db_:
// connections, transactions, the writer, and what is in the columns. The tables are in
// migrations/*.sql, and the bounds in limits.go.
//
// This package is outside of the module's promise of compatibility: node is what programs embed.
package store
