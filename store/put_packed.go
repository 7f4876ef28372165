package store

import (
	"encoding/binary"
	"hash/crc32"

	lru "github.com/hashicorp/golang-lru/v2"

	"github.com/lf-store/lf/protocol"
	"github.com/lf-store/lf/store/internal/packed"
)

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// checksum tells whether the disk has changed a record's ID or timestamp in the graph, which
// other records are unpacked with. It has 24 bits, as a number of three bytes with a sign.
func checksum(idx int64, id protocol.ID, timestamp int64) int64 {
	return checksumOf(appendIdentity(make([]byte, 0, identitySize), idx, id, timestamp))
}

const identitySize = len(protocol.ID{}) + 16

// appendIdentity writes what a checksum is of, the ID first.
func appendIdentity(b []byte, idx int64, id protocol.ID, timestamp int64) []byte {
	b = binary.BigEndian.AppendUint64(append(b, id[:]...), uint64(idx))
	return binary.BigEndian.AppendUint64(b, uint64(timestamp))
}

func checksumOf(identity []byte) int64 { return int64(crc32.Checksum(identity, castagnoli)>>8) - 1<<23 }

// dictionary numbers the words that records have in common. A word gets its number when it is used
// for the second time: what is used once stays in its record alone. The dictionary knows the words
// that were used lately. An older one may get another number. It is the writer goroutine's alone.
type dictionary struct {
	words *lru.Cache[packed.Word, usedWord]
	last  int64 // number; -1: not known
}

// usedWord is a word's number, 0 where it has none, and where a record has it written out.
type usedWord struct {
	number int64
	source int64
}

// sourceOf says in one number where a word is written out: at 0 of a record is its owner, then come
// the keys of its selectors.
func sourceOf(idx int64, at int) int64 { return idx<<4 | int64(at) }

func newDictionary() *dictionary {
	return &dictionary{newCache[packed.Word, usedWord](), -1}
}

// forget forgets everything: the latest batch was undone.
func (d *dictionary) forget() {
	d.words.Purge()
	d.last = -1
}

// pack returns the row of a record with an index.
func (t *tx) pack(b []byte, idx int64, r *protocol.Record, parents []place) (_ []byte, err error) {
	var links [protocol.MaxLinks]uint64
	var keys [protocol.MaxSelectors]uint64
	refs := packed.References{Links: links[:len(parents)], Keys: keys[:len(r.Selectors)]}
	for i, p := range parents {
		refs.Links[i] = uint64(idx - p.idx)
		refs.Newest = max(refs.Newest, uint64(p.timestamp))
	}
	if refs.Owner, err = t.numberOf(packed.Word(r.Owner), sourceOf(idx, 0)); err != nil {
		return nil, err
	}
	for i := range r.Selectors {
		if refs.Keys[i], err = t.numberOf(packed.Word(r.Selectors[i].Key), sourceOf(idx, i+1)); err != nil {
			return nil, err
		}
	}
	return packed.Pack(b, r, &refs), nil
}

// numberOf returns the number of a word that a record has at a place, 0 where it is to be written
// out there.
func (t *tx) numberOf(w packed.Word, at int64) (uint64, error) {
	d := t.store.dictionary
	used, known := d.words.Get(w)
	switch {
	case !known:
		d.words.Add(w, usedWord{source: at})
		return 0, nil
	case used.number > 0:
		return uint64(used.number), nil
	case used.source>>4 == at>>4: // twice in one record
		return 0, nil
	}
	if d.last < 0 {
		var err error
		if d.last, err = t.number("SELECT max(number) FROM dictionary"); err != nil {
			return 0, err
		}
	}
	d.last++
	used.number = d.last
	d.words.Add(w, used)
	word := w
	return uint64(used.number), t.insertLater(intoDictionary, used.number, word[:], used.source)
}
