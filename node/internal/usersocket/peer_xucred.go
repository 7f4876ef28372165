//go:build darwin || freebsd

package usersocket

import (
	"net"

	"golang.org/x/sys/unix"
)

// peerUser returns the user of the process that listens: whoever it was when it began to.
func peerUser(conn *net.UnixConn) (user int, known bool, err error) {
	raw, err := conn.SyscallConn()
	if err != nil {
		return 0, false, err
	}
	var credentials *unix.Xucred
	var failed error
	err = raw.Control(func(fd uintptr) {
		credentials, failed = unix.GetsockoptXucred(int(fd), solLocal, unix.LOCAL_PEERCRED)
	})
	if err == nil {
		err = failed
	}
	if err != nil {
		return 0, false, err
	}
	return int(credentials.Uid), true, nil
}

// solLocal is SOL_LOCAL of sys/un.h: the level of options of Unix sockets.
const solLocal = 0
