package negentropy

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"slices"
	"strings"
)

// simpleNumber writes a number as SPEC.md says, a digit at a time.
func simpleNumber(v uint64) []byte {
	out := []byte{byte(v % 128)}
	for v /= 128; v > 0; v /= 128 {
		out = append([]byte{byte(v%128) + 128}, out...)
	}
	return out
}

// simpleRange appends a range whose bound has a prefix of this many bytes; payload is what follows
// the mode.
func simpleRange(b []byte, below, time uint64, prefix []byte, mode byte, payload []byte) []byte {
	delta := uint64(0)
	if time != Infinity.Timestamp {
		delta = time - below + 1
	}
	b = append(b, simpleNumber(delta)...)
	b = append(append(b, byte(len(prefix))), prefix...)
	return append(append(b, mode), payload...)
}

func digest(n int) (id ID) { return sha256.Sum256(fmt.Append(nil, n)) }

func hexes(ids []ID) []string {
	out := []string{}
	for _, id := range ids {
		out = append(out, hex.EncodeToString(id[:]))
	}
	return out
}

// edges are timestamps at which implementations break: 2^31, 2^32, 2^53−1, and an ordinary one
// of 2027.
var edges = []uint64{0, 1, 127, 128, 1<<31 - 1, 1 << 31, 1<<32 - 1, 1 << 32, 1<<32 + 1, 1_800_000_000_000, 1_800_000_000_001, 1<<53 - 1}

func makeVectors() (v vectors) {
	for _, n := range append(slices.Clone(edges), 16383, 16384, 1<<28, 1<<35-1, 1<<63, 1<<64-1) {
		v.Numbers = append(v.Numbers, numberVector{n, hex.EncodeToString(simpleNumber(n))})
	}
	ones := ID(bytes.Repeat([]byte{0xff}, 32))
	for _, ids := range [][]ID{nil, {digest(0)}, {digest(0), digest(1)}, {ones}, {ones, digest(2)}, {ones, {1}}, {ones, ones}, numberedIDs(200)} {
		var items slice
		for i, id := range ids {
			items = append(items, Item{uint64(i), id})
		}
		f := items.Fingerprint(0, len(items))
		v.Fingerprints = append(v.Fingerprints, fingerprintVector{hexes(ids), hex.EncodeToString(f[:])})
	}
	v.Messages = makeMessages()
	v.Answers = makeAnswers()
	v.Bounded = makeBounded()
	return v
}

func numberedIDs(n int) (ids []ID) {
	for i := range n {
		ids = append(ids, digest(i))
	}
	return ids
}

func makeMessages() (all []messageVector) {
	f := bytes.Repeat([]byte{7}, 16)
	message := func(name string, ranges ...rangeVector) {
		b, below := []byte{0x61}, uint64(0)
		for i, r := range ranges {
			time := Infinity.Timestamp
			if r.Time != "infinity" {
				fmt.Sscan(r.Time, &time)
			}
			prefix, _ := hex.DecodeString(r.ID)
			mode, payload := byte(0), []byte(nil)
			switch r.Mode {
			case "fingerprint":
				mode, payload = 1, f
				ranges[i].Fingerprint = hex.EncodeToString(f)
			case "list":
				mode, payload = 2, simpleNumber(uint64(len(r.IDs)))
				for _, id := range r.IDs {
					raw, _ := hex.DecodeString(id)
					payload = append(payload, raw...)
				}
			}
			b = simpleRange(b, below, time, prefix, mode, payload)
			below = time
		}
		all = append(all, messageVector{name, hex.EncodeToString(b), ranges})
	}
	at := func(time uint64, prefix string, mode string) rangeVector {
		return rangeVector{Time: fmt.Sprint(time), ID: prefix, Mode: mode}
	}
	end := func(mode string, ids ...ID) rangeVector {
		return rangeVector{Time: "infinity", Mode: mode, IDs: hexes(ids)}
	}
	message("nothing", []rangeVector{}...)
	message("a fingerprint of all", end("fingerprint"))
	message("an empty list of all", end("list"))
	message("two IDs", end("list", digest(1), digest(2)))
	var rising []rangeVector
	for _, time := range edges[1:] {
		rising = append(rising, at(time, "", "fingerprint"))
	}
	message("times beyond 32 bits, each written as the difference to the one before", append(rising, end("skip"))...)
	message("one time, bounds that differ in the ID", at(1_800_000_000_000, "01", "fingerprint"), at(1_800_000_000_000, "0102", "skip"),
		at(1_800_000_000_000, "ff", "fingerprint"), at(1_800_000_000_001, "", "fingerprint"), end("fingerprint"))
	message("a bound of 32 bytes", at(5, strings.Repeat("ab", 32), "fingerprint"))
	message("2^53-1", at(1<<53-1, "", "fingerprint"), end("list", digest(3)))
	return all
}

