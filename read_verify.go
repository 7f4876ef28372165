package lf

import (
	"errors"
	"fmt"
	"slices"

	"github.com/lf-store/lf/internal/text"
	"github.com/lf-store/lf/node/api"
	"github.com/lf-store/lf/protocol"
)

// version checks one record by itself, from its frame alone: what else the node says about it is
// not looked at.
func (r *reader) version(from *api.Version, t *target) (v Version, err error) {
	v.Weight, v.Damaged = uint64(from.Weight), damagedIn(from)
	if v.record, err = r.checked.read(from.Frame); v.record == nil {
		return v, fmt.Errorf("record %s: %w", from.Record, err)
	}
	if err == nil {
		err = r.checkAsked(v.record, v.Damaged != nil)
	}
	if err != nil {
		return v, fmt.Errorf("record %s: %w", v.record.ID(), err)
	}
	v.Record, v.Owner, v.Time, v.Deleted = v.record.ID(), v.record.Owner, text.TimeOf(v.record.Timestamp), v.record.Tombstone()
	if v.Damaged != nil {
		r.damaged = append(r.damaged, v.Damaged)
		return v, nil //nolint:nilerr // what is damaged is listed, and fails nothing
	}
	if !v.Deleted {
		value, ok := Unseal(r.network, v.record, t.names, r.mask)
		v.Value, v.Sealed = value, !ok
	}
	return v, nil
}

// checkAsked makes sure that a record is what was asked for, with its value unless that is damaged.
func (r *reader) checkAsked(record *protocol.Record, damaged bool) error {
	switch {
	case record.Type != protocol.TypeDatum:
		return fmt.Errorf("it is a %s, which is no answer", record.Type)
	case !record.HasValue() && !damaged:
		return errors.New("its value was left out")
	case len(r.owners) > 0 && !slices.Contains(r.owners, record.Owner):
		return fmt.Errorf("its owner %s was not asked for", record.Owner)
	case record.Timestamp < r.since, r.until > 0 && record.Timestamp > r.until:
		return fmt.Errorf("it is from %s, outside the time asked for", text.LocalTime(record.Timestamp))
	}
	return nil
}

// Unseal opens the value of a record with a mask, which may be nil. Otherwise it takes the default
// mask of the primary name, where that is among names. It reports whether it could.
func Unseal(n *protocol.Network, record *protocol.Record, names []protocol.NameKey, mask *protocol.Mask) (value []byte, ok bool) {
	if mask != nil {
		if value, err := n.Open(*mask, record.SealingOf(), record.ValueBytes()); err == nil {
			return value, true
		}
	}
	for _, name := range names {
		if name.Selector() == record.Selectors[0].Key {
			value, err := n.Open(name.Mask(), record.SealingOf(), record.ValueBytes())
			return value, err == nil
		}
	}
	return nil, false
}
