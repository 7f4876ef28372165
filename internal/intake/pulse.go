package intake

import "github.com/lf-store/lf/protocol"

// Pulsed is an attached record as its pulses need it.
type Pulsed struct {
	Record *protocol.Record
	Index  uint64
	// Stands says that no release withdraws the record, and that the answer of its claim is not
	// "deleted".
	Stands bool
}

// KeptPulse is a pulse that a store keeps, with the index of its record.
type KeptPulse struct {
	protocol.Pulse
	Index uint64
}
