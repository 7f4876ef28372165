package store

import (
	"cmp"
	"crypto/sha256"
	"errors"
	"math"
	"slices"

	"github.com/lf-store/lf/protocol"
	"github.com/lf-store/lf/store/internal/dag"
	"github.com/lf-store/lf/store/internal/packed"
	"github.com/lf-store/lf/store/internal/runs"
)

// checkRecords goes through the attached records in their order: each by itself, its links, and its
// rows in the indices.
func (v *verifier) checkRecords() error {
	genesis := v.network.Genesis()
	err := v.eachStored(0, math.MaxInt64, func(idx int64, row stored) error {
		if v.summary.Attached++; idx != int64(v.summary.Attached) {
			v.problem("record %d follows record %d: indices are not dense", idx, v.summary.Attached-1)
			v.summary.Attached = uint64(max(idx, 0))
		}
		record, err := v.decodeAttached(idx, row)
		if err != nil {
			return err
		}
		var id protocol.ID
		if copy(id[:], row.id); record == nil || record.ID() != id {
			v.problem("record %d, %s: its header, its value or its ID is damaged", idx, id)
		}
		if record == nil {
			v.unreadable++
			return nil
		}
		if idx <= int64(len(genesis)) && genesis[idx-1].ID() != record.ID() {
			v.problem("record %d is not the network's genesis record", idx)
		}
		if err := v.checkDAG(idx, record); err != nil {
			return err
		}
		if err := v.checkIndices(idx, newEntry(record)); err != nil {
			return err
		}
		return v.ctx.Err()
	})
	if err == nil && v.summary.Attached < uint64(len(genesis)) {
		v.problem("the genesis is not complete: %d records of %d", v.summary.Attached, len(genesis))
	}
	return err
}

// decodeAttached is decode for an attached record, whose header may be packed.
func (v *verifier) decodeAttached(idx int64, s stored) (*protocol.Record, error) {
	if !packed.IsPacked(s.header) {
		return v.decode("record", idx, s.header, s.value), nil
	}
	v.wrongWords = nil
	r, err := v.verified(idx, s)
	for _, wrong := range v.wrongWords {
		v.problem("dictionary has another word %d than record %d needs", wrong.number, idx)
	}
	if asDamaged(err) != nil {
		return nil, nil //nolint:nilerr // the caller reports it
	}
	return r, err
}

// decode decodes a stored record and checks its value, which the decoder does not.
func (v *verifier) decode(what string, number int64, header, value []byte) *protocol.Record {
	r, err := protocol.DecodeRecord(header, value)
	switch {
	case err != nil:
		v.problem("%s %d: %v", what, number, err)
		return nil
	case !r.HasValue():
		v.problem("%s %d, %s, lacks its value", what, number, r.ID())
	case (r.Value == nil) != (value == nil),
		value != nil && (r.Value.ID != sha256.Sum256(value) || int(r.Value.Size) != len(value)):
		v.problem("%s %d, %s: its value is not the one that its header refers to", what, number, r.ID())
	}
	return r
}

// checkDAG checks that a record's links are attached before it and not newer, and that dag says so.
func (v *verifier) checkDAG(idx int64, r *protocol.Record) error {
	b, err := v.graphBlock(idx)
	if err != nil || b == nil {
		return err
	}
	var node dag.Record
	switch have := b.Node(idx); {
	case have.Timestamp != int64(r.Timestamp):
		v.problem("dag %d: timestamp %d, the record says %d", idx, have.Timestamp, r.Timestamp)
	case have.Sum != checksum(idx, r.ID(), have.Timestamp):
		v.problem("dag %d: the checksum is wrong", idx)
	}
	if err := readNode(&node, idx, b.Place(idx)); err != nil {
		v.problem("dag %d: the node is not readable", idx)
	}
	var links []dag.Index
	for _, link := range r.Links {
		at, err := v.index(link)
		if err != nil {
			return err
		}
		if at == 0 || at >= idx {
			v.problem("record %d links to %s, which is not attached before it", idx, link)
			continue
		}
		links = append(links, dag.Index(at))
		v.linked.add(at)
		if t, err := v.timestampOf(at); err != nil || t > int64(r.Timestamp) {
			v.problem("record %d is older than record %d, which it links", idx, at)
		}
	}
	if !slices.Equal(node.Parents, links) || node.Work != workOf(r) {
		v.problem("dag %d: parents %v and work %d, the record links %v and has %d", idx, node.Parents, node.Work, links, workOf(r))
	}
	return nil
}

