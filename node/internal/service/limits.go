package service

const (
	// ownNames and strangersNames bound the derived names kept (about 250 bytes and the name each),
	// which cost milliseconds to derive: those of the node's user, and those of strangers.
	ownNames, strangersNames = 4096, 2048
	// maxWaitingWrites bounds the requests that wait for their turn to solve. A node of one core
	// solves as many with default work in about a minute, the patience of most clients.
	maxWaitingWrites = 32

	// maxSyncing bounds the requests that wait for the node to be in sync; they share their
	// comparisons, so it is memory that is saved.
	maxSyncing = 256
)
