// Package archive writes records to CAR files (version 1) and reads them from there.
//
// The file's roots are the network ID and some of the tips. Each record is two blocks: its header
// (dag-cbor) and, where it has one, its value right after that (raw). Parents stand before their
// children, so that a node attaches each record as it comes. The format is that of
// https://ipld.io/specs/transport/car/carv1/, and tools for it read such a file.
package archive
