package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"
	"net/url"
	"os"
	"sync"

	"github.com/lf-store/lf/node/api"
	"github.com/lf-store/lf/node/home"
	"github.com/lf-store/lf/protocol"
)

// defaultAPI is where a node's API is unless it was told otherwise.
const defaultAPI = "http://127.0.0.1:9980"

// rememberedNames is how many names a session derives only once.
const rememberedNames = 1024

// access is what a command wants to do through the API.
type access int

const (
	reading access = iota
	writing        // needs the node's token
)

// session is a connection to a node: its client, the network, and the names derived so far. It is safe for concurrent
// use.
type session struct {
	cli     *cli
	home    *home.Home
	network *protocol.Network
	names   *protocol.NameCache
	access  access

	mu      sync.RWMutex
	service api.Service
	address string
}

// connect finds the node, asks for its network, and makes sure that it is the home's.
func (c *cli) connect(ctx context.Context, what access) (*session, error) {
	h, err := c.openHome()
	if err != nil {
		return nil, err
	}
	s := &session{cli: c, home: h, access: what}
	if err := s.dial(); err != nil {
		return nil, err
	}
	file, err := s.node().Network(ctx)
	if err != nil {
		return nil, fmt.Errorf("ask the node for its network: %w", err)
	}
	if s.network, err = file.Network(); err != nil {
		return nil, fmt.Errorf("the node at %s names a network that is none: %w", s.address, err)
	}
	s.names = protocol.NewNameCache(s.network, rememberedNames)
	return s, s.checkBinding()
}

func (c *cli) openHome() (*home.Home, error) {
	dir, err := c.homePath()
	if err != nil {
		return nil, err
	}
	return home.Open(dir)
}

// node returns the client of the node's API.
func (s *session) node() api.Service {
	s.mu.RLock()
	defer s.mu.RUnlock()
	return s.service
}

// dial looks up where the node's API is; again, after a restart that may have moved it.
func (s *session) dial() error {
	address, err := s.cli.apiAddress(s.home)
	if err != nil {
		return err
	}
	token, err := s.token(address)
	if err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.service == nil || address != s.address {
		s.service, s.address = api.NewClient(address, token), address
	}
	return nil
}

// apiAddress is what --api says, else LF_API, else where the node in the home listens. A home in which no node has
// ever lived is only a keyring, and then the node is where nodes usually are.
func (c *cli) apiAddress(h *home.Home) (string, error) {
	if address := c.givenAPI(); address != "" {
		u, err := url.Parse(address)
		if err != nil || (u.Scheme != "http" && u.Scheme != "https") || u.Host == "" {
			return "", usage("%q is not the URL of an API (http://HOST:PORT)", address)
		}
		return address, nil
	}
	address, err := h.API()
	if errors.Is(err, fs.ErrNotExist) {
		if _, _, unbound := h.Network(); errors.Is(unbound, fs.ErrNotExist) {
			return defaultAPI, nil
		}
	}
	return address, err
}

// token returns what the node wants to see from those who write. The home's token is for a node on this computer:
// it is sent nowhere else.
func (s *session) token(address string) (string, error) {
	if token := os.Getenv("LF_TOKEN"); token != "" || s.access == reading {
		return token, nil
	}
	if !onThisComputer(address) {
		return "", needsToken(address)
	}
	token, err := s.home.ReadToken()
	if errors.Is(err, fs.ErrNotExist) && s.cli.givenAPI() != "" {
		err = needsToken(address)
	}
	return token, err
}

func needsToken(address string) error {
	return fmt.Errorf("writing through %s needs that node's token (its file api.token) in LF_TOKEN", address)
}

// givenAPI is the address that the user gave, "" when none.
func (c *cli) givenAPI() string {
	if c.apiURL != "" {
		return c.apiURL
	}
	return os.Getenv("LF_API")
}

func onThisComputer(address string) bool {
	u, err := url.Parse(address)
	if err != nil {
		return false
	}
	ip := net.ParseIP(u.Hostname())
	return u.Hostname() == "localhost" || (ip != nil && ip.IsLoopback())
}

func (s *session) checkBinding() error {
	bound, _, err := s.home.Network()
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil
	case err != nil:
		return err
	case bound.ID() == s.network.ID():
		return nil
	}
	return fmt.Errorf("the node at %s is on network %q (%s), home %s belongs to %q (%s): give another --home or --api", s.address,
		s.network.Params().Name, s.network.ID(), s.home.Dir(), bound.Params().Name, bound.ID())
}

// close gives the connections back.
func (s *session) close() {
	if client, ok := s.node().(io.Closer); ok {
		_ = client.Close() // of idle connections: nothing is lost
	}
}
