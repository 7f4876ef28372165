// Package bench measures a whole node from outside: a process of its own, asked over HTTP. It holds
// benchmarks only; what one part costs is measured beside that part.
//
// A node's data sets have 1,000 and 100,000 records, so that growth shows: query figures should be
// the same at both. LF_BENCH_PROFILES=DIR has each such node leave a profile of its processor time
// in a folder.
package bench
