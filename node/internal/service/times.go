package service

import (
	"time"

	"github.com/lf-store/lf/protocol"
)

// utc is a time in milliseconds, for people.
func utc(ms uint64) string {
	return time.UnixMilli(int64(ms)).UTC().Format("2006-01-02 15:04:05 MST") // at most 2^53-1
}

func day(ms uint64) string {
	return time.UnixMilli(int64(min(ms, protocol.MaxTimestamp))).UTC().Format(time.RFC3339)
}
