package home

import (
	"fmt"
	"os"
	"reflect"
	"strings"
	"sync"
	"testing"

	"github.com/lf-store/lf/protocol"
)

func written(at uint64, key ...string) WrittenName {
	return WrittenName{Network: protocol.ID{1}, Owner: protocol.Owner{2}, Key: key, At: at}
}

func testNames(t *testing.T) *Names {
	t.Helper()
	h, err := Open(t.TempDir() + "/home")
	if err != nil {
		t.Fatal(err)
	}
	return h.Names()
}

func wantNames(t *testing.T, n *Names, want ...WrittenName) {
	t.Helper()
	got, err := n.List()
	if err != nil || len(got) != len(want) || (len(want) > 0 && !reflect.DeepEqual(got, want)) {
		t.Errorf("%+v, %v; want %+v", got, err, want)
	}
}

func TestNames(t *testing.T) {
	n := testNames(t)
	wantNames(t, n)
	if _, err := os.Stat(n.path + ".lock"); err == nil {
		t.Error("listing made a home")
	}
	a, b, c := written(1, "svc", "web#1"), written(2, "odd\n\"name\x00"), written(3, "svc", "web#1")
	other := c
	other.Owner = protocol.Owner{3}
	other.At = 4
	for _, w := range []WrittenName{a, b, c, other} {
		if err := n.Add(w); err != nil {
			t.Fatal(err)
		}
	}
	wantNames(t, n, other, c, b)
	if info, err := os.Stat(n.Path()); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("mode %v, %v", info.Mode(), err)
	}
	forgotten, err := n.Forget(func(w WrittenName) bool { return w.Key[0] == "svc" })
	if err != nil || forgotten != 2 {
		t.Errorf("%d forgotten, %v", forgotten, err)
	}
	wantNames(t, n, b)
}

// TestNamesTorn holds that a torn line harms no other one, and that a wider mode is mended.
func TestNamesTorn(t *testing.T) {
	n := testNames(t)
	a, b := written(1, "a"), written(2, "b")
	if err := n.Add(a); err != nil {
		t.Fatal(err)
	}
	data, err := os.ReadFile(n.Path())
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(n.Path(), append(data, data[:20]...), 0o644); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(n.Path(), 0o644); err != nil {
		t.Fatal(err)
	}
	if err := n.Add(b); err != nil {
		t.Fatal(err)
	}
	wantNames(t, n, b, a)
	if info, _ := os.Stat(n.Path()); info.Mode().Perm() != 0o600 {
		t.Errorf("mode %v", info.Mode())
	}
}

func TestNamesOff(t *testing.T) {
	n := testNames(t)
	if err := n.Add(written(1, "a")); err != nil {
		t.Fatal(err)
	}
	if err := n.Switch(false); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(n.Path()); err == nil {
		t.Error("the list is still there")
	}
	if err := n.Add(written(2, "b")); err != nil {
		t.Fatal(err)
	}
	wantNames(t, n)
	if off, err := n.Off(); !off || err != nil {
		t.Error(off, err)
	}
	for range 2 {
		if err := n.Switch(true); err != nil {
			t.Fatal(err)
		}
	}
	if err := n.Add(written(3, "c")); err != nil {
		t.Fatal(err)
	}
	wantNames(t, n, written(3, "c"))
}

// TestNamesThinned holds that a key which is written again and again does not fill the disk.
// Nothing is lost while several processes write and one thins out.
func TestNamesThinned(t *testing.T) {
	n := testNames(t)
	var writers sync.WaitGroup
	for w := range 4 {
		writers.Go(func() {
			for i := range 600 {
				if err := n.Add(written(uint64(i+1), fmt.Sprint("writer ", w), fmt.Sprint(i%5))); err != nil {
					t.Error(err)
				}
				if i%100 == 99 {
					if _, err := n.List(); err != nil {
						t.Error(err)
					}
				}
			}
		})
	}
	writers.Wait()
	names, err := n.List()
	if err != nil || len(names) != 20 || names[0].At != 600 || names[19].At != 596 {
		t.Errorf("%d names, %v", len(names), err)
	}
	data, err := os.ReadFile(n.Path())
	if err != nil || strings.Count(string(data), "\n") > minThinned {
		t.Errorf("%d lines, %v", strings.Count(string(data), "\n"), err)
	}
}
