package protocol

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"slices"
)

// Word is what an oracle says of one owner's claim under one composite key: it objects, or it no
// longer does.
type Word struct {
	Composite CompositeID
	Owner     Owner
	Objects   bool
}

func (w *Word) compare(o *Word) int {
	return cmp.Or(bytes.Compare(w.Composite[:], o.Composite[:]), bytes.Compare(w.Owner[:], o.Owner[:]))
}

// A commentary is an array in DAG-CBOR, and each word in it an array of 70 bytes: 0x83, two byte
// strings of 32, and 0 or 1.
const wordSize = 1 + 2*(2+32) + 1

// EncodeCommentary returns the value of a commentary record: at least one word, each of its own
// pair of composite key and owner, in any order.
func EncodeCommentary(words []Word) ([]byte, error) {
	sorted := slices.Clone(words)
	slices.SortFunc(sorted, func(a, b Word) int { return a.compare(&b) })
	for i := 1; i < len(sorted); i++ {
		if sorted[i-1].compare(&sorted[i]) == 0 {
			return nil, fmt.Errorf("a commentary with two words on owner %s under composite key %s", sorted[i].Owner, sorted[i].Composite)
		}
	}
	if len(words) == 0 || len(words) > MaxWords(MaxValue) {
		return nil, fmt.Errorf("a commentary has 1 to %d words, not %d", MaxWords(MaxValue), len(words))
	}
	out := arrayHead(len(sorted))
	for _, w := range sorted {
		out = append(append(append(out, arrayOf3), bytes32...), w.Composite[:]...)
		out = append(append(out, bytes32...), w.Owner[:]...)
		if w.Objects {
			out = append(out, 1)
		} else {
			out = append(out, 0)
		}
	}
	return out, nil
}

// ParseCommentary reads the value of a commentary record strictly: what it accepts encodes to the
// same bytes.
func ParseCommentary(value []byte) ([]Word, error) {
	count := len(value) / wordSize // what comes in front of the words is shorter than one
	if count == 0 || !bytes.HasPrefix(value, arrayHead(count)) || len(value) != len(arrayHead(count))+count*wordSize || len(value) > MaxValue {
		return nil, errors.New("not a commentary: not an array of words in its shortest form")
	}
	words := make([]Word, count)
	rest := value[len(arrayHead(count)):]
	for i := range words {
		if err := words[i].decode(rest[:wordSize]); err != nil {
			return nil, err
		}
		if i > 0 && words[i-1].compare(&words[i]) >= 0 {
			return nil, errors.New("not a commentary: its words are not sorted and distinct")
		}
		rest = rest[wordSize:]
	}
	return words, nil
}

func (w *Word) decode(b []byte) error {
	composite, owner, word := b[1:35], b[35:69], b[69]
	if b[0] != arrayOf3 || !bytes.HasPrefix(composite, bytes32) || !bytes.HasPrefix(owner, bytes32) || word > 1 {
		return errors.New("not a commentary: a word is not a composite key, an owner, and 0 or 1")
	}
	copy(w.Composite[:], composite[2:])
	copy(w.Owner[:], owner[2:])
	w.Objects = word == 1
	return nil
}

// Words returns what a record says as a commentary. It returns nil for a record of another type,
// one with selectors, and one whose value is no commentary or not at hand.
func (r *Record) Words() []Word {
	if r.Type != TypeCommentary || len(r.Selectors) > 0 {
		return nil
	}
	words, err := ParseCommentary(r.value)
	if err != nil {
		return nil
	}
	return words
}

// MaxWords returns how many words fit a commentary with a value of at most maxValue bytes.
func MaxWords(maxValue uint32) int {
	count := int(maxValue) / wordSize
	for count > 0 && len(arrayHead(count))+count*wordSize > int(maxValue) {
		count--
	}
	return count
}

// arrayHead is the beginning of a CBOR array of count items.
func arrayHead(count int) []byte { return appendHead(nil, majorArray, uint64(count)) }
