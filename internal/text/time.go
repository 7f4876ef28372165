package text

import "time"

// TimeOf is a timestamp in milliseconds, at most 2^53-1, as a time in UTC.
func TimeOf(ms uint64) time.Time { return time.UnixMilli(int64(ms)).UTC() }

// LocalTime is a timestamp in milliseconds for people, in the time zone of this computer.
func LocalTime(ms uint64) string { return TimeOf(ms).Local().Format("2006-01-02 15:04:05") }
