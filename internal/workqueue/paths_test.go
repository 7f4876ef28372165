package workqueue

import (
	"bytes"
	"log/slog"
	"strings"
	"testing"

	"github.com/lf-store/lf/pow"
)

// TestLogPaths: the log names a way to hash that is wrong on this machine. Of the others it says
// nothing to a user.
func TestLogPaths(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	log := slog.New(slog.NewTextHandler(&out, nil))
	paths := []pow.Path{{Name: "avx512", Wrong: true}, {Name: "avx2", Chosen: true}, {Name: "scalar"}}
	logPaths(log, paths[1:])
	if out.Len() > 0 {
		t.Errorf("of nothing wrong: %s", &out)
	}
	logPaths(log, paths)
	if s := out.String(); strings.Count(s, "\n") != 1 || !strings.Contains(s, "level=ERROR") || !strings.Contains(s, "path=avx512") {
		t.Errorf("logged: %s", s)
	}
	logPaths(nil, paths)
}
