// Package graph keeps the graph of package dag in a file beside the database. So it takes little
// memory and is there at once when a node starts.
//
// The file is derived from the database (see package mapped). A start takes it as it was at the
// last checkpoint and adds the records that came after it. The file may not check out, at the start
// or at any later time. Then the graph is made again from the database, and questions wait until
// that is done. Small graphs are not worth a file: they are made again at each start.
//
// The records since the last checkpoint are remembered. So a broken file can be made again while
// the writer is in the middle of a transaction.
package graph
