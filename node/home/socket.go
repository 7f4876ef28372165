package home

import (
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"strings"

	"github.com/lf-store/lf/node/internal/usersocket"
)

// ListenSocket listens on the home's socket, through which this user's programs reach the node. It
// must be called under the home's lock. The home's path may be too long for a socket, or its file
// system may have no sockets. Then the socket lies in a folder of its own elsewhere, and a file in
// the home names it. Closing the listener takes both away.
func (h *Home) ListenSocket() (net.Listener, error) {
	path, pointer := h.path(socketFile), h.path(pointerFile)
	var here error
	if len(path) <= usersocket.MaxPath {
		l, err := usersocket.Listen(path)
		if err == nil {
			return alone(l, pointer)
		}
		here = err
	}
	l, err := h.listenElsewhere(pointer)
	if err != nil {
		return nil, errors.Join(here, err)
	}
	return alone(l, path)
}

// alone removes what would lead clients elsewhere than to a listener.
func alone(l net.Listener, stale string) (net.Listener, error) {
	if err := removeIfThere(stale); err != nil {
		return nil, errors.Join(err, l.Close())
	}
	return l, nil
}

// remoteListener is a socket outside the home: its folder and the file that names it go with it.
type remoteListener struct {
	net.Listener
	folder, pointer string
}

func (h *Home) listenElsewhere(pointer string) (net.Listener, error) {
	folder, err := h.socketFolder(pointer)
	if err != nil {
		return nil, err
	}
	path := filepath.Join(folder, socketFile)
	l, err := usersocket.Listen(path)
	if err != nil {
		return nil, err
	}
	r := &remoteListener{l, folder, pointer}
	if err := replaceFile(pointer, []byte(path+"\n")); err != nil {
		return nil, errors.Join(err, r.Close())
	}
	return r, nil
}

// socketFolder is the folder of the node that ran here before, if nobody could have changed it
// since, else a new one.
func (h *Home) socketFolder(pointer string) (string, error) {
	if path, err := h.readPointer(pointer); err == nil {
		if owner, known := usersocket.Owner(filepath.Dir(path)); !known || owner == os.Geteuid() {
			return filepath.Dir(path), nil
		}
	}
	return usersocket.MakeFolder(socketFile)
}

// Close takes away the socket, the file that names it, and the folder.
func (r *remoteListener) Close() error {
	err := errors.Join(r.Listener.Close(), removeIfThere(r.pointer))
	if gone := os.Remove(r.folder); gone != nil && !errors.Is(gone, fs.ErrNotExist) {
		err = errors.Join(err, fmt.Errorf("the socket's folder: %w", gone))
	}
	return err
}

// Socket returns the path of the socket of the node that runs here; it is an [fs.ErrNotExist] when
// there is none. The socket of a node that was killed stays: the client has to see whether a node
// answers there. A socket outside the home counts only where no other user could have put it there.
func (h *Home) Socket() (string, error) {
	path, pointer := h.path(socketFile), h.path(pointerFile)
	switch info, err := os.Lstat(path); {
	case err == nil && info.Mode().Type() == fs.ModeSocket:
		return path, nil
	case err != nil && !errors.Is(err, fs.ErrNotExist):
		return "", fmt.Errorf("the home's socket: %w", err)
	}
	path, err := h.readPointer(pointer)
	switch {
	case err == nil:
		return path, nil
	case errors.Is(err, fs.ErrNotExist) && path != "": // the folder is gone, and so is the node
		return path, nil
	case errors.Is(err, fs.ErrNotExist):
		return "", noNode(h.dir)
	}
	return "", fmt.Errorf("the home's socket: %w (stop the node, remove %s, and start it again)", err, pointer)
}

// readPointer reads the file that names a socket, and makes sure that nobody but the home's owner
// has made the file or the socket's folder. Where only the folder is missing it returns the path
// with the error.
func (h *Home) readPointer(pointer string) (path string, err error) {
	owner, _ := usersocket.Owner(h.dir)
	if err := usersocket.CheckFile(pointer, owner); err != nil {
		return "", err
	}
	text, err := os.ReadFile(pointer)
	if err != nil {
		return "", fmt.Errorf("read which socket it is: %w", err)
	}
	path = strings.TrimSpace(string(text))
	if !filepath.IsAbs(path) || len(path) > usersocket.MaxPath || filepath.Base(path) != socketFile {
		return "", fmt.Errorf("%s names no socket", pointer)
	}
	return path, usersocket.CheckFolder(filepath.Dir(path), owner)
}

func noNode(dir string) error {
	return missing("no node runs in %s: start one with lf node, or say where one is with --home or --api", dir)
}
