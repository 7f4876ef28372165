//go:build linux || darwin || freebsd

package service

import (
	"fmt"

	"golang.org/x/sys/unix"
)

// freeSpace returns how many bytes may still be written where a folder is.
func freeSpace(dir string) (uint64, error) {
	var s unix.Statfs_t
	if err := unix.Statfs(dir, &s); err != nil {
		return 0, fmt.Errorf("free space: %w", err)
	}
	// signed on some systems: below 0 is what only root may use
	blocks := max(int64(s.Bavail), 0)
	return uint64(blocks) * uint64(s.Bsize), nil // of another type on some systems
}
