package service

const (
	// maxClientWrites bounds the requests of one client that wait for their turn to solve. A client
	// is the node's user, or the holders of a limited token. A node of one core solves as many of
	// the default work in about a minute, the patience of most clients. maxWaitingWrites bounds the
	// requests of all.
	maxClientWrites, maxWaitingWrites = 32, 8 * maxClientWrites

	// maxSyncing bounds the requests that wait for the node to be in sync; they share their
	// comparisons, so it is memory that is saved.
	maxSyncing = 256

	// importBatch is how many records of an archive are read at a time, and importBytes about how
	// many bytes. While some are read, others are verified and others stored. archiveBuffer is how
	// many bytes of it go in one call.
	importBatch, importBytes, archiveBuffer = 1024, 4 << 20, 64 << 10
)
