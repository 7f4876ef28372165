package node

import (
	"context"
	"math"
	"strings"
	"sync"
	"time"

	dht "github.com/libp2p/go-libp2p-kad-dht"
	"github.com/libp2p/go-libp2p/core/routing"

	"github.com/lf-store/lf/node/internal/clone"
)

// finder finds other nodes of the network in its own DHT, at the meeting point, and enters this
// node there. Seeds and known peers lead into the DHT; what is found there leads to everybody,
// whether or not the seeds stay.
type finder struct {
	meeting
	dht    *dht.IpfsDHT
	cancel context.CancelFunc
	done   sync.WaitGroup

	mu    sync.Mutex
	known entryFacts
}

// entryFacts is how it went to enter this node at the meeting point.
type entryFacts struct {
	At    time.Time // the last time that it was entered
	Error string    // what was wrong with the last attempt
}

// The pace of the finder. A look takes a few messages to peers that are connected already, most of
// the time.
const (
	// enoughPeers is what GossipSub wants around its mesh (D is 6, at most 12), and then the node
	// is found by others.
	enoughPeers = 12
	firstFind   = 2 * time.Second
	mostFind    = 2 * time.Minute
	contentFind = 30 * time.Minute // also where fewer are all there are
	// firstRefresh, mostRefresh and quietRefresh are the pauses between looks of the DHT around
	// itself, the last one while the peers in its routing table stay as many.
	firstRefresh, mostRefresh, quietRefresh = 30 * time.Second, 10 * time.Minute, time.Hour
	// firstSelf is the pause after the first look for the node's own ID. It doubles each time, up
	// to quietRefresh.
	firstSelf = 5 * time.Second
	// findTime and provideTime bound one look and one entry, which end by themselves when the
	// closest peers were asked.
	findTime, provideTime = 30 * time.Second, time.Minute
)

func newFinder(m meeting, d *dht.IpfsDHT) *finder {
	ctx, cancel := context.WithCancel(context.Background())
	f := &finder{meeting: m, dht: d, cancel: cancel}
	f.done.Go(func() { f.find(ctx) })
	f.done.Go(func() { f.provide(ctx) })
	f.done.Go(func() { f.refresh(ctx) })
	f.done.Go(func() { f.lookForSelf(ctx) })
	return f
}

// Close ends what is under way. Connections stay as they are.
func (f *finder) Close() error {
	f.cancel()
	f.done.Wait()
	return nil
}

func (f *finder) facts() entryFacts {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.known
}

// tried notes how an attempt to enter this node went.
func (f *finder) tried(err error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.known.Error = ""
	if err != nil {
		f.known.Error = err.Error()
	} else {
		f.known.At = time.Now()
	}
}

// find looks for others, over and over.
func (f *finder) find(ctx context.Context) {
	s := search{first: firstFind, most: mostFind, content: contentFind, quiet: contentFind, enough: enoughPeers}
	for ctx.Err() == nil {
		if f.dht.RoutingTable().Size() == 0 {
			sleep(ctx, firstFind) // nobody to ask yet
			continue
		}
		if peers := f.peers(); peers < enoughPeers {
			f.look(ctx, enoughPeers-peers)
		}
		rest(ctx, s.wait(f.peers()), mostFind, f.peers)
	}
}

// refresh has the DHT look around itself, over and over. The DHT's own refresh does so every two
// minutes where there are no more than ten peers, whether or not anything changes there, which was
// nearly half of what a node of a small network sent while idle.
func (f *finder) refresh(ctx context.Context) {
	size := f.dht.RoutingTable().Size
	s := search{first: firstRefresh, most: mostRefresh, quiet: quietRefresh, enough: math.MaxInt}
	for ctx.Err() == nil {
		if size() == 0 {
			sleep(ctx, firstFind)
			continue
		}
		select {
		case err := <-f.dht.RefreshRoutingTable():
			if err != nil {
				f.log.Debug("the DHT could not look all around", "error", err)
			}
		case <-ctx.Done():
		}
		rest(ctx, s.wait(size()), mostRefresh, size)
	}
}

// lookForSelf asks the network's DHT where this node's own ID is, over and over. An address that is
// not the node's may be a clone's. The DHT's other answers leave out whoever asks.
func (f *finder) lookForSelf(ctx context.Context) {
	pause := firstSelf
	for ctx.Err() == nil {
		if f.dht.RoutingTable().Size() == 0 {
			sleep(ctx, firstFind)
			continue
		}
		f.lookUpSelf(ctx)
		sleep(ctx, pause)
		pause = min(2*pause, quietRefresh)
	}
}

// lookUpSelf makes one look. The answers of single peers are read as they come, because the
// lookup's result has no addresses.
func (f *finder) lookUpSelf(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, findTime)
	defer cancel()
	limited, events := routing.RegisterForQueryEvents(ctx)
	var looking sync.WaitGroup
	looking.Go(func() {
		defer cancel()
		if _, err := f.dht.GetClosestPeers(limited, string(f.host.ID())); err != nil && ctx.Err() == nil {
			f.log.Debug("the DHT could not tell where this node's own ID is", "error", err)
		}
	})
	for e := range events {
		for _, p := range e.Responses {
			if p.ID == f.host.ID() {
				f.clone.Offer(clone.DHT, f.allow(*p).Addrs)
			}
		}
	}
	looking.Wait()
}

// rest sleeps. Now and then it sees whether there are as many as there were, and returns if not.
func rest(ctx context.Context, d, look time.Duration, count func() int) {
	before, until := count(), time.Now().Add(d)
	for ctx.Err() == nil && time.Now().Before(until) && count() == before {
		sleep(ctx, min(look, time.Until(until)))
	}
}

// look asks for the nodes at the meeting point and dials those that are not connected, as many as
// are wanted.
func (f *finder) look(ctx context.Context, wanted int) {
	ctx, cancel := context.WithTimeout(ctx, findTime)
	defer cancel()
	f.dialAll(ctx, f.dht.FindProvidersAsync(ctx, f.at, maxFound), wanted)
}

// provide enters this node at the meeting point, and again before the entry expires or when its
// addresses have changed: the entry names them, and a relay's comes some seconds after the start.
func (f *finder) provide(ctx context.Context) {
	pause := firstFind
	entered, at := time.Time{}, ""
	for ctx.Err() == nil {
		now := strings.Join(addressesOf(f.host), " ")
		if f.dht.RoutingTable().Size() > 0 && now != "" && (time.Since(entered) > provideEvery || now != at) {
			limited, cancel := context.WithTimeout(ctx, provideTime)
			err := f.dht.Provide(limited, f.at, true)
			cancel()
			f.tried(err)
			if err == nil {
				entered, at, pause = time.Now(), now, firstFind
			} else {
				pause = min(2*pause, mostFind)
				f.log.Debug("not entered in the DHT", "error", err)
			}
		}
		sleep(ctx, pause)
	}
}
