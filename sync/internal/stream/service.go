package stream

import (
	"context"
	"time"

	libprotocol "github.com/libp2p/go-libp2p/core/protocol"

	"github.com/lf-store/lf/protocol"
)

// Service is one of the network's stream protocols.
type Service struct {
	// Name is that of the protocol, as in "fetch".
	Name string
	// Streams is how many streams of it one peer may have open each way, with those that it gave
	// up and that still drain.
	Streams int
	// Memory is what a served stream holds until its request has come.
	Memory int
	// Time ends a served stream.
	Time time.Duration
}

// Scope names the service to the resource manager, in metrics, and where a violation is told.
func (s Service) Scope() string { return "lf." + s.Name }

// ID is the protocol's on a network, in version 1.
func (s Service) ID(n *protocol.Network) libprotocol.ID {
	return libprotocol.ID(n.StreamProtocol(s.Name))
}

// Handler serves a stream. After an error the stream is reset, otherwise it is closed. An error
// that wraps a penalty.Violation is reported by the caller.
type Handler func(context.Context, *Served) error
