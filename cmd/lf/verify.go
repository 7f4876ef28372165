package main

import (
	"fmt"
	"slices"

	"github.com/lf-store/lf/node/api"
	"github.com/lf-store/lf/protocol"
)

// revision checks one record by itself, from its frame alone: what else the node says about it is
// not looked at.
func (r *reader) revision(from *api.RecordInfo) (v revision, err error) {
	v.weight, v.damaged = from.Weight, damagedIn(from)
	if v.record, err = protocol.DecodeFrame(from.Frame); err != nil {
		return v, fmt.Errorf("record %s: %w", from.ID, err)
	}
	if err := r.checkRecord(v.record, v.damaged != nil); err != nil {
		return v, fmt.Errorf("record %s: %w", v.record.ID(), err)
	}
	if v.damaged != nil {
		r.damaged = append(r.damaged, v.damaged)
		return v, nil //nolint:nilerr // what is damaged is listed, and fails nothing
	}
	if !v.record.Tombstone() {
		v.value, v.sealed = r.unseal(v.record)
	}
	return v, nil
}

// checkRecord checks a record, with its value unless that is damaged.
func (r *reader) checkRecord(record *protocol.Record, damaged bool) error {
	if err := r.network.CheckAuthorship(record); err != nil {
		return err
	}
	switch {
	case record.Type != protocol.TypeDatum:
		return fmt.Errorf("it is a %s, which is no answer", record.Type)
	case !record.HasValue() && !damaged:
		return fmt.Errorf("its value was left out")
	case len(r.owners) > 0 && !slices.Contains(r.owners, record.Owner):
		return fmt.Errorf("its owner %s was not asked for", record.Owner)
	case record.Timestamp < r.since, r.until > 0 && record.Timestamp > r.until:
		return fmt.Errorf("it is from %s, outside the time asked for", localTime(record.Timestamp))
	}
	return nil
}

// unseal opens a value with the masking key, and with the primary name's default mask where that
// name was asked for.
func (r *reader) unseal(record *protocol.Record) (value []byte, sealed bool) {
	var masks []protocol.Mask
	if r.mask != nil {
		masks = append(masks, *r.mask)
	}
	for _, name := range r.names {
		if name.Selector() == record.Selectors[0].Key {
			masks = append(masks, name.Mask())
			break
		}
	}
	for _, mask := range masks {
		if value, err := r.network.Open(mask, record.SealingOf(), record.ValueBytes()); err == nil {
			return value, false
		}
	}
	return nil, true
}
