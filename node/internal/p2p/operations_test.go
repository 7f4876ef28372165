package p2p

import (
	"fmt"
	"os"
	"strconv"
	"strings"
	"testing"
)

// TestOperationsDocument holds the numbers of docs/operations.md against those that a host goes by.
func TestOperationsDocument(t *testing.T) {
	text, err := os.ReadFile("../../../docs/operations.md")
	if err != nil {
		t.Fatal(err)
	}
	row := func(what string, of func(p Profile) string) string {
		return fmt.Sprintf("| %s | %s | %s | %s |", what, of(ProfileDefault), of(ProfileServer), of(ProfileLocal))
	}
	want := []string{
		row("connections are trimmed to / above", func(p Profile) string { return fmt.Sprintf("%d / %d", p.sizes().low, p.sizes().high) }),
		row("connections, at most", func(p Profile) string { return thousands(p.sizes().conns) }),
		row("of these opened by others", func(p Profile) string { return thousands(p.sizes().inbound) }),
		row("libp2p's buffers: share of the memory", func(p Profile) string { return fmt.Sprintf("1/%d", p.sizes().memoryShare) }),
		row("and never above", func(p Profile) string { return fmt.Sprintf("%d GiB", p.sizes().maxMemory>>30) }),
		row("file descriptors for peers", func(p Profile) string { return thousands(p.sizes().fds) }),
		row("places as a relay, connections of each", func(p Profile) string {
			if h := (&Host{config: Config{Profile: p}}); !h.leavesMachine() {
				return "none"
			}
			return fmt.Sprintf("%d, %d", p.relayResources().MaxReservations, p.relayResources().MaxCircuits)
		}),
		fmt.Sprintf("A peer may have %d streams each\nway", peerStreams()),
		fmt.Sprintf("| %d TCP, %d UDP | peers (QUIC over UDP) |", Port, Port),
		fmt.Sprintf("| %d TCP, %d TCP | peers of a private network (%d: WebSocket)", Port, WebSocketPort, WebSocketPort),
	}
	for _, w := range want {
		if !strings.Contains(string(text), w) {
			t.Errorf("docs/operations.md lacks %q", w)
		}
	}
}

// thousands writes a number of at most six digits as the documents do.
func thousands(n int) string {
	if n < 1000 {
		return strconv.Itoa(n)
	}
	return fmt.Sprintf("%d,%03d", n/1000, n%1000)
}
