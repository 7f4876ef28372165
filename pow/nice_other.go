//go:build !linux

package pow

// YieldThread does nothing on this system.
func YieldThread() {}
