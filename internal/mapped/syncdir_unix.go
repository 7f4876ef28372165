//go:build unix

package mapped

import "os"

// syncOpenDir has a rename in the directory outlive a power cut.
func syncOpenDir(dir *os.File) error { return dir.Sync() }
