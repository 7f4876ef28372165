package store

import (
	"errors"

	"github.com/lf-store/lf/protocol"
	"github.com/lf-store/lf/store/internal/blocks"
	"github.com/lf-store/lf/store/internal/packed"
)

// references remembers what the rows that a connection read lately refer to. It forgets all of it
// when something was repaired. A wrong entry does no harm: the record's ID does not fit then, and
// everything is read again.
type references struct {
	links [1 << referenceBits]linked
	words [1 << referenceBits]numberedWord
	// repairs is what the counter of repairs was when it began.
	repairs uint64
}

type linked struct {
	idx       int64
	id        protocol.ID
	timestamp uint64
}

type numberedWord struct {
	number uint64
	word   packed.Word
}

const referenceMask = 1<<referenceBits - 1

// remembered returns a connection's references, made when they are first used.
func (c *conn) remembered() *references {
	repairs := c.damage.repairCount()
	if c.references == nil || c.references.repairs != repairs {
		c.references = &references{repairs: repairs}
	}
	return c.references
}

// sources finds what the row of a record refers to, without a look at whether it is damaged.
type sources struct {
	*conn
	idx int64
}

// errReference says that a row refers to what is not there.
var errReference = errors.New("a record refers to what is not there")

func (s sources) before(back uint64) (int64, error) {
	if back == 0 || back >= uint64(s.idx) {
		return 0, errReference
	}
	return s.idx - int64(back), nil
}

// Link returns the ID and the timestamp of the record at a distance back.
func (s sources) Link(back uint64) (id protocol.ID, timestamp uint64, err error) {
	idx, err := s.before(back)
	if err != nil {
		return id, 0, err
	}
	known := &s.remembered().links[idx&referenceMask]
	if known.idx != idx {
		row, err := s.identity(idx)
		if err != nil {
			return id, 0, err
		}
		*known = linked{idx, row.id, row.timestamp}
	}
	return known.id, known.timestamp, nil
}

// Word returns the word with a number.
func (s sources) Word(number uint64) (packed.Word, error) {
	known := &s.remembered().words[number&referenceMask]
	if known.number != number {
		row, err := s.numbered(number)
		if err != nil {
			return packed.Word{}, err
		}
		*known = numberedWord{number, row.word}
	}
	return known.word, nil
}

// dictionaryRow is a row of the table dictionary.
type dictionaryRow struct {
	word   packed.Word
	whole  bool
	source int64
}

func (c *conn) numbered(number uint64) (row dictionaryRow, err error) {
	found, err := c.one(func(r *rows) {
		row.whole = copy(row.word[:], r.blob(0)) == len(r.blob(0)) && len(r.blob(0)) == len(row.word)
		row.source = r.int(1)
	}, "SELECT word, source FROM dictionary WHERE number = ?", int64(number))
	if err == nil && !found {
		err = errReference
	}
	return row, err
}

// identity is what the graph has of a record to tell it from others.
type identity struct {
	id        protocol.ID
	timestamp uint64
	sum       int64
	whole     bool // the ID has its length
}

func (i *identity) read(id []byte, timestamp, sum int64) {
	*i = identity{timestamp: uint64(timestamp), sum: sum, whole: len(id) == len(i.id)}
	copy(i.id[:], id)
}

// sound reports whether the checksum is right.
func (i *identity) sound(idx int64) bool {
	return i.whole && checksum(idx, i.id, int64(i.timestamp)) == i.sum
}

// identityIn is the identity of a record in a block.
func identityIn(b *blocks.Graph, idx int64) (row identity) {
	timestamp, _ := b.TimesOf(idx)
	row.timestamp, row.whole = uint64(timestamp), true
	row.id, row.sum = b.ID(idx)
	return row
}

func (c *conn) identity(idx int64) (row identity, err error) {
	b, err := c.identities(idx)
	if b != nil {
		return identityIn(b, idx), nil
	}
	if err != nil {
		return row, err
	}
	if !c.recordTables.rows {
		return row, errReference
	}
	found, err := c.one(func(r *rows) { row.read(r.blob(0), r.int(1), r.int(2)) }, "SELECT id, timestamp, sum FROM dag WHERE idx = ?", idx)
	if err == nil && !found {
		err = errReference
	}
	return row, err
}

// stored returns what is stored of an attached record.
func (c *conn) stored(idx int64) (s stored, found bool, err error) {
	b, err := c.identities(idx)
	if b != nil {
		s, err = c.storedIn(b, idx)
		return s, true, err
	}
	if err != nil || !c.recordTables.rows {
		return s, false, err
	}
	read := func(r *rows) { s.read(r, 0) }
	if found, err = c.one(read, "SELECT id, header, value FROM records JOIN dag USING (idx) WHERE idx = ?", idx); found || err != nil {
		return s, found, err
	}
	if moving, err := c.isPacking(); err != nil || !moving {
		return s, false, err
	}
	found, err = c.one(read, "SELECT id, header, value FROM "+packing+" JOIN dag USING (idx) WHERE idx = ?", idx)
	return s, found, err
}

