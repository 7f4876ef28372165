//go:build !linux

package pow

func yieldThread() {}
