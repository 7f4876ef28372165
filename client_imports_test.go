package lf_test

import (
	"os"
	"os/exec"
	"regexp"
	"strings"
	"testing"
)

// heavy are packages that a program which only talks to a node must not carry: an HTTP server's
// framework, a peer, a database, and C.
var heavy = regexp.MustCompile(`^(runtime/cgo|github\.com/(danielgtaylor/huma|libp2p|mattn/go-sqlite3|prometheus|spf13)\b.*|` +
	`github\.com/lf-store/lf/(store|sync|internal/apiserver|node/internal/(p2p|service).*|node))$`)

// maxClientPackages bounds what importing the client brings in, the standard library included. They
// were 258 when this was written.
const maxClientPackages = 280

// TestClientIsSmall holds what importing this package brings in, on each system without cgo.
func TestClientIsSmall(t *testing.T) {
	t.Parallel()
	for _, system := range []string{"linux", "darwin", "windows"} {
		list := exec.CommandContext(t.Context(), "go", "list", "-deps", ".", "./pow", "./node/api", "./node/home")
		list.Env = append(os.Environ(), "CGO_ENABLED=0", "GOOS="+system)
		out, err := list.Output()
		if err != nil {
			t.Fatalf("%s: %v", system, err)
		}
		packages := strings.Fields(string(out))
		if len(packages) < 100 || len(packages) > maxClientPackages {
			t.Errorf("%s: %d packages, at most %d are allowed", system, len(packages), maxClientPackages)
		}
		for _, p := range packages {
			if heavy.MatchString(p) {
				t.Errorf("%s: the client imports %s", system, p)
			}
		}
	}
}
