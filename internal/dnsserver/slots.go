package dnsserver

import (
	"context"
	"net"
	"time"

	"github.com/miekg/dns"
)

// maxPackets is how many questions by UDP are under way at once. What comes then waits in the
// system's buffer, which drops what it has no room for.
const maxPackets = 1024

// slots bounds the questions by UDP that are under way. Each packet that was read has one, until it
// was answered or found to be none.
type slots struct {
	ctx  context.Context
	free chan struct{}
}

func newSlots(ctx context.Context) *slots {
	return &slots{ctx, make(chan struct{}, maxPackets)}
}

func (s *slots) release() { <-s.free }

// bound has a server keep to the slots. Its handler must release one for each packet.
func (s *slots) bound(server *dns.Server) {
	server.DecorateReader = func(r dns.Reader) dns.Reader { return &slotReader{r, s} }
	server.MsgInvalidFunc = func([]byte, error) { s.release() }
	// each message that can be read gets to the handler
	server.MsgAcceptFunc = func(dns.Header) dns.MsgAcceptAction { return dns.MsgAccept }
}

// slotReader reads a packet when a slot is free.
type slotReader struct {
	dns.Reader
	slots *slots
}

func (r *slotReader) ReadUDP(conn *net.UDPConn, timeout time.Duration) ([]byte, *dns.SessionUDP, error) {
	select {
	case r.slots.free <- struct{}{}:
	case <-r.slots.ctx.Done():
		return nil, nil, net.ErrClosed
	}
	packet, session, err := r.Reader.ReadUDP(conn, timeout)
	if err != nil {
		r.slots.release()
	}
	return packet, session, err
}
