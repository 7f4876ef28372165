package protocol

import "time"

// Limits of the format. They are part of validity and never change for version 1.
const (
	// MaxHeader bounds the header's bytes: 15 selectors of 108 bytes, 16 links of 41 and the fixed
	// fields need about 2.5 KiB; the rest is room.
	MaxHeader = 4 << 10
	// MaxValue is the largest value limit a network may choose, in sealed bytes.
	MaxValue = 60 << 10
	// MaxCertificateValue bounds the value of a certificate or revocation record, whatever the
	// network chose for data: a chain of three Ed25519 certificates is about 2 KiB.
	MaxCertificateValue = 16 << 10
	// MaxPlaintext bounds a value after decompression.
	MaxPlaintext = 64 << 10
	// MaxFrame bounds header, value and the framing around them.
	MaxFrame = MaxHeader + MaxValue + 16

	// MaxLinks and MaxSelectors bound the lists of a record.
	MaxLinks     = 16
	MaxSelectors = 15
	// MinLinksFloor and the network's MinLinks, which is at least that, bound links from below.
	MinLinksFloor = 1

	// MaxMergeset bounds how many records a record joins that its main parent does not reach. It is
	// what every node pays to place the record in the graph.
	MaxMergeset = 1024

	// MaxAuthorities and MaxAuthority bound a network's authorities: how many, and the bytes of
	// each certificate.
	MaxAuthorities = 16
	MaxAuthority   = 2 << 10
	// MaxIntermediates bounds the certificates between that of an owner and an authority.
	MaxIntermediates = 2

	// MaxTimestamp is the largest timestamp, in milliseconds: what a JSON number holds exactly.
	MaxTimestamp = 1<<53 - 1
	// MaxOrdinal is the largest ordinal: what a signed 64-bit database integer holds.
	MaxOrdinal = 1<<63 - 1
	// MaxNetworkFile bounds a network file: 16 genesis records, one of them with the largest value,
	// in base64, and as much again for seeds.
	MaxNetworkFile = 512 << 10
	// MaxName bounds a name's bytes before it is blinded.
	MaxName = 1024

	// MaxHold is how long, in milliseconds, a node holds a record whose timestamp is ahead of its
	// clock by more than the drift. A record further ahead is dropped.
	MaxHold = 24 * 60 * 60 * 1000
)

// Limits of pulses.
const (
	// MaxPulse bounds a pulse's bytes: an array, a link of 41 bytes, a second of at most 9 and a
	// signature of 66. Those of today have 113.
	MaxPulse = 117
	// MaxPulseSecond is the largest second of a pulse: that of the largest timestamp.
	MaxPulseSecond = MaxTimestamp / 1000
	// PulseInterval is the least time between two pulses of a claim.
	PulseInterval = time.Minute
	// PulsePast is how old a pulse may be that is gossiped or pushed.
	PulsePast = 10 * time.Minute
	// PulseKeep is when a pulse is forgotten.
	PulseKeep = 24 * time.Hour
	// PulsePerEffort is how long a record may have pulses for each unit of its effort. A typical
	// record of the default network may have them for 38 days after its timestamp.
	PulsePerEffort = 2 * time.Hour
)
