//go:build unix

package testbed

import (
	"fmt"

	"golang.org/x/sys/unix"
)

// reservation holds a port without listening on it, so nobody else gets it. Connections go to the
// node that listens there as well, or are refused while it is down.
type reservation struct{ socket, port int }

func reservePort() (*reservation, error) {
	socket, err := unix.Socket(unix.AF_INET, unix.SOCK_STREAM, 0)
	if err != nil {
		return nil, fmt.Errorf("make a socket: %w", err)
	}
	r := &reservation{socket: socket}
	if r.port, err = r.bind(); err != nil {
		_ = unix.Close(socket) // it held nothing
		return nil, err
	}
	return r, nil
}

func (r *reservation) bind() (port int, err error) {
	unix.CloseOnExec(r.socket)
	// as the node's listener has them
	for _, option := range []int{unix.SO_REUSEADDR, unix.SO_REUSEPORT} {
		if err := unix.SetsockoptInt(r.socket, unix.SOL_SOCKET, option, 1); err != nil {
			return 0, fmt.Errorf("share the port: %w", err)
		}
	}
	if err := unix.Bind(r.socket, &unix.SockaddrInet4{Addr: [4]byte{127, 0, 0, 1}}); err != nil {
		return 0, fmt.Errorf("bind: %w", err)
	}
	name, err := unix.Getsockname(r.socket)
	if err != nil {
		return 0, fmt.Errorf("which port it is: %w", err)
	}
	at, ok := name.(*unix.SockaddrInet4)
	if !ok {
		return 0, fmt.Errorf("which port it is: %T", name)
	}
	return at.Port, nil
}

func (r *reservation) release() error { return unix.Close(r.socket) }
