package workqueue

import (
	"log/slog"

	"github.com/lf-store/lf/pow"
)

// logPaths tells in which way proofs are computed, and which ways this machine gets wrong.
func logPaths(log *slog.Logger, paths []pow.Path) {
	if log == nil {
		return
	}
	for _, p := range paths {
		switch {
		case p.Wrong:
			log.Error("one way to compute proofs of work gives wrong hashes on this processor and is not used: please report it with the processor's model", "path", p.Name)
		case p.Chosen:
			log.Debug("proofs of work are computed in the fastest way of this processor", "path", p.Name)
		}
	}
}
