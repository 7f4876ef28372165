package lf_test

import (
	"testing"

	"github.com/lf-store/lf"
)

func TestDefaultNetwork(t *testing.T) {
	n, f, err := lf.DefaultNetwork()
	if err != nil {
		t.Fatal(err)
	}
	if got, err := f.Network(); err != nil || got.ID() != n.ID() {
		t.Fatalf("the file's network is %v, %v", got, err)
	}
	if p := n.Params(); p.WorkPerKiB == 0 || p.MinLinks < 2 {
		t.Fatalf("the default network is one for tests: %+v", p)
	}
}
