package doctor

import (
	"fmt"
	"slices"
	"strings"
	"time"
)

func duration(ms uint64) time.Duration {
	return time.Duration(min(ms, 1<<43)) * time.Millisecond // below 300 years
}

// since is how long ago a time was.
func (f *facts) since(ms uint64) time.Duration { return duration(f.Now - min(ms, f.Now)) }

// until is how long it is until a time.
func (f *facts) until(ms uint64) time.Duration { return duration(ms - min(ms, f.Now)) }

// roughly is a duration in one unit.
func roughly(d time.Duration) string {
	switch {
	case d < time.Second:
		return fmt.Sprintf("%d ms", d.Milliseconds())
	case d < 100*time.Second:
		return fmt.Sprintf("%d s", (d+time.Second/2)/time.Second)
	case d < 100*time.Minute:
		return fmt.Sprintf("%d min", (d+time.Minute/2)/time.Minute)
	case d < 72*time.Hour:
		return fmt.Sprintf("%d h", (d+time.Hour/2)/time.Hour)
	}
	return fmt.Sprintf("%d days", (d+12*time.Hour)/(24*time.Hour))
}

// counted is a number of things in words.
func counted(n int, one, many string) string {
	if n == 1 {
		many = one
	}
	return fmt.Sprintf("%d %s", n, many)
}

func peersText(n int) string { return counted(n, "peer", "peers") }

// short is enough of a peer ID to tell a few apart; they all begin alike.
func short(id string) string { return "…" + id[max(len(id)-8, 0):] }

// sizeText is a number of bytes for people.
func sizeText(bytes uint64) string {
	switch {
	case bytes < 1<<20:
		return fmt.Sprintf("%.1f KiB", float64(bytes)/(1<<10))
	case bytes < 1<<30:
		return fmt.Sprintf("%.1f MiB", float64(bytes)/(1<<20))
	}
	return fmt.Sprintf("%.1f GiB", float64(bytes)/(1<<30))
}

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
	return joined(list)
}

// portOf returns the port of a transport in a multiaddr.
func portOf(address, transport string) (string, bool) {
	_, behind, found := strings.Cut(address, "/"+transport+"/")
	port, _, _ := strings.Cut(behind, "/")
	return port, found
}

// joined writes a list as a sentence does.
func joined(list []string) string {
	if n := len(list); n > 1 {
		return strings.Join(list[:n-1], ", ") + " and " + list[n-1]
	}
	return strings.Join(list, "")
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
	return joined(list)
}
