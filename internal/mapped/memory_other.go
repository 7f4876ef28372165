//go:build !linux || race

package mapped

import "os"

// newMemory is heap memory: the race detector knows nothing of mapped pages, and only Linux tells
// which ones have changed.
func newMemory(*os.File) memory { return heapMemory{} }

func newReadMemory() memory { return heapMemory{} }
