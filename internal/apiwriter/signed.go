package apiwriter

import (
	"github.com/lf-store/lf/node/api"
	"github.com/lf-store/lf/protocol"
)

// Signed puts a signed record together, and applies every rule to it but those on work. Before work
// [CheckAge] comes, too. A record that was paid for may be old: its client sends it again.
func Signed(n *protocol.Network, parts api.SignedRecord) (*protocol.Record, error) {
	if err := parts.Check(); err != nil {
		return nil, err
	}
	r, err := protocol.DecodeRecord(parts.Header, parts.Value)
	if err != nil {
		return nil, err
	}
	if r, err = n.WithSignature(r, parts.Signature); err != nil {
		return nil, err
	}
	if err := n.CheckUnpaid(r); err != nil {
		return nil, err
	}
	if !r.HasValue() {
		return nil, api.Invalid("the record comes without its value")
	}
	return r, nil
}

// CheckAge refuses a record that other nodes would hold to be late, or not let in yet.
func CheckAge(n *protocol.Network, r *protocol.Record, now uint64) error {
	switch drift := n.Params().ClockDrift; {
	case r.Timestamp+drift < now:
		return api.Conflict("the record is %d s old, more than the %d s that the network allows: prepare it again and sign that", (now-r.Timestamp)/1000, drift/1000)
	case r.Timestamp > now+drift:
		return api.Invalid("the record is dated %d s ahead of the clock, more than the network allows", (r.Timestamp-now)/1000)
	}
	return nil
}

// Superseded says that an owner has written a newer record than the one which was to be worked for.
func Superseded(newer protocol.ID) error {
	return api.Conflict("superseded: this owner has written a newer record under the same key, %s; prepare again if this one is to replace it", newer)
}
