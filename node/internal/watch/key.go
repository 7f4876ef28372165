package watch

import (
	"encoding/binary"
	"slices"

	"github.com/lf-store/lf/protocol"
	"github.com/lf-store/lf/store"
)

// Options are what a key is asked with, but for the key itself. Watchers with the same options
// share what is asked.
type Options struct {
	Owners []protocol.Owner
	// Policy is nil for the node's own. OwnOracles says that those of the node's user count, in
	// place of Oracles.
	Policy      protocol.Policy
	Oracles     []protocol.Owner
	OwnOracles  bool
	Authorities []*protocol.Authority
}

// id tells options apart.
func (o *Options) id() string {
	var b []byte
	add := func(p []byte) { b = append(binary.AppendUvarint(b, uint64(len(p))), p...) }
	for _, owners := range [][]protocol.Owner{o.Owners, o.Oracles} {
		b = binary.AppendUvarint(b, uint64(len(owners)))
		for _, owner := range owners {
			add(owner[:])
		}
	}
	add([]byte(o.Policy.String()))
	if o.OwnOracles {
		b = append(b, 1)
	}
	for _, a := range o.Authorities {
		fingerprint := a.Fingerprint()
		add(fingerprint[:])
	}
	return string(b)
}

// ownSettings reports whether the node's settings decide.
func (o *Options) ownSettings() bool { return o.OwnOracles || o.Policy == nil }

// Key says which composite keys are watched.
type Key struct {
	Where []store.Range
	Open  bool
}

// exact returns the selectors of the one composite key that is meant; nil where there may be
// several.
func (k *Key) exact() []protocol.SelectorPoint {
	if k.Open || slices.ContainsFunc(k.Where, func(r store.Range) bool { return r.From != r.To }) {
		return nil
	}
	points := make([]protocol.SelectorPoint, len(k.Where))
	for i, r := range k.Where {
		points[i] = protocol.SelectorPoint{Key: r.Key, Ordinal: r.From}
	}
	return points
}

// id tells keys apart.
func (k *Key) id() string {
	var b []byte
	for _, r := range k.Where {
		b = binary.BigEndian.AppendUint64(binary.BigEndian.AppendUint64(append(b, r.Key[:]...), r.From), r.To)
	}
	if k.Open {
		b = append(b, 1)
	}
	return string(b)
}

// ordinals are those of the one composite key that is meant.
func (k *Key) ordinals() []uint64 {
	list := make([]uint64, len(k.Where))
	for i, r := range k.Where {
		list[i] = r.From
	}
	return list
}

// pointsOf are a record's selectors without its claims.
func pointsOf(r *protocol.Record) []protocol.SelectorPoint {
	points := make([]protocol.SelectorPoint, len(r.Selectors))
	for i, s := range r.Selectors {
		points[i] = protocol.SelectorPoint{Key: s.Key, Ordinal: s.Ordinal}
	}
	return points
}
