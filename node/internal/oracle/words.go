package oracle

import (
	"bytes"
	"cmp"
	"slices"

	"github.com/lf-store/lf/protocol"
)

// Word is what an oracle says about one owner's claim under one composite key: it objects, or it
// withdraws its objection.
type Word = protocol.Word

// judged is a composite key with its claims and the oracle's latest words about it.
type judged struct {
	Collision
	said []Word
}

// differences returns what the oracle has to say for its words to be what it knows. These are
// objections to claims that are not first and to which it does not object, and withdrawals of
// objections to claims that are first. About an owner without a live claim it says nothing. A word
// about nothing does no harm, and if the owner claims again, the key is judged again.
func (j judged) differences() []Word {
	objects := make(map[protocol.Owner]bool, len(j.said))
	for _, w := range j.said {
		objects[w.Owner] = w.Objects
	}
	var words []Word
	for _, c := range j.Claims {
		if objects[c.Owner] == c.First {
			words = append(words, Word{Composite: j.Composite, Owner: c.Owner, Objects: !c.First})
			objects[c.Owner] = !c.First // a claim listed twice is no two words
		}
	}
	slices.SortFunc(words, compareWords)
	return words
}

// compareWords is the order of words in a commentary: by composite key, then by owner.
func compareWords(a, b Word) int {
	return cmp.Or(bytes.Compare(a.Composite[:], b.Composite[:]), bytes.Compare(a.Owner[:], b.Owner[:]))
}
