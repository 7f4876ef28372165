package home

import (
	"fmt"
	"regexp"

	"github.com/lf-store/lf/protocol"
)

const (
	// MaxTokens is how many limited tokens a home may have.
	MaxTokens = 1000
	// MaxTokenOwners is as whom a limited token may write, at most.
	MaxTokenOwners = 64
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

func (t *Token) credential() credential { return credential{&t.Name, &t.Made, &t.Hash} }

func (h *Home) tokens() *holderList[Token, *Token] {
	return &holderList[Token, *Token]{
		path: h.path(tokensFile), lock: h.path(tokensLock), member: "tokens", what: "limited tokens", one: "token", most: MaxTokens,
	}
}

// Tokens returns the limited tokens, in the order in which they were made.
func (h *Home) Tokens() ([]Token, error) { return h.tokens().list() }

// AddToken makes a limited token and returns what its holder shows. Nobody can read that from the
// home later. A name that is taken is an [fs.ErrExist]. A node that runs here knows the token at
// once.
func (h *Home) AddToken(t Token) (secret string, err error) { return h.tokens().add(t) }

// RemoveToken revokes a limited token. A node that runs here refuses it from the next request on.
// One that is not there is an [fs.ErrNotExist].
func (h *Home) RemoveToken(name string) error { return h.tokens().remove(name) }

// TokenChecker finds the limited token that a request shows. It is safe for concurrent use.
type TokenChecker struct{ list checker[Token, *Token] }

// TokenChecker returns a checker of this home's limited tokens.
func (h *Home) TokenChecker() *TokenChecker {
	return &TokenChecker{checker[Token, *Token]{file: h.tokens()}}
}

// Find returns the token that secret is, nil where it is none. While the file cannot be read, no
// token is valid. What is found must not be changed.
func (c *TokenChecker) Find(secret string) (*Token, error) { return c.list.find(secret) }
