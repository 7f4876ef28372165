package mapped

import (
	"fmt"
	"io"
	"os"
)

// memory is how the bytes of a file come into the process. What it returns is zero, or what is in
// the file. Sizes and offsets are multiples of page.
type memory interface {
	page() int
	// fresh is memory without a file.
	fresh(size int) ([]byte, error)
	// shared is memory whose changes reach the file at flush at the latest.
	shared(f *os.File, at int64, size int) ([]byte, error)
	flush(mem []byte, f *os.File, at int64) error
	// private is memory whose changes do not reach the file.
	private(f *os.File, at int64, size int) ([]byte, error)
	// settle puts a private mapping of the file in place of memory that has the same bytes.
	settle(mem []byte, f *os.File, at int64) error
	// touched reports for each page of private memory whether it may differ from the file; nil:
	// each may.
	touched(mem []byte) ([]bool, error)
	// anonymous is how much memory the process has beside files, roughly; 0 where nobody tells.
	anonymous() int64
	// drop gives back the pages of private memory that are the same in the file by now.
	drop(mem []byte) error
	release(mem []byte)
	close()
}

// heapMemory is memory on the heap.
type heapMemory struct{}

func (heapMemory) page() int                      { return 4096 }
func (heapMemory) fresh(size int) ([]byte, error) { return make([]byte, size), nil }
func (heapMemory) shared(_ *os.File, _ int64, size int) ([]byte, error) {
	return make([]byte, size), nil
}

func (heapMemory) flush(mem []byte, f *os.File, at int64) error {
	_, err := f.WriteAt(mem, at)
	return err
}

func (heapMemory) private(f *os.File, at int64, size int) ([]byte, error) {
	mem := make([]byte, size)
	if _, err := io.ReadFull(io.NewSectionReader(f, at, int64(size)), mem); err != nil {
		return nil, fmt.Errorf("read the pieces: %w", err)
	}
	return mem, nil
}

func (heapMemory) settle([]byte, *os.File, int64) error { return nil }
func (heapMemory) touched([]byte) ([]bool, error)       { return nil, nil }
func (heapMemory) anonymous() int64                     { return 0 }
func (heapMemory) drop([]byte) error                    { return nil }
func (heapMemory) release([]byte)                       {}
func (heapMemory) close()                               {}
