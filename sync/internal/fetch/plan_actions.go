package fetch

import (
	"github.com/libp2p/go-libp2p/core/peer"

	"github.com/lf-store/lf/protocol"
)

type requestID uint64

// An action is what the driver has to do.
type action interface{ isAction() }

// sendRequest sends a request to a peer: for records and a number of their ancestors. The driver
// answers with done, exactly once, unless the request was canceled.
type sendRequest struct {
	request   requestID
	peer      peer.ID
	ids       []protocol.ID
	wide      bool // names them in full
	ancestors int
	depth     int // of what the answer reveals as missing
}

// cancelRequest ends a request that took too long; its answer does not count any more.
type cancelRequest struct{ request requestID }

// refill asks for up to limit of the store's missing records, by want.
type refill struct{ limit int }

// abandoned tells what was wanted and will not come by itself, or came another way: nothing need
// wait for it.
type abandoned struct{ ids []protocol.ID }

func (sendRequest) isAction() {}

func (cancelRequest) isAction() {}

func (refill) isAction() {}

func (abandoned) isAction() {}

// answer is what came of a request, apart from what came. What the request named, did not come and
// no list here has is asked again.
type answer struct {
	lacking []protocol.ID // the peer does not have them
	pruned  []protocol.ID // it has them without their values
	unclear []protocol.ID // their short names are not enough
	damaged []protocol.ID // it has them and cannot send them now
	result  result
}
