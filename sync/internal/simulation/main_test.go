package simulation

import (
	"flag"
	"fmt"
	"os"
	"testing"

	"github.com/lf-store/lf/protocol"
)

var (
	flagNodes = flag.Int("nodes", 0, "how many nodes the large networks have (default 100, with the race detector 25)")
	flagSeed  = flag.Uint64("seed", 1, "of topologies, latencies, losses and writers")
)

// TestMain has a first value sealed outside of all bubbles. Sealing keeps a compressor with
// channels, and channels made in a bubble belong to it forever.
func TestMain(m *testing.M) {
	flag.Parse()
	if err := sealOne(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	os.Exit(m.Run())
}

func sealOne() error {
	network, name, err := newNetwork(1<<10, 1)
	if err != nil {
		return err
	}
	_, err = network.Compose(protocol.Draft{Timestamp: 1, Names: []protocol.NamePoint{{Name: name}}, Value: []byte{1}})
	return err
}
