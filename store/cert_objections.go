package store

import (
	"bytes"
	"cmp"
	"context"
	"crypto/sha256"

	"github.com/lf-store/lf/protocol"
)

// This bounds the cost of commentary. A word is one row, whatever was said before, and costs its
// author more bytes than it takes here. A query looks up one row for each claim and elected oracle;
// what other people say is never looked at. Words are what the oracle signed, whatever becomes of a
// certificate of its: who elects a key believes the key.

// wordRow is a row of the table words.
type wordRow struct {
	topic     [topicSize]byte
	owner     protocol.Owner
	timestamp int64
	idx       int64
	objects   bool
}

// topicOf identifies what an oracle says about a composite key.
func topicOf(oracle protocol.Owner, composite protocol.CompositeID) [topicSize]byte {
	sum := sha256.Sum256(append(oracle[:], composite[:]...))
	return [topicSize]byte(sum[:])
}

func wordRows(e *entry, idx int64) []wordRow {
	words := e.Words()
	list := make([]wordRow, len(words))
	for i, w := range words {
		list[i] = wordRow{topicOf(e.Owner, w.Composite), w.Owner, int64(e.Timestamp), idx, w.Objects}
	}
	return list
}

// indexWords makes the words of a commentary its author's latest, where they are.
func (t *tx) indexWords(e *entry, at place) error {
	for _, w := range wordRows(e, at.idx) {
		known, found, err := t.word(w.topic, w.owner)
		if err != nil {
			return err
		}
		if found {
			if later, err := t.later(e.Record, known); err != nil || !later {
				if err != nil {
					return err
				}
				continue
			}
		}
		objects := int64(0)
		if w.objects {
			objects = 1
		}
		if _, err := t.exec("INSERT OR REPLACE INTO words VALUES (?, ?, ?, ?, ?)", w.topic[:], w.owner[:], w.timestamp, w.idx, objects); err != nil {
			return err
		}
	}
	return t.keepWords(e)
}

// later reports whether a commentary is later than the one that a word is from: by timestamp, then
// by signed hash.
func (c *conn) later(r *protocol.Record, than wordRow) (bool, error) {
	if d := cmp.Compare(int64(r.Timestamp), than.timestamp); d != 0 {
		return d > 0, nil
	}
	other, err := headerOf(c.frame(than.idx))
	if err != nil {
		return false, err
	}
	a, b := r.SignedHash(), other.SignedHash()
	return bytes.Compare(a[:], b[:]) > 0, nil
}

func (c *conn) word(topic [topicSize]byte, owner protocol.Owner) (w wordRow, found bool, err error) {
	found, err = c.one(func(r *rows) {
		w = wordRow{topic, owner, r.int(0), r.int(1), r.int(2) != 0}
	}, "SELECT timestamp, idx, objects FROM words WHERE topic = ? AND owner = ?", topic[:], owner[:])
	return w, found, err
}

// objections counts the oracles that object to an owner's claim.
func (cc *certChecker) objections(oracles []protocol.Owner, composite protocol.CompositeID, owner protocol.Owner) (count int, err error) {
	for _, o := range oracles {
		w, found, err := cc.word(topicOf(o, composite), owner)
		if err != nil {
			return 0, err
		}
		if found && w.objects {
			count++
		}
	}
	return count, cc.spend(len(oracles))
}

// Words returns an oracle's latest words about a composite key, at most 10,000.
func (s *Store) Words(ctx context.Context, oracle protocol.Owner, composite protocol.CompositeID) (list []protocol.Word, err error) {
	topic := topicOf(oracle, composite)
	err = s.read(ctx, func(c *conn) error {
		return c.each(func(r *rows) error {
			if len(r.blob(0)) != len(protocol.Owner{}) {
				return errLayout
			}
			list = append(list, protocol.Word{Composite: composite, Owner: protocol.Owner(r.blob(0)), Objects: r.int(1) != 0})
			return nil
		}, "SELECT owner, objects FROM words WHERE topic = ? ORDER BY owner LIMIT ?", topic[:], int64(maxWords))
	})
	return list, err
}
