// Package packed writes the headers of attached records without what the database knows anyway.
//
// Of a header more than half repeats or follows from elsewhere. The ID of a link is that of a
// record before it. An owner and a selector key were mostly used before: such words have numbers.
// The hash and the size of the value follow from the value, and most of the timestamp from the
// links. What does not follow is signatures, claims and work. A [Row] keeps these, distances back
// to the links, and the numbers of words. The value itself stays beside it.
//
// [Pack] makes a row, and [Unpack] the record, byte for byte. It asks a [Lookup] for what the row
// refers to. A wrong byte, in a row or in what it refers to, makes a record with another ID. So the
// caller compares the two.
package packed
