package home

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
)

// The files in a home.
const (
	lockFile     = "lock"
	identityFile = "identity.pem"
	networkFile  = "network.lfnet"
	tokenFile    = "api.token" // a file's name
	tokensFile   = "tokens.json"
	tokensLock   = "tokens.lock"
	clientsFile  = "clients.json"
	clientsLock  = "clients.lock"
	addressFile  = "api"
	socketFile   = "api.sock"
	pointerFile  = "api.socket"
	trustFile    = "trust.json"
	trustLock    = "trust.lock"
	peersFile    = "peers.json"
	namesFile    = "names"
	namesOffFile = "names.off"
	databaseFile = "lf.db"
	ownersFolder = "owners"
	defaultFile  = "default-owner"
	ignoreFile   = ".gitignore"
)

// Home is a directory that a node lives in. Its methods are safe for concurrent use, by several
// processes too.
type Home struct{ dir string }

// Open returns the home in a directory. The first write makes the directory, readable by its user
// alone. So a client that asks for a home which is not there makes none.
func Open(dir string) (*Home, error) {
	if dir == "" {
		return nil, errors.New("the home directory's name is empty")
	}
	abs, err := filepath.Abs(dir)
	if err != nil {
		return nil, fmt.Errorf("home %s: %w", dir, err)
	}
	if err := checkLink(abs); err != nil {
		return nil, fmt.Errorf("home: %w", err)
	}
	switch info, err := os.Stat(abs); {
	case errors.Is(err, fs.ErrNotExist):
	case err != nil:
		return nil, fmt.Errorf("home: %w", err)
	case !info.IsDir():
		return nil, fmt.Errorf("home %s is not a directory", abs)
	}
	return &Home{abs}, nil
}

// Dir returns the directory's absolute path.
func (h *Home) Dir() string { return h.dir }

// traces are what a home has at least one of: a node or an owner has lived there.
var traces = []string{networkFile, ownersFolder, identityFile, tokenFile, trustFile, databaseFile, addressFile, socketFile, pointerFile, clientsFile}

// Exists returns an [fs.ErrNotExist] when no node, proxy or owner has ever lived here: the
// directory is missing, or is something else.
func (h *Home) Exists() error {
	for _, name := range traces {
		if _, err := os.Lstat(h.path(name)); !errors.Is(err, fs.ErrNotExist) {
			return nil // there, or not ours to look at: what is done with it says more
		}
	}
	return missing("no node and no owner has ever lived in %s: is the name right? (lf node and lf owner new make a home)", h.dir)
}

// Database returns the path of the node's database.
func (h *Home) Database() string { return h.path(databaseFile) }

// HasDatabase reports whether a node has stored anything here.
func (h *Home) HasDatabase() bool {
	_, err := os.Stat(h.Database())
	return !errors.Is(err, fs.ErrNotExist)
}

func (h *Home) path(name string) string { return filepath.Join(h.dir, name) }

// makeDir makes the home, or a folder in it.
func makeDir(dir string) error {
	if _, err := os.Stat(dir); err == nil {
		return nil
	}
	if _, inside := backupFolders[filepath.Base(dir)]; inside {
		if err := makeDir(filepath.Dir(dir)); err != nil {
			return err
		}
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return fmt.Errorf("make home: %w", err)
	}
	return KeepOutOfGit(dir)
}

// KeepOutOfGit tells git to ignore a new folder that holds secrets, should it be in a working tree.
func KeepOutOfGit(dir string) error {
	if err := os.WriteFile(filepath.Join(dir, ignoreFile), []byte("*\n"), 0o600); err != nil {
		return fmt.Errorf("make home: %w", err)
	}
	return nil
}

// missingError says in words that something is not there; it is an [fs.ErrNotExist].
type missingError struct{ text string }

func (e *missingError) Error() string        { return e.text }
func (e *missingError) Is(target error) bool { return target == fs.ErrNotExist }

func missing(format string, args ...any) error { return &missingError{fmt.Sprintf(format, args...)} }
