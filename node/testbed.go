package node

import (
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/libp2p/go-libp2p/core/peer"

	"github.com/lf-store/lf/internal/strictjson"
	"github.com/lf-store/lf/node/api"
	"github.com/lf-store/lf/node/internal/p2p"
	"github.com/lf-store/lf/node/internal/service"
	"github.com/lf-store/lf/store"
)

// Testbed makes a node one of a testbed, whose driver breaks what breaks in the world: links,
// clocks, reachability. Such a node also serves api.Testbed, and reaches others through relays.
type Testbed struct {
	// ClockOffset is how far the node's clock is ahead of the machine's, behind it if negative.
	ClockOffset time.Duration
	// RelayService has the node relay connections between others, within libp2p's usual limits (128
	// KiB, 2 minutes).
	RelayService bool
	// RelayOnly are multiaddrs of relays, peer ID included, which are then the only way to the
	// node. It listens nowhere else and dials nobody else directly.
	RelayOnly []string
	// Anywhere allows profiles other than local, for a network of the testbed's own.
	Anywhere bool
}

// ReadTestbed reads the JSON in which the driver of a testbed hands its wishes to a node.
func ReadTestbed(r io.Reader) (*Testbed, error) {
	var in struct {
		ClockOffset  string   `json:"clockOffset"`
		RelayService bool     `json:"relayService"`
		RelayOnly    []string `json:"relayOnly"`
		Anywhere     bool     `json:"anywhere"`
	}
	if err := strictjson.Read(r, &in, 0); err != nil {
		return nil, fmt.Errorf("not a testbed's JSON: %w", err)
	}
	t := &Testbed{RelayService: in.RelayService, RelayOnly: in.RelayOnly, Anywhere: in.Anywhere}
	if in.ClockOffset == "" {
		return t, nil
	}
	var err error
	if t.ClockOffset, err = time.ParseDuration(in.ClockOffset); err != nil {
		return nil, fmt.Errorf("clockOffset %q is not a duration such as 90s or -5m", in.ClockOffset)
	}
	return t, nil
}

// apply checks what a testbed wants of a node against the rest of its configuration, and sets its
// clock.
func (t *Testbed) apply(c *Config) error {
	switch {
	case c.Profile != p2p.ProfileLocal && !t.Anywhere:
		return errors.New("nodes of a testbed have the profile local, unless the testbed says \"anywhere\"")
	case c.Offline:
		return errors.New("a node of a testbed cannot be offline: block its links")
	case len(t.RelayOnly) > 0 && t.RelayService:
		return errors.New("a node that is reached through a relay only cannot be a relay itself")
	case len(t.RelayOnly) > 0 && len(c.Listen) > 0:
		return errors.New("a node that is reached through a relay only listens nowhere: leave out --listen")
	}
	if clock := c.Clock; t.ClockOffset != 0 {
		c.Clock = func() time.Time { return clock().Add(t.ClockOffset) }
	}
	return nil
}

// host is what a testbed changes about the node's host; nil for a node that is none of a testbed's.
func (t *Testbed) host() *p2p.Testbed {
	if t == nil {
		return nil
	}
	return &p2p.Testbed{RelayService: t.RelayService, RelayOnly: t.RelayOnly}
}

// testbed is what the driver of a testbed does with the node; nil for a node that is none of a
// testbed's.
func (n *Node) testbed() api.Testbed {
	if n.config.Testbed == nil {
		return nil
	}
	return &testbed{n.host, n.store}
}

// testbed implements api.Testbed.
type testbed struct {
	host  *p2p.Host
	store *store.Store
}

// SetLinks implements api.Testbed.
func (t *testbed) SetLinks(ctx context.Context, l api.TestbedLinks) (*api.TestbedLinks, error) {
	in, out := map[peer.ID]bool{}, map[peer.ID]bool{}
	for _, b := range l.Blocked {
		id, err := peer.Decode(b.Peer)
		if err != nil {
			return nil, api.Invalid("peer %q is no peer ID: %v", b.Peer, err)
		}
		switch b.Direction {
		case api.BlockBoth:
			in[id], out[id] = true, true
		case api.BlockIn:
			in[id] = true
		case api.BlockOut:
			out[id] = true
		default:
			return nil, api.Invalid("direction %q is none of both, in and out", b.Direction)
		}
	}
	t.host.SetBlocked(in, out)
	return &l, ctx.Err()
}

// setPage bounds the records in one answer of AttachedSet, which then has about 4 MiB.
const setPage = 1 << 16

// errEnough ends a scan.
var errEnough = errors.New("enough")

// AttachedSet implements api.Testbed. Local indices are dense and begin at 1, so the position tells
// the index.
func (t *testbed) AttachedSet(ctx context.Context, from uint64) (*api.TestbedSet, error) {
	set, index := &api.TestbedSet{IDs: []string{}}, uint64(0)
	err := t.store.Scan(ctx, func(items []store.Item) error {
		for i := range items {
			switch index++; {
			case index < from:
			case len(set.IDs) == setPage:
				set.Next = api.Uint64(index)
				return errEnough
			default:
				set.IDs = append(set.IDs, hex.EncodeToString(items[i].ID[:]))
			}
		}
		return nil
	})
	if err != nil && !errors.Is(err, errEnough) {
		return nil, service.Failure(err)
	}
	return set, nil
}
