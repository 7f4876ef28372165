package home

import (
	"crypto/ed25519"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"runtime"
	"strings"

	"github.com/lf-store/lf/protocol"
)

// tokenSize is the token's length in random bytes; the file holds it in hexadecimal.
const tokenSize = 32

// maxSecret bounds what is read of a file that should hold one key or token.
const maxSecret = 16 << 10

// Identity returns the node's secret key and makes it on first use. One that cannot be read is an
// error and stays as it is. A new one would make the node a stranger to everybody who trusts it.
func (h *Home) Identity() (ed25519.PrivateKey, error) {
	path := h.path(identityFile)
	key, err := readKey(path)
	if errors.Is(err, fs.ErrNotExist) {
		if err := createKey(path); err != nil && !errors.Is(err, fs.ErrExist) {
			return nil, fmt.Errorf("identity: %w", err)
		}
		key, err = readKey(path)
	}
	if errors.Is(err, fs.ErrPermission) {
		return nil, fmt.Errorf("the node's identity: %w", err)
	}
	if err != nil {
		return nil, fmt.Errorf("the node's identity: %w (restore it from a backup; or move the file away, and the node becomes a new one)", err)
	}
	return key, nil
}

func createKey(path string) error {
	_, key, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		return fmt.Errorf("make a secret key: %w", err)
	}
	text, err := protocol.MarshalKeyPEM(key)
	if err != nil {
		return err
	}
	return createFile(path, text)
}

func readKey(path string) (ed25519.PrivateKey, error) {
	text, err := readSecret(path)
	if err != nil {
		return nil, err
	}
	key, err := protocol.ParseKeyPEM(text)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return key, nil
}

// Token returns what the node's API asks of those who write, and makes it on first use.
func (h *Home) Token() (string, error) {
	token, err := h.ReadToken()
	if !errors.Is(err, fs.ErrNotExist) {
		return token, err
	}
	var b [tokenSize]byte
	if _, err := rand.Read(b[:]); err != nil {
		return "", fmt.Errorf("make a token: %w", err)
	}
	err = createFile(h.path(tokenFile), []byte(hex.EncodeToString(b[:])+"\n"))
	if err != nil && !errors.Is(err, fs.ErrExist) {
		return "", err
	}
	return h.ReadToken()
}

// ReadToken returns the token of the node that lives here; it is an [fs.ErrNotExist] when none did
// yet.
func (h *Home) ReadToken() (string, error) {
	path := h.path(tokenFile)
	text, err := readSecret(path)
	if errors.Is(err, errEmpty) {
		err = nil // and no token either: damaged
	}
	if errors.Is(err, fs.ErrNotExist) {
		return "", missing("no node has lived in %s yet: start one with lf node, or give another --home", h.dir)
	}
	if err != nil {
		return "", fmt.Errorf("the API's token: %w", err)
	}
	token := strings.TrimSpace(string(text))
	if b, err := hex.DecodeString(token); err != nil || len(b) != tokenSize {
		return "", fmt.Errorf("the API's token: %s is empty or damaged: remove the file and restart the node, which makes a new one", path)
	}
	return token, nil
}

var errEmpty = errors.New("empty")

// readSecret reads a short file that only its user may read.
func readSecret(path string) ([]byte, error) {
	if err := checkLink(path); err != nil {
		return nil, err
	}
	info, err := os.Stat(path)
	if err != nil {
		return nil, err
	}
	switch {
	case !info.Mode().IsRegular():
		return nil, fmt.Errorf("%s is not a regular file", path)
	case runtime.GOOS != "windows" && info.Mode().Perm()&0o077 != 0:
		return nil, fmt.Errorf("%s is open to other users (mode %04o): chmod 600 it, if nobody can have read or changed it", path, info.Mode().Perm())
	case info.Size() == 0:
		return nil, fmt.Errorf("%s is %w", path, errEmpty)
	case info.Size() > maxSecret:
		return nil, fmt.Errorf("%s is too large to be what it should be (%d bytes)", path, info.Size())
	}
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	return text, nil
}
