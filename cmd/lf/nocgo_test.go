package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"testing"
)

// TestWithoutCgo builds a program with package lf and without cgo. It writes on a network that asks
// for work, which its node does.
func TestWithoutCgo(t *testing.T) {
	t.Parallel()
	s := newShell(t)
	build := exec.CommandContext(t.Context(), "go", "build", "-o", filepath.Join(s.dir, "bin", "nocgo"), "./testdata/nocgo")
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	for _, e := range []example{
		{1, "lf network new -o n.lfnet --name nocgo --work-per-kib 16 --names-memory 64", []string{"lf: wrote network …"}},
		{2, "export LF_HOME=a", nil},
		{3, "lf node --network n.lfnet --profile local --listen /ip4/127.0.0.1/tcp/0 --api-listen 127.0.0.1:0 &", nil},
		{4, "lf owner new me", []string{"12D3KooW…"}},
	} {
		s.try(t, e)
	}
	if got := s.run(t, "nocgo"); !slices.Equal(got, []string{"worked elsewhere"}) {
		t.Errorf("it writes %q", got)
	}
}
