// Package runs keeps the index rows of numbered records in sorted runs. A row is a short string of
// bytes, not an empty one, and rows are in the order of their bytes. A record has some rows of each
// [Kind], or none. Which ones follows from the record: [Rows.Derive] makes them again.
//
// # Structure
//
// What came last is kept in memory (recent). When there is enough of it, it is written as a run,
// which never changes. A run has the rows of all records from a first to a last one. The runs of a
// kind follow each other without a gap. Runs of one level are merged into one of the next, a slice
// in each transaction. So a row is written once for each level, with its neighbours. Equal rows of
// several records are one row, at the latest after the merge in which they meet. Nobody needs to
// look whether a row is there already.
//
// A run is divided into chunks of a page each, which have numbers. A row in a chunk is written as
// its difference from the one before. A chunk has a checksum. The head of a run says where each
// chunk begins (fences). It also has a filter: of nearly all keys that are not in the run, that
// says so. The key of a row is its first bytes, as many as [Kind.Key] says. Heads are in memory. To
// find the rows of a key costs about one read. To find that there is none costs hardly any.
//
// All is kept in the tables of a database, in the same transactions as what the index is of: after
// a crash the two agree. What is in memory alone is derived again at a start.
//
// # Reading
//
// A transaction calls [Index.View] for the runs that it sees: the database has a version, which
// each change of the runs increases. [View.Scan] returns the rows of a [Range] in order, each once,
// from memory and all runs. [View.Has] looks up one row. Both leave out the rows of records after
// the last one that the transaction sees.
//
//	view, err := index.View(rows)
//	cursor, err := view.Scan(rows, kind, Range{Prefix: key}, last)
//	row, more, err := cursor.Next() // the row is valid until the next call
//
// # Writing
//
// There is one writer. Its transaction calls [Index.Begin], [Index.Add] for each row of each new
// record, and [Index.Work] at the end. Then it calls [Index.Commit] or [Index.Rollback]. With
// [Index.Head] it sees what it added.
//
// # Damage
//
// A reader that meets a damaged chunk tells [Rows.Damaged], derives its rows and goes on: no answer
// lacks a row. One reader derives for all that wait, until nobody waits for it itself. Those rows
// stay in memory until [Index.Rewrite] writes the chunk again. [View.Check] reads a run as it is.
// [Index.Put] and [Index.Drop] mend single rows: those of a record that was damaged when its rows
// were derived.
package runs
