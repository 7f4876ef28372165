package usersocket

import (
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"sync"
)

// MaxPath is the longest path of a socket, in bytes. Linux has room for 107, macOS for 103.
const MaxPath = 100

// stagingFolder is where a socket is bound before it is moved to its place. No user but ours can
// enter it.
const stagingFolder = ".s"

// listener is a socket that is taken away when it is closed.
type listener struct {
	*net.UnixListener
	path string
	self fs.FileInfo // tells our socket from one that replaced it

	once sync.Once
	err  error
}

// Listen listens on a socket at path, which only this process's user may use, and replaces what a
// process that is gone left there. The caller makes sure that no other process listens there, as
// the lock of a home does.
func Listen(path string) (net.Listener, error) {
	if len(path) > MaxPath {
		return nil, fmt.Errorf("socket %s: a path of more than %d bytes", path, MaxPath)
	}
	staging := filepath.Join(filepath.Dir(path), stagingFolder)
	if err := os.RemoveAll(staging); err != nil {
		return nil, fmt.Errorf("socket: %w", err)
	}
	if err := os.Mkdir(staging, 0o700); err != nil {
		return nil, fmt.Errorf("socket: %w", err)
	}
	l, err := listenIn(staging, path)
	if err := errors.Join(err, os.RemoveAll(staging)); err != nil {
		if l != nil {
			err = errors.Join(err, l.Close())
		}
		return nil, fmt.Errorf("socket %s: %w", path, err)
	}
	return l, nil
}

// listenIn binds a socket in a private folder, gives it its mode, and moves it to its place. Bound
// at its place, a socket would be open to others until its mode is changed.
func listenIn(staging, path string) (net.Listener, error) {
	bound := filepath.Join(staging, "s")
	l, err := net.ListenUnix("unix", &net.UnixAddr{Name: bound, Net: "unix"})
	if err != nil {
		return nil, err
	}
	l.SetUnlinkOnClose(false) // it moves
	if err := errors.Join(os.Chmod(bound, 0o600), os.Rename(bound, path)); err != nil {
		return nil, errors.Join(err, l.Close())
	}
	self, err := os.Lstat(path)
	if err != nil {
		return nil, errors.Join(err, l.Close())
	}
	return &listener{UnixListener: l, path: path, self: self}, nil
}

// Close ends listening and removes the socket, unless another one took its place. It may be called
// more than once.
func (l *listener) Close() error {
	l.once.Do(func() {
		l.err = l.UnixListener.Close()
		if now, err := os.Lstat(l.path); err == nil && os.SameFile(now, l.self) {
			l.err = errors.Join(l.err, os.Remove(l.path))
		}
	})
	return l.err
}
