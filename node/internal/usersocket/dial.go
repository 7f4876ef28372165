package usersocket

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
)

// StrangerError says that a process of another user listens on a socket.
type StrangerError struct {
	Path string
	User int
}

func (e *StrangerError) Error() string {
	return fmt.Sprintf("a process of user %d listens on %s, which is neither you nor the folder's owner: nothing was sent to it", e.User, e.Path)
}

// Dial connects to a socket. It returns a [*StrangerError] where the process that listens is not of
// this user, of root, or of the owner of the socket's folder.
func Dial(ctx context.Context, path string) (net.Conn, error) {
	conn, err := new(net.Dialer).DialContext(ctx, "unix", path)
	if err != nil {
		return nil, err
	}
	if err := checkPeer(conn, path); err != nil {
		return nil, errors.Join(err, conn.Close())
	}
	return conn, nil
}

func checkPeer(conn net.Conn, path string) error {
	unix, ok := conn.(*net.UnixConn)
	if !ok {
		return fmt.Errorf("%s is no Unix socket", path)
	}
	user, known, err := peerUser(unix)
	if err != nil {
		return fmt.Errorf("whose process listens on %s: %w", path, err)
	}
	if !known || trusted(user) {
		return nil
	}
	if owner, known := Owner(filepath.Dir(path)); known && user == owner {
		return nil
	}
	return &StrangerError{path, user}
}

// trusted reports whether a user can do everything that this process can.
func trusted(user int) bool { return user == os.Geteuid() || user == 0 }

// Owner returns the user whom a file belongs to. It is not known where there is no such file, or
// where the system has no such users.
func Owner(path string) (user int, known bool) {
	info, err := os.Stat(path)
	if err != nil {
		return 0, false
	}
	return ownerOf(info)
}
