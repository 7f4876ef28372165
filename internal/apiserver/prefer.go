package apiserver

import (
	"net/http"
	"strconv"
	"strings"
	"time"
)

const (
	// briefWait is how long a client that wants to be answered later waits all the same. Mistakes
	// in a request, and what takes no work, are answered at once.
	briefWait = 100 * time.Millisecond
	maxWait   = time.Minute
)

// preference is what a request's Prefer header says (RFC 7240).
type preference struct {
	async bool          // answer later if this takes long
	wait  time.Duration // how long that is
}

// preferences reads the Prefer header. What is not understood is ignored, as the RFC wants it.
func preferences(h http.Header) preference {
	p := preference{wait: briefWait}
	for _, line := range h.Values("Prefer") {
		for one := range strings.SplitSeq(line, ",") {
			one, _, _ = strings.Cut(one, ";")
			name, value, _ := strings.Cut(strings.TrimSpace(one), "=")
			switch strings.ToLower(strings.TrimSpace(name)) {
			case "respond-async":
				p.async = true
			case "wait":
				if seconds, err := strconv.ParseUint(strings.Trim(strings.TrimSpace(value), `"`), 10, 32); err == nil {
					p.wait = min(time.Duration(seconds)*time.Second, maxWait)
				}
			}
		}
	}
	return p
}
