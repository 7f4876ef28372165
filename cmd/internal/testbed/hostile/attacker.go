package hostile

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"sync"
	"time"

	"github.com/libp2p/go-libp2p"
	pubsub "github.com/libp2p/go-libp2p-pubsub"
	pb "github.com/libp2p/go-libp2p-pubsub/pb"
	"github.com/libp2p/go-libp2p/core/crypto"
	"github.com/libp2p/go-libp2p/core/host"
	"github.com/libp2p/go-libp2p/core/network"
	"github.com/libp2p/go-libp2p/core/peer"
	libprotocol "github.com/libp2p/go-libp2p/core/protocol"
	"github.com/libp2p/go-libp2p/p2p/net/swarm"

	"github.com/lf-store/lf/protocol"
)

const (
	// again is how long it takes at least from one attempt to connect to the next.
	again = time.Second
	// brief is how short a connection is that was refused after all, at the end of the handshake.
	brief = 250 * time.Millisecond
)

// attacker is a hostile peer.
type attacker struct {
	network *protocol.Network
	targets []peer.AddrInfo
	host    host.Host
	topic   *pubsub.Topic // nil for those who do not gossip
	memory  *memory
	author  *author
	*reporter
	over  <-chan struct{} // closed at the end
	begin time.Time       // of the attack

	mu     sync.Mutex
	random *rand.Rand

	running sync.WaitGroup
}

func newAttacker(ctx context.Context, c Config) (*attacker, error) {
	key, err := crypto.UnmarshalEd25519PrivateKey(c.Identity)
	if err != nil {
		return nil, fmt.Errorf("identity: %w", err)
	}
	// No limits of its own: it is up to the targets to defend themselves.
	h, err := libp2p.New(listening(c.Listen), libp2p.Identity(key), libp2p.DisableRelay(),
		libp2p.ResourceManager(&network.NullResourceManager{}), libp2p.DisableMetrics(),
		libp2p.UserAgent("hostile/"+c.Mode), libp2p.ForceReachabilityPrivate())
	if err != nil {
		return nil, fmt.Errorf("libp2p: %w", err)
	}
	a := &attacker{
		network: c.Network, targets: c.Targets, host: h, memory: newMemory(), over: ctx.Done(), begin: time.Now().Add(c.Lull),
		random: rand.New(rand.NewChaCha8(sha256.Sum256(c.Identity.Seed()))), reporter: newReporter(c.Report, c.Targets),
	}
	a.author, err = newAuthor(c.Network, c.Identity, c.Solve)
	if err != nil {
		return nil, errors.Join(err, h.Close())
	}
	return a, nil
}

func listening(addresses []string) libp2p.Option {
	if len(addresses) == 0 {
		return libp2p.NoListenAddrs
	}
	return libp2p.ListenAddrStrings(addresses...)
}

func (a *attacker) close() {
	_ = a.host.Close()
	a.running.Wait()
}

// run attacks all targets until ctx ends.
func (a *attacker) run(ctx context.Context, mode Mode) error {
	b := mode.make(a)
	a.host.SetStreamHandler(a.protocol("fetch"), a.answer(b.fetch, a.haveNothing))
	a.host.SetStreamHandler(a.protocol("reconcile"), a.answer(b.reconcile, a.listNothing))
	if !b.silent {
		if err := a.joinGossip(ctx); err != nil {
			return err
		}
	}
	a.tell(Event{Kind: Begun, Peer: a.host.ID().String(), Mode: mode.Name, Detail: mode.About})
	for _, t := range a.targets {
		a.running.Go(func() { a.pursue(ctx, t, b) })
	}
	a.keepTelling(ctx)
	a.tell(Event{Kind: Ended})
	return nil
}

func (a *attacker) protocol(name string) libprotocol.ID {
	return libprotocol.ID(a.network.StreamProtocol(name))
}

func (a *attacker) topicName() string { return a.network.GossipTopic() }

// pursue connects to a target, attacks it, and comes back when it was dropped.
func (a *attacker) pursue(ctx context.Context, t peer.AddrInfo, b behavior) {
	for ctx.Err() == nil {
		next := time.After(again)
		a.visit(ctx, t, b)
		select {
		case <-next:
		case <-ctx.Done():
		}
	}
}

func (a *attacker) visit(ctx context.Context, t peer.AddrInfo, b behavior) {
	if s, ok := a.host.Network().(*swarm.Swarm); ok {
		s.Backoff().Clear(t.ID) // an attacker does not spare anybody
	}
	if err := a.host.Connect(ctx, t); err != nil {
		if ctx.Err() == nil {
			a.met(t.ID, Refused, clip(err))
		}
		return
	}
	began := time.Now()
	ctx, done := context.WithCancel(ctx)
	defer done()
	attacks := a.attack(ctx, t.ID, b)
	met := false // a connection that ends at once was refused
	for ctx.Err() == nil && a.host.Network().Connectedness(t.ID) == network.Connected {
		if !met && time.Since(began) > brief {
			met = true
			a.met(t.ID, Connected, "")
		}
		time.Sleep(brief / 10)
	}
	switch lasted := time.Since(began).Round(time.Millisecond); {
	case ctx.Err() != nil:
	case met:
		a.met(t.ID, Dropped, "after "+lasted.String())
	default:
		a.met(t.ID, Refused, "after "+lasted.String())
	}
	done()
	<-attacks
}

