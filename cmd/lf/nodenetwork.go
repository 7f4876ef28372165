package main

import (
	"crypto/rand"
	"errors"
	"fmt"
	"io/fs"

	"github.com/lf-store/lf"
	"github.com/lf-store/lf/node/home"
	"github.com/lf-store/lf/protocol"
)

// devNetwork is the name of the networks that --dev makes; devWork is what a record on them costs: real, and hardly
// noticeable.
const (
	devNetwork = "dev"
	devWork    = 1
)

// nodeNetwork is the network of --network, else of the home, else the default one, or a new one for --dev.
func nodeNetwork(h *home.Home, r *running) (protocol.NetworkFile, error) {
	if r.network != "" {
		return readNetworkFile(r.network)
	}
	bound, file, err := h.Network()
	switch fresh := errors.Is(err, fs.ErrNotExist); {
	case fresh && h.HasDatabase():
		return file, fmt.Errorf("home %s has a database, but its network.lfnet is gone: give the network's file with --network", h.Dir())
	case fresh && r.dev:
		return newDevNetwork()
	case fresh:
		_, file, err = lf.DefaultNetwork()
		return file, err
	case err != nil:
		return file, err
	case r.dev && bound.Params().Name != devNetwork:
		return file, fmt.Errorf("home %s belongs to network %q, which is not for --dev: give another --home", h.Dir(), bound.Params().Name)
	}
	// The program knows the default network's seeds better than a home that an older one made.
	if usual, latest, err := lf.DefaultNetwork(); err == nil && usual.ID() == bound.ID() {
		return latest, nil
	}
	return file, nil
}

// bind makes a home belong to a network. unbind takes that back, if it is new and nothing was stored in its name: a
// first start that fails, for a mistyped address or a network file forgotten, must not decide for ever.
func bind(h *home.Home, f protocol.NetworkFile) (unbind func() error, err error) {
	_, _, err = h.Network()
	fresh, foreign := errors.Is(err, fs.ErrNotExist), h.HasDatabase()
	if err := h.BindNetwork(f); err != nil {
		return nil, err
	}
	return func() error {
		if !fresh || (h.HasDatabase() && !foreign) {
			return nil
		}
		return h.Unbind()
	}, nil
}

func newDevNetwork() (f protocol.NetworkFile, err error) {
	p := protocol.DefaultParams()
	p.Name, p.Comment, p.WorkPerKiB, p.WorkPerKiBCertified = devNetwork, "made by lf node --dev", devWork, devWork
	n, err := protocol.NewNetwork(p, clock(), rand.Reader)
	if err != nil {
		return f, err
	}
	return n.File(nil), nil
}
