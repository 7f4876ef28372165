package api

import "time"

// Millis is a time as the API has it: milliseconds since the Unix epoch, 0 for the zero time.
func Millis(t time.Time) uint64 {
	if t.IsZero() {
		return 0
	}
	return uint64(max(t.UnixMilli(), 0))
}
