package protocol

import (
	"bytes"
	"errors"
	"fmt"

	"github.com/lf-store/lf/internal/strictjson"
)

// networkFormat is the first field of a network file: what the file is, and in which version.
const networkFormat = "lf-network/1"

// NetworkFile is a network as a file to hand around, in JSON: the genesis and where to find peers.
type NetworkFile struct {
	Format string   `json:"format"`
	ID     ID       `json:"id"`
	Params Params   `json:"params"`
	Seeds  []string `json:"seeds"`
	// Secret makes the network a private one. Without it, anybody with the file can connect.
	Secret *Secret `json:"secret,omitempty"`
	// Genesis holds the frames of the genesis records, in base64. ID and Params are derived from
	// it; people read them in the file.
	Genesis [][]byte `json:"genesis"`
}

// File returns the network's file with these seeds (multiaddrs).
func (n *Network) File(seeds []string) NetworkFile {
	f := NetworkFile{Format: networkFormat, ID: n.id, Params: n.params, Seeds: append([]string{}, seeds...)}
	for _, r := range n.genesis {
		f.Genesis = append(f.Genesis, r.EncodeFrame())
	}
	return f
}

// ParseNetworkFile reads a network file and checks that ID and parameters in it are the genesis's,
// so that the file is what its reader sees. Keys that it does not know are ignored. It refuses a
// key that stands twice, also if the two differ in the case of letters. A person might read the one
// and software the other.
func ParseNetworkFile(data []byte) (*Network, NetworkFile, error) {
	var f NetworkFile
	if len(data) > MaxNetworkFile {
		return nil, f, fmt.Errorf("not a network file: it has %d bytes, at most %d are allowed", len(data), MaxNetworkFile)
	}
	if err := strictjson.Unmarshal(data, &f, strictjson.IgnoreUnknown|strictjson.RefuseOtherCase); err != nil {
		return nil, f, fmt.Errorf("not a network file: %w", err)
	}
	n, err := f.Network()
	return n, f, err
}

// Network opens the network that the file describes.
func (f *NetworkFile) Network() (*Network, error) {
	if f.Format != networkFormat {
		return nil, fmt.Errorf("not a network file: its format is %q, want %q", f.Format, networkFormat)
	}
	if len(f.Genesis) > MaxLinks {
		return nil, fmt.Errorf("not a network file: %d genesis records, at most %d are allowed", len(f.Genesis), MaxLinks)
	}
	records := make([]*Record, len(f.Genesis))
	for i, frame := range f.Genesis {
		r, err := DecodeFrame(frame)
		if err != nil {
			return nil, fmt.Errorf("genesis record %d: %w", i, err)
		}
		records[i] = r
	}
	n, err := OpenNetwork(records)
	if err != nil {
		return nil, err
	}
	if n.id != f.ID {
		return nil, fmt.Errorf("the network file was changed: it says ID %s, its genesis has %s", f.ID, n.id)
	}
	if err := sameParams(f.Params, n.params); err != nil {
		return nil, err
	}
	return n, nil
}

func sameParams(written, real Params) error {
	a, err := encodeParams(written)
	if err != nil {
		return err
	}
	b, err := encodeParams(real)
	if err != nil {
		return err
	}
	if !bytes.Equal(a, b) {
		return errors.New("the network file was changed: its parameters are not those of its genesis")
	}
	return nil
}
