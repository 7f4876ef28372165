package simulation

import (
	"syscall"
	"time"
)

// realClock returns a stopwatch of wall time, which time.Now is not in a bubble.
func realClock() func() time.Duration {
	now := func() time.Duration {
		var tv syscall.Timeval
		_ = syscall.Gettimeofday(&tv)
		return time.Duration(tv.Nano())
	}
	start := now()
	return func() time.Duration { return now() - start }
}
