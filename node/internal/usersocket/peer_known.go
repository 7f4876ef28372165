//go:build linux || darwin || freebsd

package usersocket

import (
	"errors"
	"net"
)

// peerUser returns the user of the process that listens: whoever it was when it began to.
func peerUser(conn *net.UnixConn) (user int, known bool, err error) {
	raw, err := conn.SyscallConn()
	if err != nil {
		return 0, false, err
	}
	var failed error
	err = raw.Control(func(fd uintptr) { user, failed = peerUserOf(int(fd)) })
	if err = errors.Join(err, failed); err != nil {
		return 0, false, err
	}
	return user, true, nil
}
