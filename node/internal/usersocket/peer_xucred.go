//go:build darwin || freebsd

package usersocket

import "golang.org/x/sys/unix"

// solLocal is SOL_LOCAL of sys/un.h: the level of options of Unix sockets.
const solLocal = 0

func peerUserOf(socket int) (int, error) {
	credentials, err := unix.GetsockoptXucred(socket, solLocal, unix.LOCAL_PEERCRED)
	if err != nil {
		return 0, err
	}
	return int(credentials.Uid), nil
}
