//go:build !unix

package p2p

import (
	"errors"
	"net"
)

// sharePort is not possible on this system. The claim ends before libp2p listens.
func sharePort(net.Listener) error { return errors.ErrUnsupported }
