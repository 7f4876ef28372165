package node

import (
	"cmp"
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	dht "github.com/libp2p/go-libp2p-kad-dht"
	"github.com/libp2p/go-libp2p/core/peer"
	ma "github.com/multiformats/go-multiaddr"
)

// The pace of the rendezvous and its bounds. One look-up asks some 20 to 60 peers of the public
// DHT.
const (
	// metEnough peers of the network lead to all others through its own DHT.
	metEnough = 3
	// firstMeet is the pause between looks while the node is alone, at first: two that start
	// together meet at the second look. mostMeet is what it grows to. contentMeet is the pause when
	// the node has company: islands of the network that do not know of each other meet then.
	firstMeet, mostMeet, contentMeet = 10 * time.Second, 15 * time.Minute, time.Hour
	// bootstrapTime, meetTime and enterTime bound the parts of a round.
	bootstrapTime, meetTime, enterTime = 10 * time.Second, 20 * time.Second, time.Minute
	// enterEvery is after how long the node enters itself anew, of the 48 hours for which the
	// public DHT keeps an entry, and enterAgain the least pause until it does because its addresses
	// have changed.
	enterEvery, enterAgain = 20 * time.Hour, 5 * time.Minute
	// guestsWanted is how many peers of the public DHT stay after a round while the node does not
	// know whether it can be reached, or has no place at a relay: they tell, and may relay.
	// guestsMost is how many there are at most during one.
	guestsWanted, guestsMost = 8, 48
	// guestGrace is how long a new connection is not taken for a guest's: it takes a moment until
	// it says what it speaks.
	guestGrace = 3 * time.Second
	// bootstrapAtOnce is how many of the peers that lead into the public DHT are asked in a round.
	bootstrapAtOnce = 3
)

// rendezvous finds nodes of the network that know nobody of it: in the public DHT of the
// InterPlanetary File System (Amino), which is run by thousands of others, they enter themselves at
// the network's meeting point. The node takes part as a client and in rounds, keeps nothing for
// that DHT, and parts with its peers afterwards, its guests.
//
// It does so with the node's own host, not with one of its own, because guests are of use to a node
// that is new: they tell it at which address they see it and whether it can be dialed, and many of
// them relay. Two homes meet by that where no node of the network can be reached by everybody.
type rendezvous struct {
	meeting
	lead   []peer.AddrInfo         // into the public DHT
	worth  func(ma.Multiaddr) bool // to be entered
	wanted func() bool             // whether guests are of use
	search search
	cancel context.CancelFunc
	done   sync.WaitGroup

	looking atomic.Bool // a round is under way

	mu    sync.Mutex
	known rendezvousFacts
	as    string // the addresses that were entered
	// contacts are with those who lead, as many as the user named.
	contacts map[peer.ID]contact
}

// rendezvousFacts is how the rendezvous goes.
type rendezvousFacts struct {
	Last    time.Time // when the last round ended
	Met     int       // nodes of the network that were found in it
	Entered time.Time // when the node was entered last
	Error   string    // what was wrong with the last round
}

func newRendezvous(m meeting, lead []peer.AddrInfo, wanted func() bool) *rendezvous {
	return &rendezvous{
		meeting: m, lead: lead, worth: worthEntering, wanted: wanted, contacts: map[peer.ID]contact{},
		search: search{first: firstMeet, most: mostMeet, content: contentMeet, enough: metEnough},
	}
}

// start begins the rounds.
func (r *rendezvous) start() {
	var ctx context.Context
	ctx, r.cancel = context.WithCancel(context.Background())
	r.done.Go(func() { r.run(ctx) })
	r.done.Go(func() { r.watchGuests(ctx) })
}

// Close ends the round that is under way.
func (r *rendezvous) Close() error {
	r.cancel()
	r.done.Wait()
	return nil
}

func (r *rendezvous) facts() rendezvousFacts {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.known
}

func (r *rendezvous) run(ctx context.Context) {
	for ctx.Err() == nil {
		met, err := r.round(ctx)
		if ctx.Err() != nil {
			return
		}
		r.mu.Lock()
		r.known.Last, r.known.Met, r.known.Error = time.Now(), met, ""
		if err != nil {
			r.known.Error = oneLine(err.Error())
		}
		r.mu.Unlock()
		if err != nil {
			r.log.Debug("the rendezvous did not work", "error", err)
		}
		sleep(ctx, r.search.wait(r.peers()))
	}
}

// round looks for others and enters this node, where it is due.
func (r *rendezvous) round(ctx context.Context) (met int, err error) {
	public, err := dht.New(r.host, dht.Mode(dht.ModeClient), dht.DisableAutoRefresh())
	if err != nil {
		return 0, fmt.Errorf("the public DHT: %w", err)
	}
	r.looking.Store(true)
	defer func() {
		r.looking.Store(false)
		if e := public.Close(); e != nil && err == nil {
			err = fmt.Errorf("the public DHT: %w", e)
		}
	}()
	if err := r.bootstrap(ctx, public); err != nil {
		return 0, err
	}
	met = r.meet(ctx, public)
	return met, r.enter(ctx, public)
}

// bootstrap connects to some that are in the public DHT for sure and waits until the first of them
// is taken in.
func (r *rendezvous) bootstrap(ctx context.Context, public *dht.IpfsDHT) error {
	if public.RoutingTable().Size() > 0 {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, bootstrapTime)
	defer cancel()
	var failed error
	var mu sync.Mutex
	var dials sync.WaitGroup
	for _, i := range rand.Perm(len(r.lead))[:min(bootstrapAtOnce, len(r.lead))] {
		dials.Go(func() {
			if err := r.ask(ctx, r.lead[i]); err != nil {
				mu.Lock()
				defer mu.Unlock()
				failed = err
			}
		})
	}
	defer dials.Wait()
	defer cancel()
	for ctx.Err() == nil {
		if public.RoutingTable().Size() > 0 {
			return nil
		}
		sleep(ctx, 50*time.Millisecond)
	}
	mu.Lock()
	defer mu.Unlock()
	return fmt.Errorf("no way into the public DHT: %w", cmp.Or(failed, ctx.Err()))
}

// meet dials the nodes that have entered themselves and returns how many answered.
func (r *rendezvous) meet(ctx context.Context, public *dht.IpfsDHT) int {
	ctx, cancel := context.WithTimeout(ctx, meetTime)
	defer cancel()
	met := r.dialAll(ctx, public.FindProvidersAsync(ctx, r.at, maxFound), maxFound)
	if met > 0 {
		r.log.Info("met nodes of this network through the public DHT", "nodes", met)
	}
	return met
}

// enter enters this node, if it is due and there is an address at which it can be dialed from
// elsewhere.
func (r *rendezvous) enter(ctx context.Context, public *dht.IpfsDHT) error {
	as := strings.Join(addressesOf(r.host), " ")
	r.mu.Lock()
	age := time.Since(r.known.Entered)
	due := age > enterEvery || (as != r.as && age > enterAgain)
	r.mu.Unlock()
	if !due || !slices.ContainsFunc(r.allow(peer.AddrInfo{Addrs: r.host.Addrs()}).Addrs, r.worth) {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, enterTime)
	defer cancel()
	if err := public.Provide(ctx, r.at, true); err != nil {
		return fmt.Errorf("enter this node in the public DHT: %w", err)
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.known.Entered, r.as = time.Now(), as
	return nil
}
