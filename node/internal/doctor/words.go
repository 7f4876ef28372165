package doctor

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/lf-store/lf/internal/text"
)

func duration(ms uint64) time.Duration {
	return time.Duration(min(ms, 1<<43)) * time.Millisecond // below 300 years
}

// since is how long ago a time was.
func (f *facts) since(ms uint64) time.Duration { return duration(f.Now - min(ms, f.Now)) }

// until is how long it is until a time.
func (f *facts) until(ms uint64) time.Duration { return duration(ms - min(ms, f.Now)) }

func peersText(n int) string { return text.Count(n, "peer", "peers") }

// short is enough of a peer ID to tell a few apart; they all begin alike.
func short(id string) string { return "…" + id[max(len(id)-8, 0):] }

// ports names what others must get through to: "TCP port 9908 and UDP port 9908".
func (f *facts) ports() string {
	var list []string
	for _, transport := range []string{"tcp", "udp"} {
		for _, address := range f.Listening {
			if port, found := portOf(address, transport); found {
				text := strings.ToUpper(transport) + " port " + port
				if !slices.Contains(list, text) {
					list = append(list, text)
				}
			}
		}
	}
	if len(list) == 0 {
		return "a port to listen on (lf node --listen)"
	}
	return text.List(list)
}

// portOf returns the port of a transport in a multiaddr.
func portOf(address, transport string) (string, bool) {
	_, behind, found := strings.Cut(address, "/"+transport+"/")
	port, _, _ := strings.Cut(behind, "/")
	return port, found
}

// shorts names some of many peers.
func shorts(ids []string) string {
	const most = 3
	var list []string
	for _, id := range ids[:min(len(ids), most)] {
		list = append(list, short(id))
	}
	if n := len(ids) - most; n > 0 {
		list = append(list, fmt.Sprintf("%d more", n))
	}
	return text.List(list)
}
