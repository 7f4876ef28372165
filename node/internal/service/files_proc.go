//go:build linux || darwin || freebsd

package service

import (
	"errors"
	"fmt"
	"os"
	"syscall"
)

// fileDescriptors returns how many file descriptors the process has open, and how many it may have.
func fileDescriptors() (open, limit uint64, err error) {
	var r syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_NOFILE, &r); err != nil {
		return 0, 0, fmt.Errorf("limit of file descriptors: %w", err)
	}
	limit = uint64(r.Cur)                 //nolint:unconvert // of another type on some systems
	entries, err := os.ReadDir("/dev/fd") // which on Linux leads to /proc/self/fd
	if errors.Is(err, syscall.EMFILE) {   // not even one for this
		return limit, limit, nil
	}
	if err != nil {
		return 0, 0, fmt.Errorf("open files: %w", err)
	}
	return uint64(max(len(entries)-1, 0)), limit, nil // one was for the look itself
}
