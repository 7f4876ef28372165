package lf

import (
	"context"
	"errors"
	"io"
	"io/fs"
	"net/url"
	"path/filepath"
	"strings"
	"time"

	"github.com/lf-store/lf/node/api"
	"github.com/lf-store/lf/node/home"
)

// defaultNode is where a node's API is unless it was told otherwise.
const defaultNode = "http://" + api.DefaultAddress

// dial looks up where the node is; again, after a restart that may have moved it.
func (c *Client) dial() error {
	address, err := c.options.find(c.home)
	if err != nil {
		return err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.service != nil && address == c.address {
		return nil
	}
	if old, ok := c.service.(io.Closer); ok {
		_ = old.Close() // of idle connections: nothing is lost
	}
	c.token = ""
	if !isSocket(address) {
		c.token = c.options.givenToken()
	}
	client := api.NewClient(address, c.token)
	client.SetReadTimeout(c.options.timeout)
	c.service, c.address = client, address
	return nil
}

func isSocket(address string) bool { return strings.HasPrefix(address, api.SocketURL("")) }

// find returns the address that the caller named, else the socket of the node in the home, else
// that node's address on TCP. A home in which no node has ever lived is only a keyring, and then
// the node is where nodes usually are.
func (o *clientOptions) find(h *home.Home) (string, error) {
	if address := o.givenNode(); address != "" {
		return checkedAddress(address)
	}
	if h == nil {
		return defaultNode, nil
	}
	path, err := h.Socket()
	if err == nil {
		return api.SocketURL(path), nil
	}
	if !errors.Is(err, fs.ErrNotExist) {
		return "", err
	}
	address, err := h.API() // of a node that can make no socket, or of an older version
	if errors.Is(err, fs.ErrNotExist) {
		if _, _, unbound := h.Network(); errors.Is(unbound, fs.ErrNotExist) {
			return defaultNode, nil
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
		return "", wrongInput("%q is not the URL of an API (http://HOST:PORT or unix:PATH)", address)
	}
	return address, nil
}

// mayWrite makes sure that there is a token where writing needs one: over TCP. It is never the
// home's, since anybody may listen on the port of a node that has ended.
func (c *Client) mayWrite() error {
	c.mu.RLock()
	defer c.mu.RUnlock()
	if c.address == "" || isSocket(c.address) || c.token != "" {
		return nil
	}
	e := &TokenError{Node: c.address}
	if c.options.givenNode() == "" && c.home != nil && c.home.Exists() != nil {
		e.Home = c.home.Dir()
	}
	return e
}

// The pauses between attempts to reach a node that is away.
const (
	firstPause = 50 * time.Millisecond
	maxPause   = 2 * time.Second
)

// retry does something, and once more where the node has moved meanwhile. As long as patience lasts
// it also repeats what fails because the node is away.
func (c *Client) retry(ctx context.Context, patience time.Duration, do func(api.Service) error) error {
	start := time.Now()
	for pause := firstPause; ; pause = min(2*pause, maxPause) {
		if err := c.check(); err != nil {
			return err
		}
		before := c.Address()
		err := do(c.Node())
		if err == nil || !IsAway(err) || ctx.Err() != nil {
			return err
		}
		moved, failed := c.follow(ctx, before)
		switch {
		case failed != nil:
			return errors.Join(err, failed)
		case moved && pause == firstPause:
			continue // at once
		case time.Since(start) >= patience:
			return err
		}
		select {
		case <-ctx.Done():
			return context.Cause(ctx)
		case <-time.After(pause):
		}
	}
}

// follow looks where the node is now, and reports whether that is another place than before. What
// is there must be on the same network.
func (c *Client) follow(ctx context.Context, before string) (moved bool, err error) {
	if before == "" {
		return false, nil // a node in this process
	}
	if err := c.dial(); err != nil {
		if errors.Is(err, fs.ErrNotExist) {
			return false, nil // it has ended, and may come back
		}
		return false, err
	}
	if c.Address() == before || c.network == nil {
		return false, nil
	}
	file, err := c.Node().Network(ctx)
	if err != nil {
		return false, nil //nolint:nilerr // it is still starting: the next attempt tells
	}
	got, err := file.Network()
	if err == nil && got.ID() != c.network.ID() {
		err = &NetworkError{Node: c.Address(), Got: got, Want: c.network}
	}
	return true, err
}
