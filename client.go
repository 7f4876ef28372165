package lf

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"strings"
	"sync"
	"time"

	"github.com/lf-store/lf/internal/embedder"
	"github.com/lf-store/lf/node/api"
	"github.com/lf-store/lf/node/home"
	"github.com/lf-store/lf/protocol"
)

// Client reads and writes through a node. It believes the node nothing that it can check. Each
// record is checked by its signatures, by the names and by the filters of the question. It derives
// names, seals, signs and works on this computer, so that the node learns neither names nor keys.
// Its methods are safe for concurrent use.
type Client struct {
	options clientOptions
	home    *home.Home        // nil: no keyring
	signing *home.SigningKeys // of the home
	network *protocol.Network
	names   *deriver
	checked *checkedRecords
	last    lastWrites
	hooks   embedder.Hooks
	payer   payer

	mu      sync.RWMutex
	service api.Service
	address string // "" for a node in this process
	token   string
	closed  bool
	watches map[*watching]context.CancelCauseFunc // under way, which Close ends
}

// payer remembers whether an API does the work of its clients.
type payer struct {
	mu      sync.Mutex
	address string // of which this holds
	pays    bool
}

// Open connects to a node and asks for its network. Without options that is the node of the home
// (LF_HOME, else ~/.lf), through the socket in it. LF_API and LF_TOKEN name another node and its
// token. The caller must Close the client.
func Open(ctx context.Context, options ...OpenOption) (*Client, error) {
	c := &Client{options: clientOptionsOf(options)}
	var err error
	if c.home, err = c.options.openHome(); err != nil {
		return nil, err
	}
	c.signing = signingKeys(c.home)
	if err := c.dial(); err != nil {
		return nil, err
	}
	if err := c.meet(ctx); err != nil {
		return nil, errors.Join(err, c.Close())
	}
	return c, nil
}

// meet asks the node for its network, and makes sure that it is the home's and the caller's.
func (c *Client) meet(ctx context.Context) error {
	if c.options.toWrite {
		if err := c.mayWrite(); err != nil {
			return err
		}
	}
	file, err := c.Node().Network(ctx)
	if err != nil {
		return fmt.Errorf("ask the node for its network: %w", err)
	}
	if c.network, err = file.Network(); err != nil {
		return fmt.Errorf("the node at %s names a network that is none: %w", c.Address(), err)
	}
	c.names, c.checked = newDeriver(c.network, c.options.names), newCheckedRecords(c.network)
	return c.checkNetwork()
}

// New returns a client of a service in this process, such as that of an embedded node: nothing goes
// over HTTP. The options WithNode, WithToken and WithTimeout do nothing here. Closing the client
// leaves the service as it is.
func New(service api.Service, network *protocol.Network, options ...OpenOption) (*Client, error) {
	c := &Client{options: clientOptionsOf(options), service: service, network: network, hooks: embedder.Of(service)}
	c.names, c.checked = newDeriver(network, c.options.names), newCheckedRecords(network)
	c.names.hooks = &c.hooks
	var err error
	switch {
	case c.options.keyring != nil:
		c.home = c.options.keyring
	case c.options.home != "":
		if c.home, err = home.Open(c.options.home); err != nil {
			return nil, err
		}
	}
	c.signing = signingKeys(c.home)
	return c, c.checkNetwork()
}

func signingKeys(h *home.Home) *home.SigningKeys {
	if h == nil {
		return nil
	}
	return h.Owners().Signing()
}

// checkNetwork compares the node's network with that of the home and with that which the caller
// wants.
func (c *Client) checkNetwork() error {
	if want := c.options.network; want != nil && want.ID() != c.network.ID() {
		return &NetworkError{Node: c.Address(), Got: c.network, Want: want}
	}
	if c.home == nil {
		return nil
	}
	bound, _, err := c.home.Network()
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil
	case err != nil:
		return err
	case bound.ID() == c.network.ID():
		return nil
	}
	return &NetworkError{Node: c.Address(), Got: c.network, Want: bound, Home: c.home.Dir()}
}

// Network returns the node's network.
func (c *Client) Network() *protocol.Network { return c.network }

// Node returns what the node serves, for what the client itself does not do. What it answers is not
// checked.
func (c *Client) Node() api.Service {
	c.mu.RLock()
	defer c.mu.RUnlock()
	return c.service
}

// Address returns where the node is, a URL or unix:PATH; "" for one in this process.
func (c *Client) Address() string {
	c.mu.RLock()
	defer c.mu.RUnlock()
	return c.address
}

// Home returns the home, nil where there is none.
func (c *Client) Home() *home.Home { return c.home }

// Keyring returns the owners of the home, which sign what is written.
func (c *Client) Keyring() (*home.Keyring, error) {
	if c.home == nil {
		return nil, ErrNoHome
	}
	return c.home.Owners(), nil
}

// Addresses returns where the node is: for people, and for programs that know HTTP alone.
func (c *Client) Addresses() []string {
	address := c.Address()
	if strings.HasPrefix(address, api.SocketURL("")) && c.home != nil && c.options.givenNode() == "" {
		if tcp, err := c.home.API(); err == nil {
			return []string{tcp, address}
		}
	}
	return []string{address}
}

// Close gives the connections back. Calls under way end with an error.
func (c *Client) Close() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.closed = true
	for _, end := range c.watches {
		end(ErrClosed)
	}
	if c.address == "" {
		return nil
	}
	if client, ok := c.service.(io.Closer); ok {
		return client.Close()
	}
	return nil
}

func (c *Client) check() error {
	c.mu.RLock()
	defer c.mu.RUnlock()
	if c.closed {
		return ErrClosed
	}
	return nil
}

// clock is the wall clock in milliseconds, as records have it.
func clock() uint64 { return msOf(time.Now()) }
