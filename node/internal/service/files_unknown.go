//go:build !(linux || darwin || freebsd)

package service

import "errors"

// fileDescriptors is not known on this system.
func fileDescriptors() (open, limit uint64, err error) { return 0, 0, errors.ErrUnsupported }
