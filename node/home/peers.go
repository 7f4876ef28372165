package home

import (
	"encoding/json"
	"fmt"

	"github.com/lf-store/lf/internal/strictjson"
)

// MaxPeerAddresses is how many addresses of peers a home may remember.
const MaxPeerAddresses = 512

// maxPeersFile bounds the file of the peers, in bytes: addresses have about 100 bytes.
const maxPeersFile = 256 << 10

// peersJSON is the file of the peers that the user has added by hand, to be remembered.
type peersJSON struct {
	// Peers are multiaddrs with the peer ID at their end. Several addresses of one peer follow one
	// another.
	Peers []string `json:"peers"`
}

// Peers returns the multiaddrs of the peers that the node is to connect to at each start, because
// its user has added them by hand. None yet is no error. What the addresses mean is not checked.
func (h *Home) Peers() ([]string, error) {
	list, err := h.readPeers()
	if err != nil {
		return nil, fmt.Errorf("the peers added by hand: %s: %w (mend the file or move it away)", h.path(peersFile), cause(err))
	}
	return list, nil
}

func (h *Home) readPeers() ([]string, error) {
	text, err := readBounded(h.path(peersFile), maxPeersFile)
	if text == nil || err != nil {
		return nil, err
	}
	var file peersJSON
	if err := strictjson.Unmarshal(text, &file, 0); err != nil {
		return nil, fmt.Errorf(`%w: want {"peers": ["/ip4/192.0.2.1/tcp/9908/p2p/12D3KooW…"]}`, err)
	}
	if len(file.Peers) > MaxPeerAddresses {
		return nil, fmt.Errorf("%d addresses, at most %d can be remembered", len(file.Peers), MaxPeerAddresses)
	}
	return file.Peers, nil
}

// SetPeers replaces the list of [Home.Peers], unless that cannot be read: what is not understood is
// not thrown away. The node that runs here owns the file while it runs.
func (h *Home) SetPeers(list []string) error {
	if len(list) > MaxPeerAddresses {
		return fmt.Errorf("%d addresses of peers, at most %d can be remembered", len(list), MaxPeerAddresses)
	}
	if _, err := h.Peers(); err != nil {
		return err
	}
	data, err := json.MarshalIndent(peersJSON{append([]string{}, list...)}, "", "  ")
	if err != nil {
		return fmt.Errorf("encode the peers added by hand: %w", err)
	}
	return replaceFile(h.path(peersFile), append(data, '\n'))
}
