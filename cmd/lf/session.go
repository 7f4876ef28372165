package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strings"
	"time"
	"unicode"

	"github.com/lf-store/lf"
	"github.com/lf-store/lf/node/home"
)

// maxTokenFile bounds what is read of a file that should hold a token.
const maxTokenFile = 4 << 10

// access is what a command wants to do through the API.
type access int

const (
	reading access = iota
	writing        // needs the node's socket or token
)

// connect opens a client of the node that the user named, else of the home's.
func (c *cli) connect(ctx context.Context, what access, more ...lf.OpenOption) (*lf.Client, error) {
	if c.timeout <= 0 {
		return nil, usage("--timeout must be above 0, not %s", c.timeout)
	}
	token, err := c.namedToken()
	if err != nil {
		return nil, err
	}
	options := []lf.OpenOption{lf.WithHome(c.homeDir), lf.WithNode(c.apiURL), lf.WithToken(token), lf.WithTimeout(c.timeout)}
	if what == writing {
		options = append(options, lf.ToWrite())
	}
	return lf.Open(ctx, append(options, more...)...)
}

const (
	// soon is how long a node that somebody has just started may take until it is seen in its home.
	soon = 3 * time.Second
	// lookAgain is how often it is looked for.
	lookAgain = 50 * time.Millisecond
)

// connectSoon connects to read, and waits a moment for a node that has just been started.
func (c *cli) connectSoon(ctx context.Context) (*lf.Client, error) {
	for start := time.Now(); ; {
		client, err := c.connect(ctx, reading)
		if err == nil || (!isMissing(err) && !lf.IsAway(err)) || time.Since(start) >= min(soon, c.timeout) {
			return client, err
		}
		select {
		case <-ctx.Done():
			return nil, err
		case <-time.After(lookAgain):
		}
	}
}

// namedToken is the token in the file that the user named, "" when none.
func (c *cli) namedToken() (string, error) {
	if c.tokenFile == "" {
		return "", nil
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

// keepCopy tells the user of an owner that a command has made.
func (c *cli) keepCopy(dir string) func(home.Key) {
	return func(key home.Key) {
		c.note("made your first owner %q (%s) in %s: keep a copy of it with lf owner export", key.Name, key.Owner, dir)
	}
}

// isMissing reports whether an error says that something is merely not there.
func isMissing(err error) bool { return errors.Is(err, fs.ErrNotExist) }
