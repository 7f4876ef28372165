package api

import (
	"context"
	"net/http"
	"net/url"
	"strconv"
	"time"
)

// Limits of peers that are added by hand.
const (
	// MaxConnectAddresses is how many addresses of a peer a [ConnectRequest] may have.
	MaxConnectAddresses = 8
	// MaxRefusal is how long [Service.Disconnect] may have a peer refused, DefaultRefusal what 0
	// stands for.
	MaxRefusal     = 24 * time.Hour
	DefaultRefusal = 10 * time.Minute
	// connectTimeout is how long a client waits for a peer to be dialed: a dial, with the names in
	// the addresses, takes 30 s at most.
	connectTimeout = 45 * time.Second
)

// ConnectRequest asks the node to connect to a peer now, and to stay connected to it.
type ConnectRequest struct {
	Addresses []string `json:"addresses" minItems:"1" maxItems:"8" doc:"multiaddrs of one peer, each with the peer ID at its end" example:"[\"/dns4/lf.example.org/tcp/9908/p2p/12D3KooW...\"]"`
	// Remember tells whether the node connects to the peer again after a restart. nil leaves that
	// as it is, which is no for a new one.
	Remember *bool `json:"remember,omitempty" doc:"true: connect to it again after a restart; false: not any more; absent: as before, at first false"`
}

// Check says what is wrong with a request, nil if nothing is; see [Query.Check]. The service reads
// the addresses.
func (r *ConnectRequest) Check() error {
	if n := len(r.Addresses); n < 1 || n > MaxConnectAddresses {
		return Invalid("%d addresses, want 1 to %d", n, MaxConnectAddresses)
	}
	return nil
}

// CheckRefusal says what is wrong with the time of [Service.Disconnect], nil if nothing is.
func CheckRefusal(d time.Duration) error {
	if d < 0 || d > MaxRefusal {
		return Invalid("a peer can be refused for 0 to %d seconds", MaxRefusal/time.Second)
	}
	return nil
}

// Disconnected tells what [Service.Disconnect] has done.
type Disconnected struct {
	Peer        string `json:"peer" doc:"peer ID"`
	Connections int    `json:"connections" doc:"how many connections were closed"`
	Added       bool   `json:"added,omitempty" doc:"the peer had been added by hand, and is not any more"`
	Until       uint64 `json:"until" doc:"until when neither side can connect to the other, ms since the Unix epoch; a restart of the node ends that, too"`
}

// Connect implements [Service].
func (c *Client) Connect(ctx context.Context, r ConnectRequest) (*Peer, error) {
	var p Peer
	return ok(&p, c.send(ctx, request{method: http.MethodPost, path: "/v1/peers", repeatable: true, timeout: connectTimeout, out: &p}, r))
}

// Disconnect implements [Service].
func (c *Client) Disconnect(ctx context.Context, peer string, refuse time.Duration) (*Disconnected, error) {
	if err := CheckRefusal(refuse); err != nil {
		return nil, err
	}
	path := "/v1/peers/" + url.PathEscape(peer) + "?refuse=" + strconv.FormatFloat(refuse.Seconds(), 'f', -1, 64)
	var d Disconnected
	return ok(&d, c.do(ctx, request{method: http.MethodDelete, path: path, out: &d}))
}
