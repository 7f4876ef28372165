//go:build !unix

package testbed

import (
	"fmt"
	"net"
)

// reservation is a port that was free a moment ago: here it cannot be held for the node.
type reservation struct{ port int }

func reservePort() (*reservation, error) {
	l, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		return nil, fmt.Errorf("find a free port: %w", err)
	}
	defer l.Close()
	at, ok := l.Addr().(*net.TCPAddr)
	if !ok {
		return nil, fmt.Errorf("which port it is: %v", l.Addr())
	}
	return &reservation{at.Port}, nil
}

func (r *reservation) release() error { return nil }
