package hostile

import (
	"crypto/ed25519"
	"fmt"
	"sync"
	"time"

	"github.com/lf-store/lf/protocol"
)

// author makes valid records, with all the work that they need.
type author struct {
	network *protocol.Network
	key     ed25519.PrivateKey
	name    protocol.NameKey
	solve   protocol.WorkSolver

	mu     sync.Mutex
	serial int
}

func newAuthor(n *protocol.Network, key ed25519.PrivateKey, solve protocol.WorkSolver) (*author, error) {
	name, err := n.DeriveName("hostile")
	if err != nil {
		return nil, fmt.Errorf("derive a name: %w", err)
	}
	return &author{network: n, key: key, name: name, solve: solve}, nil
}

// record makes a record that links to these, and to the genesis where they are too few.
func (w *author) record(links ...protocol.ID) (*protocol.Record, error) {
	w.mu.Lock()
	w.serial++
	serial := w.serial
	w.mu.Unlock()
	for _, g := range w.network.Genesis() {
		if len(links) < int(w.network.Params().MinLinks) {
			links = append(links, g.ID())
		}
	}
	return w.finish(protocol.Draft{
		Links: links, Names: []protocol.NamePoint{{Name: w.name, Ordinal: uint64(serial)}},
		Value: fmt.Appendf(nil, "hostile %d", serial),
	})
}

// nameless makes the cheapest record that links to these: of a reserved type, without selectors and
// value.
func (w *author) nameless(links []protocol.ID) (*protocol.Record, error) {
	return w.finish(protocol.Draft{Type: 6, Links: links})
}

// finish signs and pays a record of now.
func (w *author) finish(d protocol.Draft) (*protocol.Record, error) {
	d.Owner, d.Timestamp = protocol.OwnerOf(w.key), uint64(time.Now().UnixMilli()) // after 1970
	r, err := w.network.Compose(d)
	if err != nil {
		return nil, err
	}
	if r, err = w.network.Sign(r, w.key); err != nil {
		return nil, err
	}
	return w.network.Pay(r, 0, w.solve)
}

// forged is a record's frame under a changed header.
func forged(h protocol.Header, of *protocol.Record) ([]byte, error) {
	r, err := protocol.NewRecord(h, of.ValueBytes())
	if err != nil {
		return nil, err
	}
	return r.EncodeFrame(), nil
}
