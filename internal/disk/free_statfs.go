//go:build linux || darwin || freebsd

package disk

import (
	"fmt"

	"golang.org/x/sys/unix"
)

// Free returns how many bytes may still be written where a folder is.
func Free(dir string) (uint64, error) {
	var s unix.Statfs_t
	if err := unix.Statfs(dir, &s); err != nil {
		return 0, fmt.Errorf("free space: %w", err)
	}
	// The types differ between systems. Where Bavail is signed, only root may use what is below 0.
	blocks := max(int64(s.Bavail), 0)
	return uint64(blocks) * uint64(s.Bsize), nil
}
