package protocol

import "github.com/fxamacker/cbor/v2"

// The codec is DAG-CBOR (https://ipld.io/specs/codecs/dag-cbor/spec/): definite lengths, shortest
// integers, map keys sorted by length first, no tag but 42. Decoding is lenient only where encoding
// again shows the difference, and every decoder here does encode again. The decoder walks the whole
// input before it allocates, so a length that the input does not have costs nothing.
var (
	encoder = must(cbor.EncOptions{Sort: cbor.SortLengthFirst, IndefLength: cbor.IndefLengthForbidden}.EncMode())
	// decoder reads records, in which tag 42 marks a link.
	decoder = must(decoding(cbor.TagsAllowed).DecMode())
	// plainDecoder reads what holds no link: frames and parameters.
	plainDecoder = must(decoding(cbor.TagsForbidden).DecMode())
)

func decoding(tags cbor.TagsMode) cbor.DecOptions {
	return cbor.DecOptions{
		DupMapKey:         cbor.DupMapKeyEnforcedAPF,
		IndefLength:       cbor.IndefLengthForbidden,
		TagsMd:            tags,
		FieldNameMatching: cbor.FieldNameMatchingCaseSensitive,
		ExtraReturnErrors: cbor.ExtraDecErrorUnknownField,
		MaxNestedLevels:   4,
		MaxArrayElements:  64,
		MaxMapPairs:       64,
	}
}

func must[M any](mode M, err error) M {
	if err != nil {
		panic(err) // the options are constants
	}
	return mode
}

// The first bytes of the CBOR arrays that a header and its prefixes are.
const (
	majorArray = 4 << 5

	arrayOf6 = majorArray | 6 // body: version … value
	arrayOf7 = majorArray | 7 // body and selectors: what the owner signs
	arrayOf8 = majorArray | 8 // … and the signature: what the work pays for
	arrayOf9 = majorArray | 9 // the whole header
)
