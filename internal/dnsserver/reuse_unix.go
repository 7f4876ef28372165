//go:build unix

package dnsserver

import (
	"errors"
	"syscall"

	"golang.org/x/sys/unix"
)

// besideOthers lets a socket have a port of UDP on one address beside one that has it on all. Port
// 5353 belongs to multicast DNS on many computers.
func besideOthers(_, _ string, c syscall.RawConn) error {
	var failed error
	err := c.Control(func(fd uintptr) {
		failed = unix.SetsockoptInt(int(fd), unix.SOL_SOCKET, unix.SO_REUSEADDR, 1)
	})
	return errors.Join(err, failed)
}