// attack runs a mode's attack until it is through or ctx ends; the channel is closed then.
func (a *attacker) attack(ctx context.Context, target peer.ID, b behavior) <-chan struct{} {
	over := make(chan struct{})
	go func() {
		defer close(over)
		select {
		case <-time.After(time.Until(a.begin)):
		case <-ctx.Done():
		}
		if b.attack == nil || ctx.Err() != nil {
			return
		}
		if err := b.attack(ctx, target); err != nil && ctx.Err() == nil {
			a.stream(target, err)
		}
	}()
	return over
}

// answer makes a handler that answers a stream as the mode says, and as usual before the attack
// begins or where it says nothing.
func (a *attacker) answer(attack, usual func(network.Stream) error) network.StreamHandler {
	return func(s network.Stream) {
		serve := usual
		if attack != nil && time.Now().After(a.begin) {
			serve = attack
		}
		target := s.Conn().RemotePeer()
		a.count(target, func(t *Tally) { t.Asked++ })
		_ = s.SetDeadline(time.Now().Add(streamTime))
		err := serve(s)
		a.stream(target, err)
		if err != nil {
			_ = s.Reset()
		} else {
			_ = s.Close()
		}
	}
}

// open opens a stream to a target.
func (a *attacker) open(ctx context.Context, target peer.ID, protocol string) (network.Stream, error) {
	s, err := a.host.NewStream(network.WithNoDial(ctx, "attack"), target, a.protocol(protocol))
	if err != nil {
		a.count(target, func(t *Tally) { t.Unopened++ })
		return nil, err
	}
	a.count(target, func(t *Tally) { t.Opened++ })
	_ = s.SetDeadline(time.Now().Add(streamTime))
	return s, nil
}

// with opens a stream, uses it, and notes how it ended.
func (a *attacker) with(ctx context.Context, target peer.ID, protocol string, use func(network.Stream) error) error {
	s, err := a.open(ctx, target, protocol)
	if err != nil {
		return err
	}
	defer func() { _ = s.Reset() }()
	defer context.AfterFunc(ctx, func() { _ = s.Reset() })()
	err = use(s)
	a.stream(target, err)
	return err
}

// joinGossip takes part in gossip and remembers what is said.
func (a *attacker) joinGossip(ctx context.Context) error {
	ps, err := pubsub.NewGossipSub(ctx, a.host, pubsub.WithMessageSignaturePolicy(pubsub.StrictNoSign), pubsub.WithNoAuthor(),
		pubsub.WithMessageIdFn(messageID),
		pubsub.WithFloodPublish(true), pubsub.WithMaxMessageSize(1<<20))
	if err != nil {
		return fmt.Errorf("gossip: %w", err)
	}
	if a.topic, err = ps.Join(a.topicName()); err != nil {
		return fmt.Errorf("gossip: %w", err)
	}
	heard, err := a.topic.Subscribe()
	if err != nil {
		return fmt.Errorf("gossip: %w", err)
	}
	a.running.Go(func() {
		for {
			m, err := heard.Next(ctx)
			if err != nil {
				return
			}
			if m.ReceivedFrom != a.host.ID() {
				a.memory.hear(m.Data)
			}
		}
	})
	return nil
}

// messageID has every message told from the others, which by pubsub's own are all one without an
// author.
func messageID(m *pb.Message) string {
	h := sha256.Sum256(m.GetData())
	return string(h[:])
}

// publish gossips a message to all targets that are connected.
func (a *attacker) publish(ctx context.Context, target peer.ID, message []byte) error {
	if err := a.topic.Publish(ctx, message); err != nil {
		return err
	}
	a.count(target, func(t *Tally) { t.Published++ })
	return nil
}

// every repeats what a mode does, at most so often, until it fails or ctx ends.
func every(ctx context.Context, pause time.Duration, most int, do func(i int) error) error {
	tick := time.NewTicker(pause)
	defer tick.Stop()
	for i := range most {
		if err := do(i); err != nil {
			return err
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	return nil
}

// noise returns random bytes.
func (a *attacker) noise(size int) []byte {
	a.mu.Lock()
	defer a.mu.Unlock()
	b := make([]byte, size)
	for i := range b {
		b[i] = byte(a.random.Uint32())
	}
	return b
}

// draw returns a random number from 0 to below n.
func (a *attacker) draw(n int) int {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.random.IntN(n)
}

// flip returns a copy with one bit wrong.
func (a *attacker) flip(b []byte) []byte {
	c := bytes.Clone(b)
	if len(c) > 0 {
		c[a.draw(len(c))] ^= 1 << a.draw(8)
	}
	return c
}

// clip makes one short line of an error.
func clip(err error) string {
	s := strings.Join(strings.Fields(err.Error()), " ")
	if len(s) > 200 {
		s = s[:200] + "…"
	}
	return s
}
