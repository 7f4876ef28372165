package home

import (
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"regexp"
	"runtime"
	"slices"
	"sync"
	"time"

	"github.com/gofrs/flock"

	"github.com/lf-store/lf/internal/strictjson"
	"github.com/lf-store/lf/protocol"
)

const (
	// MaxTokens is how many limited tokens a home may have.
	MaxTokens = 1000
	// MaxTokenOwners is as whom a limited token may write, at most.
	MaxTokenOwners = 64
	// tokenMark begins every limited token, so that people and scanners know what it is.
	tokenMark = "lf_"
	maxTokens = 8 << 20
)

// Token is a limited token: what its holder may do at this node's API, and a hash of what it shows.
type Token struct {
	// Name tells tokens apart for the home's user.
	Name string `json:"name"`
	// Made is when it was made, ms since the Unix epoch.
	Made uint64 `json:"made"`
	// Hash is SHA-256 of the token, whose 256 random bits nobody can guess from that.
	Hash tokenHash `json:"sha256"`
	// Read allows reading, Submit handing in finished records and reading, Work having the node
	// pay.
	Read   bool `json:"read,omitempty"`
	Submit bool `json:"submit,omitempty"`
	Work   bool `json:"work,omitempty"`
	// Set are the owners of this home as whom the node may write for the holder.
	Set []protocol.Owner `json:"set,omitempty"`
}

type tokenHash [sha256.Size]byte

// MarshalText implements [encoding.TextMarshaler].
func (h tokenHash) MarshalText() ([]byte, error) { return hex.AppendEncode(nil, h[:]), nil }

// UnmarshalText implements [encoding.TextUnmarshaler].
func (h *tokenHash) UnmarshalText(text []byte) error {
	b, err := hex.DecodeString(string(text))
	if err != nil || copy(h[:], b) != len(h) || len(b) != len(h) {
		return errors.New("want 64 hexadecimal digits")
	}
	return nil
}

// tokenList is the content of the file "tokens.json".
type tokenList struct {
	Tokens []Token `json:"tokens"`
}

