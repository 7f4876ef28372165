package node

import (
	"errors"
	"fmt"
	"io/fs"
	"os"

	"github.com/lf-store/lf/node/home"
	"github.com/lf-store/lf/protocol"
)

// bind makes a home belong to a network; it must be called under the home's lock. undo takes that
// back, together with a database that was made meanwhile, unless they were there before. A first
// start that fails, for a mistyped address or a network file forgotten, must not decide forever.
func bind(h *home.Home, f protocol.NetworkFile) (undo func() error, err error) {
	_, _, err = h.Network()
	fresh, stored := errors.Is(err, fs.ErrNotExist), h.HasDatabase()
	if err := h.BindNetwork(f); err != nil {
		return nil, err
	}
	return func() error {
		if !fresh {
			return nil
		}
		if !stored {
			if err := removeDatabase(h); err != nil {
				return err
			}
		}
		return h.Unbind()
	}, nil
}

// removeDatabase removes a database in which there is nothing that anybody was told of.
func removeDatabase(h *home.Home) error {
	for _, suffix := range []string{"-wal", "-shm", ""} {
		if err := os.Remove(h.Database() + suffix); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return fmt.Errorf("take back the database: %w", err)
		}
	}
	return nil
}
