package p2p

import (
	"log/slog"
	"os"
	"sync"

	golog "github.com/ipfs/go-log/v2"
	"github.com/libp2p/go-libp2p/gologshim"
)

// QuietLibraries silences the logs of libp2p, of the DHT and of quic-go. They would write to the
// standard error output of the process. It is the process's state, not a node's, so it happens
// once; see the package comment for how to hear them.
var QuietLibraries = sync.OnceFunc(func() {
	if os.Getenv("GOLOG_LOG_LEVEL") != "" {
		return
	}
	gologshim.SetDefaultHandler(slog.DiscardHandler)
	golog.SetAllLoggers(golog.LevelFatal)
	const receiveBuffer = "QUIC_GO_DISABLE_RECEIVE_BUFFER_WARNING"
	if _, set := os.LookupEnv(receiveBuffer); !set {
		_ = os.Setenv(receiveBuffer, "true") // only an invalid name is an error
	}
})
