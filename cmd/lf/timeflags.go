package main

import (
	"strconv"
	"time"

	"github.com/lf-store/lf/protocol"
)

// earliestYear is the first year that is taken for a date rather than for a mistake.
const earliestYear = 2000

var dateForms = []string{time.RFC3339Nano, "2006-01-02 15:04:05", "2006-01-02T15:04:05", "2006-01-02 15:04", "2006-01-02T15:04", "2006-01-02"}

const timeHelp = `TIME is a date (2026-11-23, its first moment), a local time ('2026-11-23 15:04' or with seconds), RFC 3339
(2026-11-23T15:04:05Z), milliseconds since 1970 as in JSON output, or how long ago (90m, 36h).`

// parseTime reads a time as people give it and returns milliseconds since the epoch.
func parseTime(flag, s string, now time.Time) (uint64, error) {
	t, ok := readTime(s, now)
	if !ok {
		return 0, usage("--%s %q is not a time: want for instance 2026-11-23, '2026-11-23 15:04', 2026-11-23T15:04:05Z or 90m", flag, s)
	}
	ms := t.UnixMilli()
	if t.Year() < earliestYear || ms > protocol.MaxTimestamp {
		return 0, usage("--%s %q is out of range: no record is from then", flag, s)
	}
	return uint64(ms), nil // after the year 2000
}

func readTime(s string, now time.Time) (time.Time, bool) {
	for _, form := range dateForms {
		if t, err := time.ParseInLocation(form, s, time.Local); err == nil {
			return t, true
		}
	}
	if ms, err := strconv.ParseInt(s, 10, 64); err == nil {
		return time.UnixMilli(ms), true
	}
	if ago, err := time.ParseDuration(s); err == nil && ago >= 0 {
		return now.Add(-ago), true
	}
	return time.Time{}, false
}
