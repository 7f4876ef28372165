package main

import (
	"errors"
	"log/slog"
	"net"
	"os"
	"strings"
)

// notify tells the service manager that started this process how it is, if one wants to know. That
// is systemd, or podman with --sdnotify=container (sd_notify(3)). A node that cannot tell runs all
// the same.
func notify(log *slog.Logger, state string) {
	path := os.Getenv("NOTIFY_SOCKET")
	if path == "" {
		return
	}
	if name, abstract := strings.CutPrefix(path, "@"); abstract {
		path = "\x00" + name
	}
	conn, err := net.DialUnix("unixgram", nil, &net.UnixAddr{Name: path, Net: "unixgram"})
	if err == nil {
		_, err = conn.Write([]byte(state))
		err = errors.Join(err, conn.Close())
	}
	if err != nil {
		log.Warn("the service manager could not be told", "state", state, "error", err)
	}
}
