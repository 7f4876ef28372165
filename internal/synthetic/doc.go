// Package synthetic makes large sets of records, as many as a network has after a year. They carry
// no work, so ten million take half an hour on two cores. They are the same each time. Benchmarks
// measure with them.
//
// A [Mix] says what the records are like, and a [Maker] makes them in order, on all cores. The
// subfolder synthetichome fills the home of a node with them, and fill is a program that does so:
//
//	go run ./internal/synthetic/fill --records 1000000 DIRECTORY
package synthetic
