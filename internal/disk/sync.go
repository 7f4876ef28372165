package disk

import (
	"errors"
	"fmt"
	"os"
	"runtime"
)

// SyncDir makes a directory's entries durable, so that a rename there outlives a power cut. Windows
// has no such thing.
func SyncDir(dir string) error {
	if runtime.GOOS == "windows" {
		return nil
	}
	d, err := os.Open(dir)
	if err != nil {
		return fmt.Errorf("sync directory: %w", err)
	}
	if err := errors.Join(d.Sync(), d.Close()); err != nil {
		return fmt.Errorf("sync directory: %w", err)
	}
	return nil
}
