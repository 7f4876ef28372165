package hostile

import "github.com/libp2p/go-libp2p/core/network"

// fetchUnrelated sends what is valid and of no use: were it taken in, anybody could have a node
// store what nobody asked for.
func fetchUnrelated(a *attacker) behavior {
	return behavior{attack: a.learn, reconcile: a.listTrue, fetch: func(s network.Stream) error {
		r, err := readRequest(s)
		if err != nil {
			return err
		}
		for range len(r.ids) + r.extra {
			r, err := a.author.record()
			if err != nil {
				return err
			}
			if _, err := s.Write(appendItem(nil, r.EncodeFrame())); err != nil {
				return err
			}
		}
		return nil
	}}
}
