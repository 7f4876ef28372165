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

// devNetwork is the name of the networks that --dev makes; devWork is what a record on them costs:
// real, and hardly noticeable.
const (
	devNetwork = "dev"
	devWork    = 1
)

// nodeNetwork is the network of the file that --network names, else of the home, else the default
// one, or a new one for --dev.
func nodeNetwork(h *home.Home, path string, dev bool) (protocol.NetworkFile, error) {
	bound, file, err := h.Network()
	if path != "" {
		given, wrong := readNetworkFile(path)
		if wrong == nil && err == nil && given.ID != bound.ID() {
			wrong = &home.WrongNetworkError{
				Dir: h.Dir(), Bound: bound.ID(), Given: given.ID, BoundAs: bound.Params().Name, GivenAs: given.Params.Name,
			}
		}
		if given.Secret == nil { // as the home keeps it
			given.Secret = file.Secret
		}
		return given, wrong
	}
	switch fresh := errors.Is(err, fs.ErrNotExist); {
	case fresh && h.HasDatabase():
		return file, fmt.Errorf("home %s has a database, but its network.lfnet is gone: give the network's file with --network", h.Dir())
	case fresh && dev:
		return newDevNetwork()
	case fresh:
		_, file, err = lf.DefaultNetwork()
		return file, err
	case err != nil:
		return file, err
	case dev && bound.Params().Name != devNetwork:
		return file, fmt.Errorf("home %s belongs to network %q, which is not for --dev: give another home with --home, or unset LF_HOME for a throw-away one", h.Dir(), bound.Params().Name)
	}
	// The program knows the default network's seeds better than a home that an older one made.
	if usual, latest, err := lf.DefaultNetwork(); err == nil && usual.ID() == bound.ID() {
		return latest, nil
	}
	return file, nil
}

// chosenRendezvous are the peers that lead into the public DHT: those given, else for the default
// network those built in. Other networks have seeds in their files, and are in no list for
// everybody unless somebody says so.
func (r *nodeFlags) chosenRendezvous(network protocol.ID) ([]string, error) {
	if r.noRendezvous || len(r.rendezvous) > 0 {
		return r.rendezvous, nil
	}
	usual, _, err := lf.DefaultNetwork()
	if err != nil || usual.ID() != network {
		return nil, err
	}
	return lf.Rendezvous()
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
