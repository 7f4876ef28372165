// Package runs is an index from hashes to numbers, for tables that are only appended to. Entries
// come in the order of their numbers, which are dense. They are looked up by hashes, which are at
// random places.
//
// What came last is kept in memory (recent). When there is enough of it, it is sorted and written
// as a run, which never changes. Runs of one level are merged into one of the next, a slice in each
// transaction. So an entry is written once for each level, with its neighbours. Each run has a
// filter in memory. It says of nearly all runs that they do not have a hash. To find a hash costs
// about one read, and to find that it is not there hardly any.
//
// All is kept in the tables of a database, in the same transactions as what the index is of: after
// a crash the two agree. What is in memory alone is read again from that ([Source]). A run is
// divided into chunks of a page each. A chunk has a checksum, and says where the next one begins,
// so that a lost one is noticed ([DamagedError]). The run's numbers say what it was made from, so
// any of it can be made again.
//
// A reader sees the runs of its own transaction ([View]): the database has a version, which each
// change of the runs increases. It may also be told what came later than its transaction. Two
// hashes may share their beginning, so whoever looks one up compares it with what the number leads
// to.
package runs
