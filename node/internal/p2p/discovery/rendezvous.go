package discovery

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	dht "github.com/libp2p/go-libp2p-kad-dht"
	"github.com/libp2p/go-libp2p/core/connmgr"
	"github.com/libp2p/go-libp2p/core/event"
	"github.com/libp2p/go-libp2p/core/peer"
	ma "github.com/multiformats/go-multiaddr"

	"github.com/lf-store/lf/internal/supervisor"
	"github.com/lf-store/lf/node/api"
	"github.com/lf-store/lf/node/internal/p2p"
)

// The pace of the rendezvous and its bounds. One lookup asks about 20 to 60 peers of the public
// DHT.
const (
	// metEnough peers of the network lead to all others through its own DHT.
	metEnough = 3
	// firstMeet is the pause between rounds while the node is alone, at first. mostMeet is what it
	// grows to. contentMeet is the pause when the node has company: islands of the network that do
	// not know of each other meet then. Once the node can be entered at last, firstMeet is enough.
	firstMeet, mostMeet, contentMeet = 10 * time.Second, 15 * time.Minute, time.Hour
	// bootstrapTime, meetTime and enterTime bound the parts of a round.
	bootstrapTime, meetTime, enterTime = 10 * time.Second, 20 * time.Second, time.Minute
	// enterEvery is the age at which the node renews its entry, which the public DHT keeps for 48
	// hours. enterAgain is the least pause before it does so because its addresses have changed.
	enterEvery, enterAgain = 20 * time.Hour, 5 * time.Minute
	// publicPeersWanted is how many public peers stay connected after a round while the node lacks
	// relays and does not know whether it can be reached. They tell it, and may relay.
	// publicPeersMost is the bound during a round.
	publicPeersWanted, publicPeersMost = 8, 48
	// PublicPeerGrace is the age at which a connection may count as one to a public peer. Until
	// then the peer may not have said what it speaks.
	PublicPeerGrace = 3 * time.Second
	// bootstrapAtOnce is how many of the peers that lead into the public DHT are asked in a round.
	bootstrapAtOnce = 3
)

// Rendezvous finds nodes of the network that know nobody of it. They enter themselves under the
// network's rendezvous key in the public DHT of the InterPlanetary File System (Amino), which is
// run by thousands of others. The node takes part as a client and in rounds, keeps nothing for that
// DHT, and closes the connections to its peers afterwards.
//
// It does so with the node's own host, because the public peers are of use to a new node. They tell
// it at which address they see it and whether it can be dialed, and many of them relay. Two homes
// meet in that way where no node of the network can be reached by everybody.
type Rendezvous struct {
	providerDiscovery
	bootstrapPeers []peer.AddrInfo         // they lead into the public DHT
	worth          func(ma.Multiaddr) bool // to be entered
	wanted         func() bool             // whether public peers are of use
	backoff        lookupBackoff

	looking atomic.Bool   // a round is under way
	wake    chan struct{} // a round has begun or ended

	mu      sync.Mutex
	known   api.RendezvousFacts
	entered time.Time
	as      string // the addresses that were entered
	tried   string // the addresses that the node tried to enter last
	// dials are those of the bootstrap peers, as many as the user named.
	dials map[peer.ID]p2p.DialHistory
}

// NewRendezvous makes a rendezvous whose rounds begin with Run. Bootstrap peers are those that lead
// into the public DHT.
func NewRendezvous(c Config, bootstrapPeers []peer.AddrInfo) (*Rendezvous, error) {
	base, err := newProviderDiscovery(&c)
	if err != nil {
		return nil, err
	}
	return newRendezvous(base, bootstrapPeers, c.Host.WantsRelays), nil
}

func newRendezvous(base providerDiscovery, bootstrapPeers []peer.AddrInfo, wanted func() bool) *Rendezvous {
	return &Rendezvous{
		providerDiscovery: base, bootstrapPeers: bootstrapPeers, worth: worthEntering, wanted: wanted,
		dials: map[peer.ID]p2p.DialHistory{}, wake: make(chan struct{}, 1),
		backoff: lookupBackoff{first: firstMeet, most: mostMeet, content: contentMeet, enough: metEnough},
		known:   api.RendezvousFacts{On: true},
	}
}

// Run has rounds until its context ends.
func (r *Rendezvous) Run(ctx context.Context) error {
	return supervisor.Run(ctx, r.rounds, r.watchPublicPeers)
}

// Facts tells how the rendezvous goes.
func (r *Rendezvous) Facts() api.RendezvousFacts {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.known
}

func (r *Rendezvous) rounds(ctx context.Context) error {
	changed, err := r.host.EventBus().Subscribe(new(event.EvtLocalAddressesUpdated))
	if err != nil {
		return fmt.Errorf("rendezvous: %w", err)
	}
	defer changed.Close()
	for ctx.Err() == nil {
		met, err := r.round(ctx)
		if ctx.Err() != nil {
			break
		}
		r.mu.Lock()
		r.known.Last, r.known.Met, r.known.Error = api.Millis(time.Now()), met, ""
		if err != nil {
			r.known.Error = p2p.OneLine(err.Error())
		}
		r.mu.Unlock()
		if err != nil {
			r.log.Debug("the rendezvous did not work", "error", err)
		}
		r.pause(ctx, changed.Out(), r.backoff.wait(r.peers()))
	}
	return ctx.Err()
}

