package main

import (
	"net"
	"strings"
	"testing"
)

// TestHangingNode asks for the status of a node that takes connections and says nothing. The
// command ends after --timeout, and not after a second wait of the same length.
func TestHangingNode(t *testing.T) {
	t.Parallel()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	calls := make(chan net.Conn, 64)
	go func() {
		defer close(calls)
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			calls <- c
		}
	}()
	o := lfRun(t, "", "--api", "http://"+l.Addr().String(), "--timeout", "200ms", "status")
	if err := l.Close(); err != nil {
		t.Error(err)
	}
	asked := 0
	for c := range calls {
		asked++
		_ = c.Close()
	}
	if o.code != exitFailed || !strings.Contains(o.stderr, "within 200ms") || asked != 1 {
		t.Errorf("code %d, %q, %d calls", o.code, o.stderr, asked)
	}
}
