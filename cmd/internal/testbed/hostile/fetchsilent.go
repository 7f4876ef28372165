package hostile

import (
	"time"

	"github.com/libp2p/go-libp2p/core/network"
)

// fetchSilent holds each request for as long as the one who asked is patient.
func fetchSilent(a *attacker) behavior {
	return behavior{attack: a.learn, reconcile: a.listTrue, fetch: func(s network.Stream) error {
		if _, err := readRequest(s); err != nil {
			return err
		}
		select {
		case <-time.After(streamTime):
		case <-a.over:
		}
		_, err := s.Write([]byte{lacking}) // tells whether they are still there
		return err
	}}
}