// checkIndices checks that a record is found by its ID, by its owner and, where it is to be
// answered, by its selectors.
func (v *verifier) checkIndices(idx int64, e *entry) error {
	at, err := v.index(e.ID())
	if err != nil {
		return err
	}
	if at != idx {
		v.problem("record %d is found as %d by its ID", idx, at)
	}
	for kind := range kinds {
		if all, err := v.hasRows(kind, idx, e); err != nil {
			return err
		} else if !all {
			v.problem("record %d is not in %s", idx, kinds[kind].Name)
		}
	}
	if len(e.rows) == 0 {
		return nil
	}
	v.versions++
	v.summary.Versions++
	if e.Type == protocol.TypeRelease {
		v.releases++
	}
	if owner, err := v.ownerNumber(e.Owner); err != nil {
		return err
	} else if owner == 0 {
		v.problem("record %d is not in versions: its owner has no number", idx)
	}
	return nil
}

// checkTips checks that the tips are the records that nothing links.
func (v *verifier) checkTips() error {
	var tips bitmap
	if err := v.each(func(r *rows) error {
		idx := r.int(0)
		tips.add(idx)
		v.summary.Tips++
		if v.linked.has(idx) {
			v.problem("record %d is listed as a tip, and another one links it", idx)
		}
		if t, err := v.timestampOf(idx); err != nil || t != r.int(1) {
			v.problem("tip %d has timestamp %d, dag says %d", idx, r.int(1), t)
		}
		if past := v.past(idx); past != r.int(3) {
			v.problem("tip %d has a past of %d, the graph says %d", idx, r.int(3), past)
		}
		return v.checkReputation(idx, r.int(2))
	}, "SELECT idx, timestamp, reputable, past FROM tips"); err != nil {
		return err
	}
	for idx := int64(1); idx <= int64(v.summary.Attached); idx++ {
		if !v.linked.has(idx) && !tips.has(idx) {
			v.problem("record %d is a tip and not listed as one", idx)
		}
	}
	return nil
}

// checkSelectors checks that every row of selectors is some version's. That of a composite key with
// one selector does not tell which. One too many does no harm.
func (v *verifier) checkSelectors() error {
	return v.eachRow(kindSelectors, runs.Range{}, func(row []byte) error {
		p, err := readSelectorRow(row)
		backed := false
		if err == nil {
			backed, err = v.isSelected(p, row)
		}
		if err == nil && !backed || errors.Is(err, errLayout) {
			v.problem("%s has a row that no record has: %x", kinds[kindSelectors].Name, row)
			err = nil
		}
		return cmp.Or(err, v.ctx.Err())
	})
}

// checkOwners checks that owners are numbered from 1 and each has a version. That versions have the
// right ones was checked with the records.
func (v *verifier) checkOwners() error {
	var have bitmap
	if err := v.eachVersion(everyVersion(), func(k keyed) error {
		if k.owner >= 1 && k.owner <= v.meta.owners {
			have.add(k.owner)
		}
		return v.ctx.Err()
	}); err != nil {
		return err
	}
	return v.each(func(r *rows) error {
		if number := r.int(0); r.int(1) > 1 || number < 1 || !have.has(number) {
			v.problem("owner %d is not numbered right, or has no version", number)
		}
		return nil
	}, "SELECT number, count(*) FROM owners GROUP BY number")
}
