package lf

import (
	"fmt"
	"slices"
	"time"

	"github.com/lf-store/lf/internal/text"
	"github.com/lf-store/lf/node/api"
	"github.com/lf-store/lf/protocol"
)

// Version is one record with its value, as far as that could be opened. Its signatures were
// checked.
type Version struct {
	// Value is the plain value, nil if the version is deleted, sealed or damaged.
	Value []byte
	Owner protocol.Owner
	Time  time.Time
	// Record is the ID of the record.
	Record protocol.ID
	// Weight is the work stacked on the record, as the node says.
	Weight uint64
	// Deleted versions are tombstones. Sealed ones need another name, or a masking key.
	Deleted, Sealed bool
	// Damaged tells that the node has lost the value.
	Damaged *DamagedError

	record *protocol.Record
}

// Text returns the value as a string.
func (v *Version) Text() string { return string(v.Value) }

// Header returns the record itself: what was signed, linked and worked for.
func (v *Version) Header() *protocol.Record { return v.record }

// Answer is what is known under one composite key: the winning claim's newest version and, if the
// question asked for them, what else there is.
type Answer struct {
	Version
	// Key has each name of the question with the ordinal found.
	Key Key
	// Ordinals are the same ordinals, in the order of the question's names.
	Ordinals []uint64
	// Alive is the newest pulse of the claim, nil where the node knows of none in the last day.
	Alive *LastPulse
	// Claims is how many owners claim the key, as the node says.
	Claims int
	// Older are the owner's older versions, newest first; Others are other owners' claims, best
	// first.
	Older, Others []Version
	// Explanation is there if it was asked for. It agrees with itself and with the records; the
	// values in it only a node can know.
	Explanation *api.Explanation

	olderNext string // what the next older versions are asked for with
	primary   int    // which of Key's names the record was set with first; 0 if Key lacks it
}

// KeyAsSet is Key with the name first that the record was set with first, if the question had that
// name. What is set under it again is sealed with the same name.
func (a *Answer) KeyAsSet() Key {
	first := a.Key.selectors[a.primary]
	return Key{append([]protocol.Expression{first}, slices.Delete(a.Key.Selectors(), a.primary, a.primary+1)...)}
}

// check tells why there is no value.
func (a *Answer) check() error {
	switch {
	case a.Deleted:
		return fmt.Errorf("%s: %w by %s on %s", a.Key, ErrDeleted, a.Owner, text.LocalTime(a.record.Timestamp))
	case a.Sealed:
		return fmt.Errorf("%s: %w", a.Key, ErrSealed)
	case a.Damaged != nil:
		return a.Damaged
	}
	return nil
}

// ClaimOf returns the newest version of the i-th claim of the explanation.
func (a *Answer) ClaimOf(i int) *Version {
	if i == 0 {
		return &a.Version
	}
	return &a.Others[i-1]
}