// makeAnswers are answers of a responder that has no limit.
func makeAnswers() (all []answerVector) {
	var few, many slice
	for n := range 100 { // two of each timestamp
		item := Item{1_800_000_000_000 + uint64(n/2), digest(n)}
		many.insert(item)
		if n < 31 {
			few.insert(item)
		}
	}
	add := func(name string, s slice, message []byte, answer func(b []byte) []byte) {
		v := answerVector{Name: name, Message: hex.EncodeToString(message), Answer: hex.EncodeToString(answer([]byte{0x61}))}
		for _, item := range s {
			v.Items = append(v.Items, itemVector{item.Timestamp, hex.EncodeToString(item.ID[:])})
		}
		all = append(all, v)
	}
	nothing := func(b []byte) []byte { return b }
	all0 := func(f Fingerprint) []byte { return simpleRange([]byte{0x61}, 0, Infinity.Timestamp, nil, 1, f[:]) }
	list := func(s slice) []byte {
		payload := simpleNumber(uint64(len(s)))
		for _, item := range s {
			payload = append(payload, item.ID[:]...)
		}
		return payload
	}
	add("another version, which is answered with one's own and is no violation", few, []byte{0x62}, nothing)
	add("another version with anything after it", few, []byte{0x6f, 1, 2, 3}, nothing)
	add("the lowest other version", few, []byte{0x60}, nothing)
	add("a message without ranges", few, []byte{0x61}, nothing)
	add("a skipped range", few, []byte{0x61, 0, 0, 0}, nothing)
	add("an equal fingerprint", many, all0(many.Fingerprint(0, len(many))), nothing)
	add("another fingerprint, 31 items: their list", few, all0(Fingerprint{}), func(b []byte) []byte {
		return simpleRange(b, 0, Infinity.Timestamp, nil, 2, list(few))
	})
	add("an empty list: one's own list", few, []byte{0x61, 0, 0, 2, 0}, func(b []byte) []byte {
		return simpleRange(b, 0, Infinity.Timestamp, nil, 2, list(few))
	})
	add("a list that is equal is answered all the same", few, simpleRange([]byte{0x61}, 0, Infinity.Timestamp, nil, 2, list(few)), func(b []byte) []byte {
		return simpleRange(b, 0, Infinity.Timestamp, nil, 2, list(few))
	})
	add("another fingerprint, 100 items: fingerprints of 16 parts", many, all0(Fingerprint{}), func(b []byte) []byte { return sixteenParts(b, many) })
	add("only the second of three ranges differs", few, threeRanges(few), func(b []byte) []byte {
		b = simpleRange(b, 0, few[10].Timestamp, nil, 0, nil)
		return simpleRange(b, few[10].Timestamp, few[20].Timestamp, nil, 2, list(few[10:20]))
	})
	return all
}

