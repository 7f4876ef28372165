package simulation

import (
	"fmt"
	"testing"

	pubsub "github.com/libp2p/go-libp2p-pubsub"
)

// BenchmarkMesh measures what the degree of GossipSub's mesh costs and gains; 6 is a node's.
// GossipSub tells peers, from a size on, that a message is not wanted again before it is checked
// (IDONTWANT). That size makes no difference here: where lines are about equally long, the copies
// are under way already.
func BenchmarkMesh(b *testing.B) {
	for _, degree := range []int{4, 6, 8} {
		b.Run(fmt.Sprintf("degree=%d", degree), func(b *testing.B) {
			c := ordinary(random(60, 12, *flagSeed))
			p := pubsub.DefaultGossipSubParams()
			p.D, p.Dlo, p.Dhi, p.Dout, p.Dscore = degree, degree-1, 2*degree, degree/3, degree*2/3
			c.options = []pubsub.Option{pubsub.WithGossipSubParams(p)}
			spread(b, c, 200)
		})
	}
}
