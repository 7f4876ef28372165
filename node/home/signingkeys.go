package home

import (
	"io/fs"
	"os"
	"sync"
	"time"
)

// settledAfter is how long nothing of a keyring must have changed before what was read of it is
// remembered. File systems tell the time of a change in steps of some milliseconds: of two changes
// within one step the second would be missed.
const settledAfter = 2 * time.Second

// SigningKeys reads the keys of a keyring for a program that signs often. It remembers a key until
// anything about the keyring changes on the disk. It is safe for concurrent use.
type SigningKeys struct {
	ring *Keyring

	mu    sync.Mutex
	known map[string]signingKey // by what was asked for
}

// signingKey is a key, and what the disk said of the keyring before it was read.
type signingKey struct {
	key  Key
	disk keyringState
}

// keyringState changes with the keys of a keyring, with the choice of the default one, and with the
// file of one key.
type keyringState [3]fileState

type fileState struct {
	changed time.Time
	size    int64
	mode    fs.FileMode
}

// Signing returns the keyring's keys for a program that signs often.
func (k *Keyring) Signing() *SigningKeys {
	return &SigningKeys{ring: k, known: map[string]signingKey{}}
}

// Get is [Keyring.Get] or, for no name, [Keyring.Default].
func (s *SigningKeys) Get(nameOrOwner string) (key Key, made bool, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if known, ok := s.known[nameOrOwner]; ok && s.ring.state(known.key.Name) == known.disk {
		return known.key, false, nil
	}
	delete(s.known, nameOrOwner)
	if key, made, err = s.read(nameOrOwner); err != nil {
		return key, made, err
	}
	disk := s.ring.state(key.Name)
	if !disk.settled(time.Now()) {
		return key, made, nil
	}
	// Read once more, so that the state is older than what is remembered.
	if again, _, err := s.read(nameOrOwner); err == nil && again.Name == key.Name && again.Owner == key.Owner {
		key = again
		s.known[nameOrOwner] = signingKey{key, disk}
	}
	return key, made, nil
}

func (s *SigningKeys) read(nameOrOwner string) (key Key, made bool, err error) {
	if nameOrOwner == "" {
		return s.ring.Default()
	}
	key, err = s.ring.Get(nameOrOwner)
	return key, false, err
}

// state looks at the folder of the keys, at the choice of the default one, and at one key's file.
func (k *Keyring) state(name string) (state keyringState) {
	for i, path := range []string{k.folder, k.defaultPath, k.path(name)} {
		if info, err := os.Stat(path); err == nil {
			state[i] = fileState{info.ModTime(), info.Size(), info.Mode()}
		}
	}
	return state
}

// settled reports whether a change from now on gives another state.
func (s *keyringState) settled(now time.Time) bool {
	for _, f := range s {
		if now.Sub(f.changed) < settledAfter {
			return false
		}
	}
	return true
}
