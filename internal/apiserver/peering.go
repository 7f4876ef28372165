package apiserver

import (
	"context"
	"math"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"github.com/lf-store/lf/node/api"
)

type disconnectInput struct {
	Peer   string  `path:"peer" maxLength:"128" doc:"the peer's ID"`
	Refuse float64 `query:"refuse" minimum:"0" maximum:"86400" doc:"seconds for which the peer is refused; 0: 600"`
}

func (in *disconnectInput) duration() (time.Duration, error) {
	if math.IsNaN(in.Refuse) { // which is neither below the minimum nor above the maximum
		return 0, api.Invalid("parameter \"refuse\": not a number")
	}
	d := time.Duration(in.Refuse * float64(time.Second))
	return d, api.CheckRefusal(d)
}

// addPeering adds what changes the node's connections.
func (h *Handler) addPeering() {
	add(h, huma.Operation{
		Method: "POST", Path: "/v1/peers", OperationID: "connect", Summary: "Connect to a peer, and stay connected to it", Security: holders,
		Description:  "The node dials the peer now, which may take 30 seconds, and answers when it is connected. It stays connected to it, as to a seed, until DELETE or the end of the node. 409: the peer is banned or of another network, or the node is offline. 502: the peer cannot be reached, or ends the connection at once.",
		MaxBodyBytes: maxConnectBody,
		Middlewares:  huma.Middlewares{takeTime},
	}, func(ctx context.Context, in *struct{ Body api.ConnectRequest }) (*answer[*api.Peer], error) {
		if err := in.Body.Check(); err != nil {
			return nil, err
		}
		return answered(h.service.Connect(ctx, in.Body))
	})
	add(h, huma.Operation{
		Method: "DELETE", Path: "/v1/peers/{peer}", OperationID: "disconnect", Summary: "Part from a peer, and forget it", Security: holders,
		Description: "The node closes its connections with the peer, and refuses new ones for a time, from either side. If the peer was added by hand, the node forgets it. It dials a seed again after that time. 404: the node is not connected to it, and nobody has added it.",
	}, func(ctx context.Context, in *disconnectInput) (*answer[*api.Disconnected], error) {
		refuse, err := in.duration()
		if err != nil {
			return nil, err
		}
		return answered(h.service.Disconnect(ctx, in.Peer, refuse))
	})
}
