package stream

import (
	"context"
	"errors"
	"fmt"
	"os"
	"time"

	"github.com/libp2p/go-libp2p/core/network"
	"github.com/libp2p/go-libp2p/core/peer"
)

// Dialer opens streams to peers. It is safe for concurrent use.
type Dialer struct{ c Config }

// NewDialer makes a dialer.
func NewDialer(c Config) *Dialer { return &Dialer{c} }

// ItemDeadline is when the item that comes next must have come.
func (d *Dialer) ItemDeadline(ctx context.Context) time.Time { return d.c.Times.ItemDeadline(ctx) }

// ItemTime is how long an item may take.
func (d *Dialer) ItemTime() time.Duration { return d.c.Times.Item }

// Time is how long a stream of a service may take.
func (d *Dialer) Time(of Service) time.Duration { return d.c.Times.Serve(of) }

// Converse opens a stream on an existing connection, a relayed one included, and talks on it. The
// stream has so much memory, and ends with the context. After an error it is reset, otherwise
// closed. Converse reports the violation that ended it, if one did.
func (d *Dialer) Converse(ctx context.Context, p peer.ID, of Service, memory int, talk func(network.Stream) error) error {
	err := d.converse(ctx, p, of, memory, talk)
	d.c.Penalties.Report(p, of.Scope(), err)
	return err
}

func (d *Dialer) converse(ctx context.Context, p peer.ID, of Service, memory int, talk func(network.Stream) error) error {
	why := of.Scope()
	dialing := network.WithNoDial(network.WithAllowLimitedConn(ctx, why), why)
	stream, err := d.c.Host.NewStream(dialing, p, of.ID(d.c.Network))
	if err != nil {
		return fmt.Errorf("open a stream: %w", err)
	}
	release, err := secure(ctx, of, stream, memory)
	if err != nil {
		_ = stream.Reset()
		return err
	}
	defer release()
	if err := talk(stream); err != nil {
		_ = stream.Reset()
		return err
	}
	_ = stream.Close() // the conversation is over
	return nil
}

// CloseWrite ends what is sent on a stream. If the other side has reset it, the error says why, for
// [TurnedAway] among others. go-libp2p has the reason of a reset in the errors of Read and Write,
// but not in those of CloseWrite.
func CloseWrite(s network.Stream) error {
	err := s.CloseWrite()
	if err == nil {
		return nil
	}
	var reset *network.StreamError
	if _, why := s.Read(make([]byte, 1)); errors.As(why, &reset) {
		return why
	}
	return err
}

// TurnedAway reports whether the other side reset a stream because it serves as many as it can.
func TurnedAway(err error) bool {
	var reset *network.StreamError
	return errors.As(err, &reset) && reset.Remote && reset.ErrorCode == network.StreamRateLimited
}

// IsTimeout reports whether time ran out.
func IsTimeout(err error) bool {
	var t interface{ Timeout() bool }
	return errors.Is(err, context.DeadlineExceeded) || errors.Is(err, os.ErrDeadlineExceeded) || errors.As(err, &t) && t.Timeout()
}

// Stalled reports whether a stream ended because nothing came, or nothing was read, for too long.
func Stalled(ctx context.Context, err error) bool {
	return err != nil && (IsTimeout(err) || errors.Is(ctx.Err(), context.DeadlineExceeded))
}