// makeBounded are answers of a responder that ends its comparison at a time: 20 of its 31 items lie
// below it.
func makeBounded() (all []boundedVector) {
	const begin = 1_800_000_000_000
	const end, far = begin + 10, begin + 12
	var s slice
	for n := range 31 { // two of each timestamp
		s.insert(Item{begin + uint64(n/2), digest(n)})
	}
	rank := func(time uint64) int { return s.Rank(Bound{Timestamp: time}) }
	add := func(name string, message, answer []byte) {
		v := boundedVector{answerVector{Name: name, Message: hex.EncodeToString(message), Answer: hex.EncodeToString(answer)}, end, far}
		for _, item := range s {
			v.Items = append(v.Items, itemVector{item.Timestamp, hex.EncodeToString(item.ID[:])})
		}
		all = append(all, v)
	}
	list := func(s slice) []byte {
		payload := simpleNumber(uint64(len(s)))
		for _, item := range s {
			payload = append(payload, item.ID[:]...)
		}
		return payload
	}
	one := []byte{0x61}
	other, whole, lower := Fingerprint{9}, s.Fingerprint(0, len(s)), s.Fingerprint(0, rank(end))
	below := simpleRange(one, 0, end, nil, 1, lower[:])
	add("a fingerprint of all that differs: that of the part below the bound", simpleRange(one, 0, Infinity.Timestamp, nil, 1, other[:]), below)
	add("a list of all: the same", simpleRange(one, 0, Infinity.Timestamp, nil, 2, list(s)), below)
	add("an equal fingerprint of all", simpleRange(one, 0, Infinity.Timestamp, nil, 1, whole[:]), one)
	add("a range above the bound", simpleRange(simpleRange(one, 0, end, nil, 0, nil), end, far+1, nil, 1, other[:]), one)
	add("a list above the bound", simpleRange(simpleRange(one, 0, end+1, nil, 0, nil), end+1, far+1, nil, 2, list(s[:2])), one)
	add("a range that ends one drift above the bound is answered as usual", simpleRange(one, 0, far, nil, 1, other[:]),
		simpleRange(one, 0, far, nil, 2, list(s[:rank(far)])))
	add("a list that ends one drift above the bound, too", simpleRange(simpleRange(one, 0, begin+8, nil, 0, nil), begin+8, far, nil, 2, list(s[:1])),
		simpleRange(simpleRange(one, 0, begin+8, nil, 0, nil), begin+8, far, nil, 2, list(s[rank(begin+8):rank(far)])))
	add("a list that crosses the bound in the middle", simpleRange(simpleRange(one, 0, begin+8, nil, 0, nil), begin+8, far+1, nil, 2, list(s[:1])),
		crossing(s, rank(begin+8), rank(end)))
	return all
}

func crossing(s slice, from, to int) []byte {
	f := s.Fingerprint(from, to)
	b := simpleRange([]byte{0x61}, 0, s[from].Timestamp, nil, 0, nil)
	return simpleRange(b, s[from].Timestamp, s[to].Timestamp, nil, 1, f[:])
}

// sixteenParts splits as SPEC.md says: the first parts have one item more, bounds are as short as
// can be.
func sixteenParts(b []byte, s slice) []byte {
	from, below := 0, uint64(0)
	for i := range 16 {
		to := from + len(s)/16
		if i < len(s)%16 {
			to++
		}
		time, prefix := Infinity.Timestamp, []byte(nil)
		if i < 15 {
			time = s[to].Timestamp
			if s[to-1].Timestamp == time {
				n := 0
				for s[to-1].ID[n] == s[to].ID[n] {
					n++
				}
				prefix = s[to].ID[:n+1]
			}
		}
		f := s.Fingerprint(from, to)
		b = simpleRange(b, below, time, prefix, 1, f[:])
		from, below = to, time
	}
	return b
}

// threeRanges asks of items 0 to 9, 10 to 19 and the others; the second fingerprint is false.
func threeRanges(s slice) []byte {
	a, wrong, c := s.Fingerprint(0, 10), Fingerprint{9}, s.Fingerprint(20, len(s))
	b := simpleRange([]byte{0x61}, 0, s[10].Timestamp, nil, 1, a[:])
	b = simpleRange(b, s[10].Timestamp, s[20].Timestamp, nil, 1, wrong[:])
	return simpleRange(b, s[20].Timestamp, Infinity.Timestamp, nil, 1, c[:])
}
