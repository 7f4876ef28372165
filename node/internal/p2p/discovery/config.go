package discovery

import (
	"log/slog"

	"github.com/lf-store/lf/node/internal/clone"
	"github.com/lf-store/lf/node/internal/p2p"
	"github.com/lf-store/lf/protocol"
)

// Config is what every way of discovery needs.
type Config struct {
	Network *protocol.Network
	Host    *p2p.Host
	Clone   *clone.Detector // is told of addresses for this node's own ID
	Logger  *slog.Logger
}
