package node

import "time"

const (
	// closeStep bounds each step of closing. The database comes last, and all that is acknowledged
	// is in it already.
	closeStep = 10 * time.Second
	// apiGrace is how long requests may take to end when the node closes.
	apiGrace = 3 * time.Second
)
