// Package negentropy finds out how two sets differ, at a cost set by the difference and not by the
// sets. It is range-based set reconciliation: Negentropy protocol version 1, bit for bit. It is
// pure: messages in, messages out; no I/O, no goroutines, no clock. It knows nothing of what the
// items are.
//
// The nouns:
//
//   - An [Item] is a timestamp and an [ID]; both together order a [Set].
//   - A [Bound] is a place in that order, a range what lies between two bounds: the lower included,
//     the upper not.
//   - A [Fingerprint] is a digest of a range's items. Equal fingerprints, equal items: nothing more
//     is said of the range.
//   - A [Tree] is the Set that grows, with the fingerprint of any range at hand. It can leave the
//     IDs to somebody else ([IDs]).
//   - The [Initiator] asks and learns what differs, a [Step] a round. The responder ([Respond])
//     answers each message by its set alone, and learns from the lists in it. It remembers nothing.
//
// A session, in short: the initiator sends the fingerprint of all. The responder, whose own
// differs, answers with the fingerprints of sixteen parts; the initiator splits those that differ,
// and so on in turn. A part with fewer than 32 items is listed. The initiator goes on until nothing
// is open.
//
// # The protocol
//
// The source is docs/negentropy-protocol-v1.md of hoytech/negentropy; this is what it says.
//
// A varint is a number in base 128, most significant digit first, as few digits as possible, the
// high bit set on all but the last. A message is the byte 0x61 (version 1), then ranges in order,
// without gaps, the first from the very beginning:
//
//	range = upper bound, mode (varint), payload
//	mode 0, skip: no payload; nothing is said of the range
//	mode 1, fingerprint: 16 bytes
//	mode 2, ID list: their number (varint), then all IDs that the sender has in the range, 32 bytes each
//
// What follows the last range is skipped. A bound is a timestamp (varint), the length of a prefix
// (varint, 0 to 32) and the prefix of an ID. The rest of the ID is zeros. The timestamp is written
// as 0 for infinity, else as 1 + its difference to that of the bound before, which begins at 0 with
// each message. A bound between two items takes no more of the ID than tells them apart. That is
// nothing when their timestamps differ, else the common prefix and one byte.
//
// A fingerprint is the first 16 bytes of a SHA-256. It hashes the sum of the IDs, then the number
// of items as varint. The IDs are read as little-endian numbers, and their sum mod 2²⁵⁶ is 32 bytes
// little-endian.
//
// A responder that is sent another version (0x60 to 0x6F) answers with the one byte 0x61.
//
// # Where the specification leaves room
//
// Reading: varints that are longer than need be or above 2⁶⁴−1, bounds out of order, unknown modes
// and cut-off messages are refused with a [MessageError]. Ranges without extent count as skipped,
// also after infinity, and infinity may carry a prefix of zeros: other implementations write both.
//
// Limits: a responder whose answer is full puts off the rest by the fingerprint of everything from
// there to infinity. An initiator remembers what it has asked and not yet been answered. So it
// repeats that instead of starting from the top again. It ends its message early rather than with a
// fingerprint of the rest. It works upwards: the lowest open range comes first and is always
// answered, so [Step].Done moves and an interrupted session goes on from there ([Config].From). A
// round divides the items of the first open range by sixteen on both sides. So no correct responder
// takes more than 20 rounds before Done moves. One that does is at fault. A responder can still
// move it slowly: how many rounds a session may take is for the caller to say.
//
// Ends: either side may end below infinity. An initiator leaves out what lies above [Config].To. A
// responder with a [Horizon] skips what lies above it. It answers a range that crosses it with the
// fingerprint of the part below.
//
// Sessions with other implementations are in testdata/transcripts and in the module interop.
package negentropy
