package home

import (
	"cmp"
	"crypto/ed25519"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"github.com/lf-store/lf/protocol"
)

const (
	keySuffix = ".pem"
	// firstOwner is the name of the owner that is made when one is needed and there is none.
	firstOwner = "default"
)

// ownerName keeps names apart from owners (peer IDs have upper case), safe as file names and in
// shells.
var ownerName = regexp.MustCompile(`^[a-z0-9][a-z0-9._-]{0,63}$`)

// Keyring holds the secret keys of the owners in a home.
type Keyring struct {
	folder      string
	defaultPath string
}

// Key is one owner's secret key under the name that it has in this home.
type Key struct {
	Name    string
	Owner   protocol.Owner
	Secret  ed25519.PrivateKey
	Default bool
}

// Owners returns the home's keyring.
func (h *Home) Owners() *Keyring { return &Keyring{h.path(ownersFolder), h.path(defaultFile)} }

// CheckOwnerName says what is wrong with the name of an owner, nil if nothing is.
func CheckOwnerName(name string) error {
	if !ownerName.MatchString(name) {
		return fmt.Errorf("%q is no name for an owner: want 1 to 64 of a–z, 0–9, '.', '_' and '-', a letter or digit first", name)
	}
	return nil
}

// New makes an owner. The first one in a keyring becomes the default.
func (k *Keyring) New(name string) (Key, error) {
	return k.add(name, createKey)
}

// Import takes in a secret key in PEM (PKCS#8).
func (k *Keyring) Import(name string, pem []byte) (Key, error) {
	secret, err := protocol.ParseKeyPEM(pem)
	if err != nil {
		return Key{}, err
	}
	owner := protocol.OwnerOf(secret)
	// Whose a damaged key was cannot be known, and taking in a copy of it is the way out.
	if known, err := k.Get(owner.String()); err == nil {
		return Key{}, fmt.Errorf("owner %s is here already, as %q", owner, known.Name)
	}
	text, err := protocol.MarshalKeyPEM(secret)
	if err != nil {
		return Key{}, err
	}
	return k.add(name, func(path string) error { return createFile(path, text) })
}

func (k *Keyring) add(name string, create func(path string) error) (Key, error) {
	if err := CheckOwnerName(name); err != nil {
		return Key{}, err
	}
	before, err := k.Names()
	if err != nil {
		return Key{}, err
	}
	if err := create(k.path(name)); errors.Is(err, fs.ErrExist) {
		return Key{}, fmt.Errorf("an owner %q is here already: choose another name", name)
	} else if err != nil {
		return Key{}, err
	}
	if len(before) == 0 {
		if err := k.SetDefault(name); err != nil {
			return Key{}, err
		}
	}
	return k.Get(name)
}

// Export returns an owner's secret key in PEM (PKCS#8).
func (k *Keyring) Export(nameOrOwner string) ([]byte, error) {
	key, err := k.Get(nameOrOwner)
	if err != nil {
		return nil, err
	}
	return protocol.MarshalKeyPEM(key.Secret)
}

// List returns all keys that are sound, by name. Its error says what is wrong with the others, and
// with the choice of the default one: neither hides the keys that can be used.
func (k *Keyring) List() ([]Key, error) {
	names, err := k.Names()
	if err != nil {
		return nil, err
	}
	_, err = k.defaultName()
	problems := []error{err}
	var keys []Key
	for _, name := range names {
		key, err := k.named(name)
		if err != nil {
			problems = append(problems, err)
			continue
		}
		keys = append(keys, key)
	}
	return keys, errors.Join(problems...)
}

// Get returns one key by its name, or by its owner's text form. It is an [fs.ErrNotExist] when it
// is not here.
func (k *Keyring) Get(nameOrOwner string) (Key, error) {
	owner, err := protocol.ParseOwner(nameOrOwner)
	if err != nil {
		return k.named(nameOrOwner)
	}
	keys, err := k.List()
	i := slices.IndexFunc(keys, func(key Key) bool { return key.Owner == owner })
	switch {
	case i >= 0:
		return keys[i], nil
	case err != nil:
		return Key{}, err // it may be the damaged one
	}
	return Key{}, missing("the key of owner %s is not here (lf owner list shows those that are)", owner)
}

// Default returns the key that signs when none is named, and makes one on first use; made tells
// that it did.
func (k *Keyring) Default() (key Key, made bool, err error) {
	names, err := k.Names()
	if err != nil {
		return Key{}, false, err
	}
	chosen, err := k.defaultName()
	switch {
	case err != nil:
		return Key{}, false, err
	case chosen == "" && len(names) == 0:
		if key, err = k.New(firstOwner); err == nil {
			return key, true, nil
		}
		if key, again := k.named(firstOwner); again == nil {
			return key, false, nil // another process was faster
		}
		return Key{}, false, err
	case chosen == "" && len(names) == 1:
		chosen = names[0]
	case chosen == "":
		return Key{}, false, errors.New("there are several owners and none is the default: name one, or choose with lf owner default NAME")
	}
	key, err = k.named(chosen)
	key.Default = err == nil
	return key, false, err
}

// SetDefault chooses the key that signs when none is named.
func (k *Keyring) SetDefault(nameOrOwner string) error {
	key, err := k.Get(nameOrOwner)
	if err != nil {
		return err
	}
	return replaceFile(k.defaultPath, []byte(key.Name+"\n"))
}

func (k *Keyring) named(name string) (Key, error) {
	if CheckOwnerName(name) != nil {
		return Key{}, unknownOwner(name) // and no file outside is looked at
	}
	secret, err := readKey(k.path(name))
	if errors.Is(err, fs.ErrNotExist) {
		return Key{}, unknownOwner(name)
	}
	if err != nil {
		return Key{}, fmt.Errorf("the key of owner %q: %w (restore it from a backup, or move the file away)", name, err)
	}
	chosen, err := k.defaultName()
	// a damaged choice keeps nobody from naming an owner, or choosing again
	isDefault := err == nil && name == chosen
	return Key{Name: name, Owner: protocol.OwnerOf(secret), Secret: secret, Default: isDefault}, nil
}

func unknownOwner(name string) error {
	return missing("no owner %q is here (lf owner list shows those that are)", name)
}

// Names returns the names of all keys, sorted. Files that are not called like a key are somebody
// else's.
func (k *Keyring) Names() ([]string, error) {
	entries, err := os.ReadDir(k.folder)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("list owners: %w", err)
	}
	var names []string
	for _, e := range entries {
		if name, ok := strings.CutSuffix(e.Name(), keySuffix); ok && CheckOwnerName(name) == nil {
			names = append(names, name)
		}
	}
	slices.SortFunc(names, cmp.Compare[string])
	return names, nil
}

// defaultName returns the name of the default owner, "" when none was chosen.
func (k *Keyring) defaultName() (string, error) {
	text, err := readFile(k.defaultPath)
	if errors.Is(err, fs.ErrNotExist) {
		return "", nil
	}
	if err != nil {
		return "", fmt.Errorf("the default owner: %w", err)
	}
	name := strings.TrimSpace(string(text))
	if err := CheckOwnerName(name); err != nil {
		return "", fmt.Errorf("%s is damaged: %w (choose again with lf owner default NAME)", k.defaultPath, err)
	}
	return name, nil
}

func (k *Keyring) path(name string) string { return filepath.Join(k.folder, name+keySuffix) }
