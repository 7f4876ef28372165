package oracle

import (
	"context"
	"crypto/ed25519"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/ipfs/go-datastore"

	"github.com/lf-store/lf/protocol"
)

// Claim is what one owner claims under a composite key, as far as a commentator needs to know it.
type Claim struct {
	Owner protocol.Owner
	// First is the criterion local. It is set when this node saw no claim of another owner under
	// the key before this one. It is also set when the order that it saw says nothing.
	First bool
}

// Collision is a composite key that more than one owner claims or claimed, and the claims on it
// that live now. Where these are very many, not all need be listed: the commentator says nothing
// about the others.
type Collision struct {
	Composite protocol.CompositeID
	Claims    []Claim
}

// Links are what a commentary links to.
type Links struct {
	IDs []protocol.ID
	// Newest is the greatest timestamp among them, in milliseconds.
	Newest uint64
	// Certified says that a certificate's record on which the commentary can rest is among them.
	Certified bool
}

// Store is what a commentator asks of a node's store. All of its methods may fail at any time: they
// are tried again.
type Store interface {
	// Collisions lists the composite keys touched by attached records with an index above after,
	// each once, and each as it is now. It lists those that have versions of two or more owners.
	// Released ones count, too, since a release makes objections obsolete. There may be fewer than
	// limit of them, even none, with more to come. next is the index up to which the list is
	// complete; it equals after only when no records are above it.
	Collisions(ctx context.Context, after uint64, limit int) (list []Collision, next uint64, err error)
	// Words returns the latest words of an oracle about a composite key, one an owner at most.
	Words(ctx context.Context, oracle protocol.Owner, composite protocol.CompositeID) ([]Word, error)
	// Links offers about count reputable tips, none ahead of now, and the owner's certificate where
	// there is a use for it.
	Links(ctx context.Context, count int, now uint64, owner protocol.Owner) (Links, error)
}

// Memory keeps a few bytes durably; every datastore.Datastore is one. It holds how far the
// commentator is, so it belongs beside the store. A cursor that is ahead of its store makes a
// commentator wait until the store has caught up.
type Memory interface {
	// datastore.ErrNotFound when there is nothing
	Get(ctx context.Context, key datastore.Key) ([]byte, error)
	Put(ctx context.Context, key datastore.Key, value []byte) error
}

// Config is what a Commentator is made of.
type Config struct {
	Network *protocol.Network
	// Key is the oracle's: its owner is who readers elect.
	Key    ed25519.PrivateKey
	Store  Store
	Memory Memory
	// Solver returns a solver of work that ends with ctx and lets everything else go first.
	Solver func(ctx context.Context) protocol.WorkSolver
	// Submit takes a record in and publishes it. It returns nil once the record is attached and
	// durable, also when it was known. Anything else is an error, and the same record is submitted
	// again later.
	Submit func(ctx context.Context, frame []byte) error

	// PerHour bounds the commentaries of any hour, 1 to MaxPerHour; 0 is DefaultPerHour.
	PerHour int
	// Overload is how many times the price of a record a commentary pays, 1 to MaxOverload; 0 is
	// DefaultOverload.
	Overload uint32
	// Clock and Logger may be nil: the system's clock, no logs.
	Clock  func() time.Time
	Logger *slog.Logger
}

// Status tells how a commentator stands.
type Status struct {
	// Commentaries and Words count what was published so far, earlier runs of the node included; a
	// crash may forget the last.
	Commentaries, Words uint64
	// Waiting is how many words are known to wait.
	Waiting int
	// Silent says why words wait, in a line for a user; empty when nothing is wrong.
	Silent string
	// Last is when the last commentary was published; zero when none was.
	Last time.Time
}

func (c Config) withDefaults() (Config, error) {
	if c.PerHour == 0 {
		c.PerHour = DefaultPerHour
	}
	if c.Overload == 0 {
		c.Overload = DefaultOverload
	}
	if c.Clock == nil {
		c.Clock = time.Now
	}
	if c.Logger == nil {
		c.Logger = slog.New(slog.DiscardHandler)
	}
	switch {
	case c.Network == nil || c.Store == nil || c.Memory == nil || c.Solver == nil || c.Submit == nil:
		return c, errors.New("an oracle needs a network, a store, a memory, a solver of work and a way to submit records")
	case len(c.Key) != ed25519.PrivateKeySize:
		return c, fmt.Errorf("an oracle's secret key has %d bytes, not %d", ed25519.PrivateKeySize, len(c.Key))
	case c.PerHour < 1 || c.PerHour > MaxPerHour:
		return c, fmt.Errorf("an oracle publishes 1 to %d commentaries an hour, not %d", MaxPerHour, c.PerHour)
	case c.Overload > MaxOverload:
		return c, fmt.Errorf("an oracle pays 1 to %d times the price of a record, not %d times", MaxOverload, c.Overload)
	}
	return c, nil
}
