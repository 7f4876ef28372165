// Package blocks lays out what the database has of consecutive records in blocks. A block fills
// about one page, where a row for each record would cost a tenth of its size.
//
// There are two kinds. A [Graph] has what tells records apart and their places in the graph. A
// [Records] has their headers and values. Blocks of a kind follow each other without a gap. One is
// found by the index of its first record. Only the last one grows. It is full when the next record
// would not fit any more. A record larger than a page has a block of its own.
//
// A damaged byte spoils the row that it belongs to. Where it belongs to a size or to a time, it may
// spoil those of the rows that follow in the block. Nothing here has a checksum but an ID: it is
// the record's ID that tells whether a header is right.
package blocks
