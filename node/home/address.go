package home

import (
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"strings"
)

// PublishAPI tells clients where the running node's API is. withdraw takes it back, unless another
// node wrote its own address over it.
func (h *Home) PublishAPI(address string) (withdraw func() error, err error) {
	if err := checkAPI(address); err != nil {
		return nil, err
	}
	path := h.path(addressFile)
	if err := replaceFile(path, []byte(address+"\n")); err != nil {
		return nil, err
	}
	return func() error {
		if now, err := h.API(); err != nil || now != address {
			return nil //nolint:nilerr // gone or not ours: nothing to take back
		}
		if err := os.Remove(path); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return fmt.Errorf("withdraw the API's address: %w", err)
		}
		return nil
	}, nil
}

// ForgetAPI removes the address of a node that was killed. It must be called under the home's lock.
func (h *Home) ForgetAPI() error {
	if err := removeIfThere(h.path(addressFile)); err != nil {
		return fmt.Errorf("the API's old address: %w", err)
	}
	return nil
}

// API returns the URL of the API of the node that runs here; it is an [fs.ErrNotExist] when none
// does. The address of a node that was killed stays: the client has to see whether a node answers
// there.
func (h *Home) API() (string, error) {
	path := h.path(addressFile)
	text, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return "", noNode(h.dir)
	}
	if err != nil {
		return "", fmt.Errorf("the API's address: %w", err)
	}
	address := strings.TrimSpace(string(text))
	if err := checkAPI(address); err != nil {
		return "", fmt.Errorf("%s is damaged: %w (restart the node, which writes it again)", path, err)
	}
	return address, nil
}

func checkAPI(address string) error {
	u, err := url.Parse(address)
	if err != nil || (u.Scheme != "http" && u.Scheme != "https") || u.Host == "" {
		return fmt.Errorf("not the URL of an API: %q", address)
	}
	return nil
}
