package api

import (
	"context"
	"errors"
)

// Peer is one connected peer.
type Peer struct {
	ID         string   `json:"id"`
	Addresses  []string `json:"addresses"`
	Direction  string   `json:"direction" enum:"inbound,outbound"`
	Agent      string   `json:"agent,omitempty"`
	LatencyMS  float64  `json:"latencyMs,omitempty"`
	Seed       bool     `json:"seed,omitempty"`
	Added      bool     `json:"added,omitempty" doc:"it was added by hand: the node stays connected to it"`
	Remembered bool     `json:"remembered,omitempty" doc:"it was added by hand, and the node connects to it again after a restart"`
	Network    bool     `json:"network" doc:"whether the peer speaks this network's protocols"`
	Path       string   `json:"path" enum:"direct,punched,relayed" doc:"how it is reached: direct; punched: directly, through a hole in both sides' routers; relayed: through a relay only"`
	Transport  string   `json:"transport" enum:"tcp,quic,websocket" doc:"of the best connection; of a relayed one, that to the relay"`
	Relay      string   `json:"relay,omitempty" doc:"peer ID of the relay, where the path is relayed"`
	Limited    bool     `json:"limited,omitempty" doc:"whether all connections are through relays that limit them in time and bytes"`
	AgreedAt   uint64   `json:"agreedAt,omitempty" doc:"when it was found last to have the same records, or all else that it had had come, ms since the Unix epoch; absent: not yet"`
}

// The paths of a Peer.
const (
	PathDirect  = "direct"
	PathPunched = "punched"
	PathRelayed = "relayed"
)

// The transports of a Peer.
const (
	TransportTCP       = "tcp"
	TransportQUIC      = "quic"
	TransportWebSocket = "websocket"
)

// PeerList is a page of the connected peers.
type PeerList struct {
	Peers []Peer `json:"peers" nullable:"false" doc:"in the order of their IDs"`
	Next  string `json:"next,omitempty" doc:"the after of the next page; absent: this is the last one"`
}

// PeerCursor is where the page after a peer begins, as a text.
func PeerCursor(peer string) string { return encodeCursor(listTag("peers", nil), []byte(peer)) }

// PeerPosition reads a cursor: the page begins after this peer, which may have parted; "" is the
// list's beginning.
func PeerPosition(after string) (peer string, err error) {
	if after == "" {
		return "", nil
	}
	b, err := decodeCursor(after, listTag("peers", nil))
	if err == nil && len(b) == 0 {
		err = ErrCursor
	}
	return string(b), err
}

// AllPeers lists all connected peers of a node, page by page. One that connects meanwhile may be
// left out.
func AllPeers(ctx context.Context, s interface {
	Peers(ctx context.Context, p Page) (*PeerList, error)
}) ([]Peer, error) {
	all := []Peer{}
	for p := (Page{Limit: MaxLimit}); ; {
		list, err := s.Peers(ctx, p)
		if err != nil {
			return nil, err
		}
		for _, peer := range list.Peers {
			if len(all) > 0 && peer.ID <= all[len(all)-1].ID {
				return nil, errors.New("the node lists its peers in disorder")
			}
			all = append(all, peer)
		}
		switch {
		case list.Next == "":
			return all, nil
		case len(list.Peers) == 0:
			return nil, errors.New("the node lists a page without peers, and a next one")
		}
		p.After = list.Next
	}
}

// Peers implements [Service].
func (c *Client) Peers(ctx context.Context, p Page) (*PeerList, error) {
	if err := p.Check(); err != nil {
		return nil, err
	}
	var list PeerList
	return ok(&list, c.get(ctx, "/v1/peers?"+p.values().Encode(), &list))
}