// pause waits until the next round. An address at which others can dial often comes later than the
// first round, with a relay. The node enters it soon, for nobody finds the node before.
func (r *Rendezvous) pause(ctx context.Context, changed <-chan any, d time.Duration) {
	least := min(d, r.backoff.first)
	_ = supervisor.Sleep(ctx, least)
	timer := time.NewTimer(d - least)
	defer timer.Stop()
	for ctx.Err() == nil {
		if addresses, due := r.entryDue(); due && !r.hasTried(addresses) {
			return
		}
		select {
		case <-ctx.Done():
		case <-timer.C:
			return
		case <-changed:
		}
	}
}

// setLooking notes that a round begins or ends.
func (r *Rendezvous) setLooking(looking bool) {
	r.looking.Store(looking)
	select {
	case r.wake <- struct{}{}:
	default:
	}
}

// round looks for others and enters this node, where it is due.
func (r *Rendezvous) round(ctx context.Context) (met int, err error) {
	// The public DHT must not protect its peers: they are the node's for the length of a round.
	// What other parts of the node protect is no public peer.
	watched := watchTable(r.host, connmgr.NullConnMgr{})
	public, err := dht.New(watched, dht.Mode(dht.ModeClient), dht.DisableAutoRefresh())
	if err != nil {
		return 0, fmt.Errorf("the public DHT: %w", err)
	}
	r.setLooking(true)
	defer func() {
		r.setLooking(false)
		if e := public.Close(); e != nil && err == nil {
			err = fmt.Errorf("the public DHT: %w", e)
		}
	}()
	if err := r.bootstrap(ctx, public.RoutingTable().Size, watched.watch); err != nil {
		return 0, err
	}
	met = r.meet(ctx, public)
	entered, err := r.enter(ctx, public)
	if entered && met == 0 {
		// Of two that looked at once, each before the other had entered, the later one finds the
		// other now.
		met = r.meet(ctx, public)
	}
	return met, err
}

// bootstrap connects to some that are in the public DHT for sure and waits until the first of them
// is in the routing table. It gives up when none of them can be dialed.
func (r *Rendezvous) bootstrap(ctx context.Context, size func() int, watch *tableWatch) error {
	ctx, cancel := context.WithTimeout(ctx, bootstrapTime)
	defer cancel()
	asked := rand.Perm(len(r.bootstrapPeers))[:min(bootstrapAtOnce, len(r.bootstrapPeers))]
	failures := make(chan error, len(asked))
	var dials sync.WaitGroup
	defer dials.Wait()
	defer cancel()
	for _, i := range asked {
		dials.Go(func() { failures <- r.ask(ctx, r.bootstrapPeers[i]) })
	}
	var failed error
	for range asked {
		select {
		case err := <-failures:
			if err == nil {
				err = watch.wait(ctx, size)
			}
			failed = cmp.Or(failed, err)
		case <-ctx.Done():
		}
		if size() > 0 {
			return nil
		}
	}
	return fmt.Errorf("no way into the public DHT: %w", cmp.Or(failed, ctx.Err(), errNoBootstrap))
}

// errNoBootstrap says that nobody was asked.
var errNoBootstrap = errors.New("no bootstrap peer is known")

// meet dials the nodes that have entered themselves and returns how many answered.
func (r *Rendezvous) meet(ctx context.Context, public *dht.IpfsDHT) int {
	ctx, cancel := context.WithTimeout(ctx, meetTime)
	defer cancel()
	met := r.dialAll(ctx, public.FindProvidersAsync(ctx, r.key, maxFound), maxFound)
	if met > 0 {
		r.log.Info("met nodes of this network through the public DHT", "nodes", met)
	}
	return met
}

// enter enters this node, if it is due, and tells whether it did.
func (r *Rendezvous) enter(ctx context.Context, public *dht.IpfsDHT) (entered bool, err error) {
	as, due := r.entryDue()
	if !due {
		return false, nil
	}
	ctx, cancel := context.WithTimeout(ctx, enterTime)
	defer cancel()
	err = public.Provide(ctx, r.key, true)
	r.mu.Lock()
	defer r.mu.Unlock()
	r.tried = as
	if err != nil {
		return false, fmt.Errorf("enter this node in the public DHT: %w", err)
	}
	r.entered, r.as = time.Now(), as
	r.known.Entered = api.Millis(r.entered)
	return true, nil
}

// entryDue tells whether this node should enter itself. Its entry is old or has other addresses,
// and others can dial one of its addresses from elsewhere.
func (r *Rendezvous) entryDue() (addresses string, due bool) {
	addresses = strings.Join(p2p.Addresses(r.host), " ")
	r.mu.Lock()
	age := time.Since(r.entered)
	due = age > enterEvery || (addresses != r.as && age > enterAgain)
	r.mu.Unlock()
	return addresses, due && slices.ContainsFunc(r.allow(peer.AddrInfo{Addrs: r.host.Addrs()}).Addrs, r.worth)
}

// hasTried tells whether the node tried to enter these addresses last. It tries them again at the
// rounds' own pace.
func (r *Rendezvous) hasTried(addresses string) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.tried == addresses
}
