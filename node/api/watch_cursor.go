package api

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"math/bits"

	"github.com/lf-store/lf/protocol"
)

// ErrWatchCursor says that an After is not the Cursor of an event.
var ErrWatchCursor = Invalid("after is not the cursor of an event of a watch: give one as it came, or none")

// WatchSum is a hash of answers in any order: the sum of the hashes of each, modulo 2^256.
type WatchSum [4]uint64

// Add counts an answer in: that the record answers under the composite key. damaged tells whether
// its node can show it.
func (s *WatchSum) Add(of protocol.CompositeID, record protocol.ID, damaged bool) {
	s.add(answerHash(of, record, asDamaged(damaged)))
}

// AddAlive counts in that the claim of a record that answers is alive.
func (s *WatchSum) AddAlive(of protocol.CompositeID, record protocol.ID) {
	s.add(answerHash(of, record, isAlive))
}

// RemoveAlive takes back what was added by AddAlive.
func (s *WatchSum) RemoveAlive(of protocol.CompositeID, record protocol.ID) {
	s.remove(answerHash(of, record, isAlive))
}

func (s *WatchSum) add(words WatchSum) {
	var carry uint64
	for i, word := range words {
		s[i], carry = bits.Add64(s[i], word, carry)
	}
}

func (s *WatchSum) remove(words WatchSum) {
	var borrow uint64
	for i, word := range words {
		s[i], borrow = bits.Sub64(s[i], word, borrow)
	}
}

// Remove takes an answer back that was added.
func (s *WatchSum) Remove(of protocol.CompositeID, record protocol.ID, damaged bool) {
	s.remove(answerHash(of, record, asDamaged(damaged)))
}

// What is said of a record in a sum, beside that it answers.
const (
	isDamaged = "\x01"
	isAlive   = "\x02"
)

func asDamaged(damaged bool) string {
	if damaged {
		return isDamaged
	}
	return ""
}

func answerHash(of protocol.CompositeID, record protocol.ID, what string) (words WatchSum) {
	h := sha256.Sum256(append(append(append([]byte("lf/watch/1"), of[:]...), record[:]...), what...))
	for i := range words {
		words[i] = binary.LittleEndian.Uint64(h[8*i:])
	}
	return words
}

// WatchCursor is what a watcher has been told, and by which database. Any node understands it: the
// sum decides.
type WatchCursor struct {
	// Database begins the hash of the database's name, Index is the local index up to which it was
	// looked at.
	Database [8]byte
	Index    uint64
	Sum      WatchSum
	// Partial is set while the current answers are being told: what is not told yet counts.
	Partial bool
}

// watchCursorVersion is the first byte of a cursor, watchCursorSize its length.
const (
	watchCursorVersion = 1
	watchCursorSize    = 1 + 1 + 8 + 8 + 32
)

// WatchDatabase is how a cursor names a database, whose name is as in [Storage].
func WatchDatabase(name string) (begins [8]byte) {
	h := sha256.Sum256([]byte("lf/watch/1/" + name))
	copy(begins[:], h[:])
	return begins
}

// String is the cursor's text, as an event has it.
func (c WatchCursor) String() string {
	b := make([]byte, 2, watchCursorSize)
	b[0] = watchCursorVersion
	if c.Partial {
		b[1] = 1
	}
	b = binary.BigEndian.AppendUint64(append(b, c.Database[:]...), c.Index)
	for _, word := range c.Sum {
		b = binary.LittleEndian.AppendUint64(b, word)
	}
	return base64.RawURLEncoding.EncodeToString(b)
}

// ParseWatchCursor reads a cursor; nil where there is none. A forged one can only have a watcher
// told too much or too little.
func ParseWatchCursor(text string) (*WatchCursor, error) {
	if text == "" {
		return nil, nil
	}
	b, err := base64.RawURLEncoding.Strict().DecodeString(text)
	if err != nil || len(text) > MaxCursor || len(b) != watchCursorSize || b[0] != watchCursorVersion || b[1] > 1 {
		return nil, ErrWatchCursor
	}
	c := &WatchCursor{Partial: b[1] == 1}
	copy(c.Database[:], b[2:])
	c.Index = binary.BigEndian.Uint64(b[10:])
	for i := range c.Sum {
		c.Sum[i] = binary.LittleEndian.Uint64(b[18+8*i:])
	}
	return c, nil
}