var tokenName = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$`)

func (t *Token) check() error {
	switch {
	case !tokenName.MatchString(t.Name):
		return fmt.Errorf("%q is no name for a token: 1 to 64 letters, digits, dots, hyphens and underscores", t.Name)
	case !t.Read && !t.Submit && !t.Work && len(t.Set) == 0:
		return fmt.Errorf("token %q allows nothing", t.Name)
	case len(t.Set) > MaxTokenOwners:
		return fmt.Errorf("token %q names %d owners, at most %d are allowed", t.Name, len(t.Set), MaxTokenOwners)
	}
	return nil
}

func (l *tokenList) check() error {
	if len(l.Tokens) > MaxTokens {
		return fmt.Errorf("%d tokens, at most %d are allowed", len(l.Tokens), MaxTokens)
	}
	seen := map[string]bool{}
	for i := range l.Tokens {
		t := &l.Tokens[i]
		if err := t.check(); err != nil {
			return err
		}
		if seen[t.Name] {
			return fmt.Errorf("token %q is there twice", t.Name)
		}
		seen[t.Name] = true
	}
	return nil
}

// Tokens returns the limited tokens, in the order in which they were made.
func (h *Home) Tokens() ([]Token, error) {
	list, _, err := h.readTokens()
	if err != nil {
		return nil, err
	}
	return list.Tokens, nil
}

// readTokens returns what the file has, and which file that was; nil where there is none.
func (h *Home) readTokens() (list tokenList, as fs.FileInfo, err error) {
	path := h.path(tokensFile)
	wrong := func(err error) (tokenList, fs.FileInfo, error) {
		return tokenList{}, nil, fmt.Errorf("limited tokens: %s: %w (mend the file or move it away)", path, cause(err))
	}
	if err := checkLink(path); err != nil {
		return wrong(err)
	}
	f, err := os.Open(path)
	if errors.Is(err, fs.ErrNotExist) {
		return list, nil, nil
	}
	if err != nil {
		return wrong(err)
	}
	defer f.Close()
	switch as, err = f.Stat(); {
	case err != nil:
		return wrong(err)
	case !as.Mode().IsRegular():
		return wrong(errors.New("not a regular file"))
	case runtime.GOOS != "windows" && as.Mode().Perm()&0o022 != 0:
		return wrong(fmt.Errorf("others may write it (mode %#o): chmod 600 it, and look at what is in it", as.Mode().Perm()))
	case as.Size() > maxTokens:
		return wrong(fmt.Errorf("too large to be what it should be (%d bytes)", as.Size()))
	}
	text := make([]byte, as.Size())
	if n, err := f.ReadAt(text, 0); n < len(text) {
		return wrong(err)
	}
	// Strictly: a misspelled member would allow something else than was meant.
	if err := strictjson.Unmarshal(text, &list, 0); err != nil {
		return wrong(err)
	}
	if err := list.check(); err != nil {
		return wrong(err)
	}
	return list, as, nil
}

// AddToken makes a limited token and returns what its holder shows. Nobody can read that from the
// home later. A name that is taken is an [fs.ErrExist]. A node that runs here knows the token at
// once.
func (h *Home) AddToken(t Token) (secret string, err error) {
	if err := t.check(); err != nil {
		return "", err
	}
	var b [tokenSize]byte
	if _, err := rand.Read(b[:]); err != nil {
		return "", fmt.Errorf("make a token: %w", err)
	}
	secret = tokenMark + hex.EncodeToString(b[:])
	t.Hash, t.Made = sha256.Sum256([]byte(secret)), uint64(max(time.Now().UnixMilli(), 0))
	err = h.changeTokens(func(list []Token) ([]Token, error) {
		if slices.ContainsFunc(list, func(o Token) bool { return o.Name == t.Name }) {
			return nil, fmt.Errorf("token %q: %w", t.Name, fs.ErrExist)
		}
		return append(list, t), nil
	})
	if err != nil {
		return "", err
	}
	return secret, nil
}

// RemoveToken revokes a limited token. A node that runs here refuses it from the next request on.
// One that is not there is an [fs.ErrNotExist].
func (h *Home) RemoveToken(name string) error {
	return h.changeTokens(func(list []Token) ([]Token, error) {
		i := slices.IndexFunc(list, func(t Token) bool { return t.Name == name })
		if i < 0 {
			return nil, fmt.Errorf("token %q: %w", name, fs.ErrNotExist)
		}
		return slices.Delete(list, i, i+1), nil
	})
}

// changeTokens replaces the file. A second process that changes it meanwhile waits, so that no
// revocation is undone.
func (h *Home) changeTokens(change func([]Token) ([]Token, error)) error {
	unlock, err := h.lockTokens()
	if err != nil {
		return err
	}
	defer unlock()
	list, _, err := h.readTokens()
	if err != nil {
		return err
	}
	if list.Tokens, err = change(list.Tokens); err != nil {
		return err
	}
	if list.Tokens == nil {
		list.Tokens = []Token{}
	}
	if err := list.check(); err != nil {
		return err
	}
	data, err := json.MarshalIndent(list, "", "  ")
	if err != nil {
		return fmt.Errorf("encode the tokens: %w", err)
	}
	return replaceFile(h.path(tokensFile), append(data, '\n'))
}

// lockTokens waits until no other process changes the tokens.
func (h *Home) lockTokens() (unlock func(), err error) {
	if err := makeDir(h.dir); err != nil {
		return nil, err
	}
	l := flock.New(h.path(tokensLock), flock.SetPermissions(0o600))
	if err := l.Lock(); err != nil {
		return nil, fmt.Errorf("lock the limited tokens: %w", err)
	}
	return func() { _ = l.Unlock() }, nil // the process's end unlocks it, too
}

// TokenChecker finds the limited token that a request shows. It reads the file again as soon as
// that was changed. It is safe for concurrent use.
type TokenChecker struct {
	home *Home

	mu   sync.Mutex
	list []Token
	as   fs.FileInfo // of the file that list was read from; nil: there was none
}

// TokenChecker returns a checker of this home's limited tokens.
func (h *Home) TokenChecker() *TokenChecker { return &TokenChecker{home: h} }

// Find returns the token that secret is, nil where it is none. While the file cannot be read, no
// token is valid.
func (c *TokenChecker) Find(secret string) (*Token, error) {
	list, err := c.current()
	if err != nil {
		return nil, err
	}
	hash := sha256.Sum256([]byte(secret))
	var found *Token
	for i := range list { // all of them, whichever it is
		if subtle.ConstantTimeCompare(hash[:], list[i].Hash[:]) == 1 {
			found = &list[i]
		}
	}
	return found, nil
}

// current returns the tokens as the file has them now. A list is never changed once it is read.
func (c *TokenChecker) current() ([]Token, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	now, err := os.Stat(c.home.path(tokensFile))
	switch {
	case errors.Is(err, fs.ErrNotExist):
		now = nil
	case err != nil:
		c.list, c.as = nil, nil
		return nil, fmt.Errorf("limited tokens: %w", err)
	}
	if isSameFile(now, c.as) {
		return c.list, nil
	}
	c.list, c.as = nil, nil
	list, as, err := c.home.readTokens()
	if err != nil {
		return nil, err
	}
	c.list, c.as = list.Tokens, as
	return c.list, nil
}

// isSameFile reports whether a file is as it was. Every change puts another file in its place.
func isSameFile(a, b fs.FileInfo) bool {
	if a == nil || b == nil {
		return a == nil && b == nil
	}
	return os.SameFile(a, b) && a.ModTime().Equal(b.ModTime()) && a.Size() == b.Size()
}
