package main

import (
	"context"
	"io"
	"log/slog"
	"net"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// TestNotify holds that a node tells its service manager when it is up, and when it is about to go.
func TestNotify(t *testing.T) {
	socket := filepath.Join(t.TempDir(), "notify")
	l, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Name: socket, Net: "unixgram"})
	if err != nil {
		t.Skipf("no such sockets here: %v", err)
	}
	defer l.Close()
	t.Setenv("NOTIFY_SOCKET", socket)
	dir := filepath.Join(t.TempDir(), "home")
	ctx, stop := context.WithCancel(t.Context())
	ended := make(chan int, 1)
	go func() {
		ended <- run(ctx, []string{"node", "--dev", "--home", dir, "--quiet"}, nil, io.Discard, io.Discard)
	}()
	defer stop()
	hear := func(want string) {
		t.Helper()
		message := make([]byte, 100)
		if err := l.SetReadDeadline(time.Now().Add(readyWithin)); err != nil {
			t.Fatal(err)
		}
		n, err := l.Read(message)
		if got := string(message[:n]); err != nil || got != want {
			t.Fatalf("heard %q, %v, want %q", got, err, want)
		}
	}
	hear("READY=1")
	if _, _, err := awaitNode(dir); err != nil {
		t.Errorf("the node said that it is ready, and does not answer: %v", err)
	}
	stop()
	hear("STOPPING=1")
	if code := <-ended; code != 0 {
		t.Errorf("exit code %d", code)
	}
}

// TestNotifyNobody holds that a node runs where the service manager's socket is gone.
func TestNotifyNobody(t *testing.T) {
	t.Setenv("NOTIFY_SOCKET", filepath.Join(t.TempDir(), "gone"))
	var log strings.Builder
	notify(slog.New(slog.NewTextHandler(&log, nil)), "READY=1")
	if !strings.Contains(log.String(), "READY=1") {
		t.Errorf("logged %q", log.String())
	}
}