// unpacked is verified for a packed row.
func (c *conn) unpacked(idx int64, s stored, in *settling) (*protocol.Record, error) {
	r, err := packed.Unpack(s.header, s.value, sources{c, idx})
	switch {
	case err == nil && s.names(r.ID()):
		return r, nil
	case err != nil && !isRot(err):
		return nil, err
	}
	return c.settlePacked(idx, s, in)
}

// isRot reports whether an error of unpacking says that something is damaged.
func isRot(err error) bool {
	return packed.IsDamage(err) || errors.Is(err, errReference) || asDamaged(err) != nil
}

// settlePacked finds out what is damaged where a row and its ID do not go together. It may be the
// row, the ID, or what the row refers to. Of the latter it takes nothing unseen.
func (c *conn) settlePacked(idx int64, s stored, in *settling) (*protocol.Record, error) {
	if in == nil {
		in = &settling{links: map[int64]linked{}}
	}
	in.depth++
	defer func() { in.depth-- }()
	c.references = nil // what is in there may be what is wrong
	damaged := &DamagedError{Index: uint64(idx)}
	copy(damaged.ID[:], s.id)
	look := soundSources{sources{c, idx}, in, new([]numberedWord)}
	r, err := packed.Unpack(s.header, s.value, look)
	switch {
	case err == nil && s.names(r.ID()):
		if len(c.wrongWords) < maxDamagedRuns {
			c.wrongWords = append(c.wrongWords, *look.wrong...)
		}
		return r, nil
	case err == nil && (c.isIndexed(r.ID(), idx) || c.isVouched(idx, r.ID(), r.Timestamp)):
		c.damage.noteIndex(idx, "the ID of a record in the graph")
		return r, nil
	case err == nil || packed.IsDamage(err) || errors.Is(err, errReference):
		c.damage.note(damaged, c.repairs)
		return nil, damaged
	case asDamaged(err) != nil:
		return nil, damaged // it is sound again when that one is repaired
	}
	return nil, err
}

// isVouched reports whether a record's ID and timestamp in the graph are damaged, and their
// checksum is the one of another ID and timestamp.
func (c *conn) isVouched(idx int64, id protocol.ID, timestamp uint64) bool {
	row, err := c.identity(idx)
	return err == nil && !row.sound(idx) && row.sum == checksum(idx, id, int64(timestamp))
}

// settling is what was found out for one record whose row and ID do not go together: the right IDs
// and timestamps of those that are damaged in the graph. depth is how many lead to another.
type settling struct {
	depth int
	links map[int64]linked
}

const wordOfDictionary = "a word of dictionary"

// soundSources is sources that looks whether what it finds is damaged. Its errors are a
// [*DamagedError] where that is so.
type soundSources struct {
	sources
	in    *settling
	wrong *[]numberedWord // the right ones in place of those that seem damaged
}

// Link prefers what the graph says, if the checksum is right, to unpacking the record.
func (s soundSources) Link(back uint64) (id protocol.ID, timestamp uint64, err error) {
	idx, err := s.before(back)
	if err != nil {
		return id, 0, err
	}
	row, err := s.identity(idx)
	if err != nil || row.sound(idx) {
		return row.id, row.timestamp, err
	}
	if known, ok := s.in.links[idx]; ok {
		return known.id, known.timestamp, nil
	}
	s.damage.noteIndex(idx, "the checksum of an ID in the graph")
	r, err := s.record(idx)
	if err != nil {
		return id, 0, err
	}
	s.in.links[idx] = linked{idx, r.ID(), r.Timestamp}
	return r.ID(), r.Timestamp, nil
}

// record returns a record that others refer to, verified. The scrub begins with the oldest ones, so
// it mends what is too deep here.
func (s soundSources) record(idx int64) (*protocol.Record, error) {
	row, found, err := s.stored(idx)
	switch {
	case err != nil:
		return nil, err
	case !found:
		return nil, errReference
	case s.in.depth >= maxSettled:
		damaged := &DamagedError{Index: uint64(idx)}
		copy(damaged.ID[:], row.id)
		return nil, damaged
	}
	return headerOf(s.verifiedIn(idx, row, s.in))
}

// Word compares a word with the one that a record has written out. Where they differ that record
// decides, if it is sound.
func (s soundSources) Word(number uint64) (packed.Word, error) {
	row, err := s.numbered(number)
	if err != nil {
		return row.word, err
	}
	idx, at := row.source>>4, int(row.source&0xf)
	if idx <= 0 || idx >= s.idx {
		return row.word, nil
	}
	written, found, err := s.stored(idx)
	if err != nil || !found {
		return row.word, err
	}
	if w, err := packed.WrittenOut(written.header, at); row.whole && err == nil && w == row.word {
		return w, nil
	}
	r, err := s.record(idx)
	switch {
	case asDamaged(err) != nil:
		return row.word, nil //nolint:nilerr // it was noted
	case err != nil:
		return row.word, err
	}
	if w, err := packed.WrittenOut(r.HeaderBytes(), at); err == nil && w != row.word {
		s.damage.noteIndex(idx, wordOfDictionary)
		*s.wrong = append(*s.wrong, numberedWord{number, w})
		return w, nil
	}
	return row.word, nil
}
