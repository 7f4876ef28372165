package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"
	"unicode"

	"github.com/lf-store/lf/node/api"
	"github.com/lf-store/lf/node/home"
	"github.com/lf-store/lf/protocol"
)

// defaultAPI is where a node's API is unless it was told otherwise.
const defaultAPI = "http://" + api.DefaultAddress

// rememberedNames is how many names a session derives only once.
const rememberedNames = 1024

// maxTokenFile bounds what is read of a file that should hold a token.
const maxTokenFile = 4 << 10

// access is what a command wants to do through the API.
type access int

const (
	reading access = iota
	writing        // needs the node's socket or token
)

// session is a connection to a node: its client, the network, and the names derived so far. It is
// safe for concurrent use.
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
	if c.timeout <= 0 {
		return nil, usage("--timeout must be above 0, not %s", c.timeout)
	}
	s := &session{cli: c, access: what}
	var err error
	if s.home, err = c.clientHome(what); err != nil {
		return nil, err
	}
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

const (
	// soon is how long a node that somebody has just started may take until it is seen in its home.
	soon = 3 * time.Second
	// lookAgain is how often it is looked for.
	lookAgain = 50 * time.Millisecond
)

// connectSoon connects to read, and waits a moment for a node that has just been started.
func (c *cli) connectSoon(ctx context.Context) (*session, error) {
	for start := time.Now(); ; {
		s, err := c.connect(ctx, reading)
		if err == nil || (!isMissing(err) && !isAway(err)) || time.Since(start) >= min(soon, c.timeout) {
			return s, err
		}
		select {
		case <-ctx.Done():
			return nil, err
		case <-time.After(lookAgain):
		}
	}
}

// clientHome is the home of a command that asks a node. With --api the node is known, so the home
// need not be there. It is nil where the user has no home directory at all: reading needs none.
func (c *cli) clientHome(what access) (*home.Home, error) {
	if c.givenAPI() == "" {
		return c.existingHome()
	}
	h, err := c.openHome()
	if err != nil && what == reading && c.namedHome() == "" {
		return nil, nil
	}
	return h, err
}

// keys are the home's owners.
func (s *session) keys() (*home.Keyring, error) {
	if s.home == nil {
		return nil, errors.New("no home directory, and so no owners: give one with --home")
	}
	return s.home.Owners(), nil
}

// node returns the client of the node's API.
func (s *session) node() api.Service {
	s.mu.RLock()
	defer s.mu.RUnlock()
	return s.service
}

// addresses are where the node's API is: for people, and for programs that know HTTP alone.
func (s *session) addresses() []string {
	if strings.HasPrefix(s.address, api.SocketURL("")) && s.cli.givenAPI() == "" {
		if tcp, err := s.home.API(); err == nil {
			return []string{tcp, s.address}
		}
	}
	return []string{s.address}
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
		client := api.NewClient(address, token)
		client.SetReadTimeout(s.cli.timeout)
		s.service, s.address = client, address
	}
	return nil
}

// apiAddress is what --api says, else LF_API, else the socket of the node in the home, else that
// node's address on TCP. A home in which no node has ever lived is only a keyring, and then the
// node is where nodes usually are.
func (c *cli) apiAddress(h *home.Home) (string, error) {
	if address := c.givenAPI(); address != "" {
		return checkedAddress(address)
	}
	path, err := h.Socket()
	if err == nil {
		return api.SocketURL(path), nil
	}
	if !isMissing(err) {
		return "", err
	}
	address, err := h.API() // of a node that can make no socket, or of an older version
	if isMissing(err) {
		if _, _, unbound := h.Network(); isMissing(unbound) {
			return defaultAPI, nil
		}
	}
	return address, err
}

func checkedAddress(address string) (string, error) {
	if path, ok := strings.CutPrefix(address, api.SocketURL("")); ok && path != "" {
		path, err := filepath.Abs(path)
		return api.SocketURL(path), err
	}
	u, err := url.Parse(address)
	if err != nil || (u.Scheme != "http" && u.Scheme != "https") || u.Host == "" {
		return "", usage("%q is not the URL of an API (http://HOST:PORT or unix:PATH)", address)
	}
	return address, nil
}

// token returns what a client shows over TCP to write: the token that the user named. It is never
// the home's, since anybody may listen on the port of a node that has ended. A socket needs no
// token.
func (s *session) token(address string) (string, error) {
	if strings.HasPrefix(address, api.SocketURL("")) {
		return "", nil
	}
	token, err := s.cli.namedToken()
	if token != "" || err != nil || s.access == reading {
		return token, err
	}
	if s.cli.givenAPI() == "" && s.home != nil && s.home.Exists() != nil {
		return "", fmt.Errorf("no node has ever run in %s: start one with lf node, or say where one is with --home or --api", s.home.Dir())
	}
	return "", fmt.Errorf("writing through %s needs that node's token (its file api.token): name it with --token-file or LF_TOKEN, "+
		"or use the socket in the node's home (--home, or --api unix:PATH)", address)
}

// namedToken is the token that the user gave, "" when none.
func (c *cli) namedToken() (string, error) {
	if c.tokenFile == "" {
		return os.Getenv("LF_TOKEN"), nil
	}
	f, err := os.Open(c.tokenFile)
	if err != nil {
		return "", fmt.Errorf("--token-file: %w", err)
	}
	defer f.Close()
	text, err := readAtMost(f, maxTokenFile)
	if err != nil {
		return "", fmt.Errorf("--token-file %s: %w", c.tokenFile, err)
	}
	token := strings.TrimSpace(string(text))
	if token == "" || strings.ContainsFunc(token, unicode.IsSpace) {
		return "", fmt.Errorf("--token-file %s: want one line, the token", c.tokenFile)
	}
	return token, nil
}

// givenAPI is the address that the user gave, "" when none.
func (c *cli) givenAPI() string {
	if c.apiURL != "" {
		return c.apiURL
	}
	return os.Getenv("LF_API")
}

func (s *session) checkBinding() error {
	if s.home == nil {
		return nil
	}
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
