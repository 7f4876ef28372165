//go:build unix

package p2p

import (
	"errors"
	"fmt"
	"net"

	"golang.org/x/sys/unix"
)

// sharePort lets others of this user, which is libp2p, listen where l does.
func sharePort(l net.Listener) error {
	tcp, ok := l.(*net.TCPListener)
	if !ok {
		return fmt.Errorf("a listener for TCP is a %T", l)
	}
	raw, err := tcp.SyscallConn()
	if err != nil {
		return fmt.Errorf("share a port: %w", err)
	}
	var failed error
	err = raw.Control(func(fd uintptr) { failed = unix.SetsockoptInt(int(fd), unix.SOL_SOCKET, unix.SO_REUSEPORT, 1) })
	if err = errors.Join(err, failed); err != nil {
		return fmt.Errorf("share a port: %w", err)
	}
	return nil
}
