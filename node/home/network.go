package home

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"slices"

	"github.com/lf-store/lf/protocol"
)

// WrongNetworkError says that the home belongs to another network than the one asked for.
type WrongNetworkError struct {
	Dir              string
	Bound, Given     protocol.ID
	BoundAs, GivenAs string // the networks' names
}

func (e *WrongNetworkError) Error() string {
	return fmt.Sprintf("home %s belongs to network %q (%s), not to %q (%s): give each network a --home of its own",
		e.Dir, e.BoundAs, e.Bound, e.GivenAs, e.Given)
}

// Network returns the network that the home is bound to; it is an [fs.ErrNotExist] when it is not
// yet bound.
func (h *Home) Network() (*protocol.Network, protocol.NetworkFile, error) {
	path := h.path(networkFile)
	data, err := readFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, protocol.NetworkFile{}, missing("home %s belongs to no network yet", h.dir)
	}
	if err != nil {
		return nil, protocol.NetworkFile{}, fmt.Errorf("the home's network: %w", err)
	}
	n, f, err := protocol.ParseNetworkFile(data)
	if err != nil {
		return nil, f, fmt.Errorf("the home's network: %s: %w (replace it by a copy of the network's file)", path, err)
	}
	return n, f, nil
}

func sameSecret(a, b *protocol.Secret) bool {
	return a == b || (a != nil && b != nil && *a == *b)
}

// BindNetwork makes the home belong to a network forever. When it does already, the seeds and the
// secret are replaced by those of f, if f has any. When it belongs to another network, that is a
// [*WrongNetworkError].
func (h *Home) BindNetwork(f protocol.NetworkFile) error {
	if _, err := f.Network(); err != nil {
		return err
	}
	bound, old, err := h.Network()
	switch {
	case errors.Is(err, fs.ErrNotExist):
		err := h.writeNetwork(f, createFile)
		if errors.Is(err, fs.ErrExist) {
			return h.BindNetwork(f) // another process was faster
		}
		return err
	case err != nil:
		return err
	case bound.ID() != f.ID:
		return &WrongNetworkError{h.dir, bound.ID(), f.ID, bound.Params().Name, f.Params.Name}
	}
	if len(f.Seeds) == 0 {
		f.Seeds = old.Seeds
	}
	// a private network does not become a public one because a file lacks its secret
	if f.Secret == nil {
		f.Secret = old.Secret
	}
	if slices.Equal(old.Seeds, f.Seeds) && sameSecret(old.Secret, f.Secret) {
		return nil
	}
	return h.writeNetwork(f, replaceFile)
}

// Unbind takes back the binding of a home in which nothing came of it.
func (h *Home) Unbind() error {
	if err := os.Remove(h.path(networkFile)); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("take back the home's network: %w", err)
	}
	return nil
}

func (h *Home) writeNetwork(f protocol.NetworkFile, write func(string, []byte) error) error {
	data, err := json.MarshalIndent(f, "", "  ")
	if err != nil {
		return fmt.Errorf("encode network file: %w", err)
	}
	return write(h.path(networkFile), append(data, '\n'))
}
