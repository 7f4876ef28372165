package lfsync

import (
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/libp2p/go-libp2p/core/peer"
)

// BenchmarkNewcomer has a newcomer copy a set from a node, while a number of identities compare
// with it what nobody has. It measures how long that takes, and how many messages of theirs were
// answered meanwhile.
func BenchmarkNewcomer(b *testing.B) {
	for _, identities := range []int{0, 8, 30} {
		b.Run(fmt.Sprint("junk=", identities), func(b *testing.B) {
			w := newWorld(b, nil)
			chain := w.chain(b, 10_000)
			for range b.N {
				b.StopTimer()
				var n *node
				n = w.newNode(b, func(c *Config) {
					c.PubSub = nil
					c.Drop = func(p peer.ID, _ time.Duration) { go func() { _ = n.host.Network().ClosePeer(p) }() }
				})
				n.load(b, chain...)
				var answered atomic.Int64
				var done atomic.Bool
				var all sync.WaitGroup
				for range identities {
					h := newHost(b)
					connect(b, h, n.host)
					all.Go(func() {
						for !done.Load() && len(h.Network().Peers()) > 0 {
							answered.Add(int64(compareJunk(b, w, h, n, 1)))
						}
					})
				}
				time.Sleep(2 * time.Second)
				before := answered.Load()
				newcomer := w.newNode(b, fetchOnly)
				b.StartTimer()
				connect(b, newcomer.host, n.host)
				for newcomer.store.attached() < n.store.attached() {
					time.Sleep(time.Millisecond)
				}
				b.StopTimer()
				b.ReportMetric(float64(answered.Load()-before), "junk-messages")
				done.Store(true)
				all.Wait()
			}
		})
	}
}
