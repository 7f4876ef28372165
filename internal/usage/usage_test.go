//go:build unix

package usage

import (
	"errors"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"testing"
	"time"
)

// TestSelf: what a process has just done is in its figures.
func TestSelf(t *testing.T) {
	before, err := Self()
	if errors.Is(err, errors.ErrUnsupported) && runtime.GOOS != "linux" {
		t.Skip(err)
	}
	if err != nil {
		t.Fatal(err)
	}
	path, block := filepath.Join(t.TempDir(), "file"), make([]byte, 1<<20)
	if err := os.WriteFile(path, block, 0o600); err != nil {
		t.Fatal(err)
	}
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if _, err := io.ReadFull(f, block); err != nil {
		t.Fatal(err)
	}
	for began := time.Now(); time.Since(began) < 30*time.Millisecond; { // work
	}
	after, err := Self()
	if err != nil {
		t.Fatal(err)
	}
	if u := after.Sub(before); u.Written < 1<<20 || u.Read < 1<<20 || u.Written > 2<<20 || u.Processor <= 0 {
		t.Errorf("used %+v for a MiB written and read", u)
	}
	other, err := Of(os.Getpid())
	if d := other.Processor - after.Processor; err != nil || d < -time.Second || d > time.Second || other.Written < after.Written {
		t.Errorf("this process used %+v, and seen as another one %+v, %v", after, other, err)
	}
}

func TestMemory(t *testing.T) {
	m, err := MemoryOf(os.Getpid())
	if errors.Is(err, errors.ErrUnsupported) && runtime.GOOS != "linux" {
		t.Skip(err)
	}
	if err != nil || m.Anonymous == 0 || m.Resident < m.Anonymous {
		t.Errorf("%+v, %v", m, err)
	}
	if _, err := MemoryOf(-1); !errors.Is(err, errors.ErrUnsupported) {
		t.Errorf("memory of no process: %v", err)
	}
}
