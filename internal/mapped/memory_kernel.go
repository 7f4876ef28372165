//go:build linux && !race

package mapped

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"os"
	"unsafe"

	"golang.org/x/sys/unix"
)

// kernelMemory maps the file. Pagemap has eight bytes for each page of the process.
type kernelMemory struct{ pagemap *os.File }

// newMemory returns what the kernel offers here, after it has shown on a page of the file that it
// does as described. Otherwise it is heap memory.
func newMemory(f *os.File) memory {
	k, err := newKernelMemory(f)
	if err != nil {
		return heapMemory{}
	}
	return k
}

// newReadMemory is for a file without checkpoints: nobody asks which pages have changed.
func newReadMemory() memory { return new(kernelMemory) }

func newKernelMemory(f *os.File) (k *kernelMemory, err error) {
	k = new(kernelMemory)
	if k.pagemap, err = os.Open("/proc/self/pagemap"); err != nil {
		return nil, err
	}
	defer func() {
		if err != nil {
			k.pagemap.Close()
		}
	}()
	return k, k.try(f)
}

var errKernel = errors.New("the kernel does not tell which pages of a private mapping have changed")

// try changes one of two pages of a private mapping, gives it back, and looks what the kernel says.
// It does so beside the file: another file system may not be mapped in the same way.
func (k *kernelMemory) try(f *os.File) error {
	probe, err := os.OpenFile(f.Name()+"-probe", os.O_CREATE|os.O_RDWR|os.O_TRUNC, 0o600)
	if err != nil {
		return err
	}
	defer os.Remove(probe.Name())
	defer probe.Close()
	page := k.page()
	if _, err := probe.WriteAt(make([]byte, 2*page), 0); err != nil {
		return err
	}
	mem, err := k.private(probe, 0, 2*page)
	if err != nil {
		return err
	}
	defer k.release(mem)
	mem[page] = mem[0] + 1
	touched, err := k.touched(mem)
	if err != nil || touched[0] || !touched[1] {
		return errors.Join(err, errKernel)
	}
	if err := k.drop(mem[page:]); err != nil || mem[page] != 0 {
		return errors.Join(err, errKernel)
	}
	return nil
}

func (*kernelMemory) page() int { return os.Getpagesize() }

func mapping(fd int, at int64, size, flags int) ([]byte, error) {
	p, err := unix.MmapPtr(fd, at, nil, uintptr(size), unix.PROT_READ|unix.PROT_WRITE, flags)
	if err != nil {
		return nil, fmt.Errorf("map memory: %w", err)
	}
	return unsafe.Slice((*byte)(p), size), nil
}

func (*kernelMemory) fresh(size int) ([]byte, error) {
	return mapping(-1, 0, size, unix.MAP_PRIVATE|unix.MAP_ANON)
}

// shared takes the space from the disk first: a page that there is no room for would be a fault
// later.
func (*kernelMemory) shared(f *os.File, at int64, size int) ([]byte, error) {
	err := unix.Fallocate(int(f.Fd()), 0, at, int64(size))
	if errors.Is(err, unix.EOPNOTSUPP) || errors.Is(err, unix.ENOSYS) {
		_, err = io.Copy(io.NewOffsetWriter(f, at), io.LimitReader(zeros{}, int64(size)))
	}
	if err != nil {
		return nil, &os.PathError{Op: "allocate", Path: f.Name(), Err: err}
	}
	return mapping(int(f.Fd()), at, size, unix.MAP_SHARED)
}

type zeros struct{}

func (zeros) Read(p []byte) (int, error) {
	clear(p)
	return len(p), nil
}

// flush leaves it to the sync of the file.
func (*kernelMemory) flush([]byte, *os.File, int64) error { return nil }

func (*kernelMemory) private(f *os.File, at int64, size int) ([]byte, error) {
	return mapping(int(f.Fd()), at, size, unix.MAP_PRIVATE)
}

// settle relies on the kernel to replace a mapping at once: a reader sees the old or the new page.
func (*kernelMemory) settle(mem []byte, f *os.File, at int64) error {
	_, err := unix.MmapPtr(int(f.Fd()), at, unsafe.Pointer(unsafe.SliceData(mem)), uintptr(len(mem)),
		unix.PROT_READ|unix.PROT_WRITE, unix.MAP_PRIVATE|unix.MAP_FIXED)
	return err
}

// What the kernel's Documentation/admin-guide/mm/pagemap.rst says of an entry: whether the page is
// in memory or swapped out, and whether it is a file's.
const (
	pagePresent = 1 << 63
	pageSwapped = 1 << 62
	pageOfFile  = 1 << 61
)

func (k *kernelMemory) touched(mem []byte) ([]bool, error) {
	page := k.page()
	touched := make([]bool, len(mem)/page)
	var entries [8 * 4096]byte
	first := int64(uintptr(unsafe.Pointer(unsafe.SliceData(mem)))) / int64(page)
	for done := 0; done < len(touched); {
		part := entries[:8*min(len(entries)/8, len(touched)-done)]
		if _, err := k.pagemap.ReadAt(part, 8*(first+int64(done))); err != nil {
			return nil, fmt.Errorf("ask which pages have changed: %w", err)
		}
		for ; len(part) > 0; part = part[8:] {
			e := binary.NativeEndian.Uint64(part)
			touched[done] = e&(pagePresent|pageSwapped) != 0 && e&pageOfFile == 0
			done++
		}
	}
	return touched, nil
}

// anonymous reads statm, of which the second number is the pages in memory and the third those of
// files.
func (k *kernelMemory) anonymous() int64 {
	b, err := os.ReadFile("/proc/self/statm")
	if err != nil {
		return 0
	}
	var size, resident, shared int64
	if _, err := fmt.Sscan(string(b), &size, &resident, &shared); err != nil {
		return 0
	}
	return (resident - shared) * int64(k.page())
}

func (*kernelMemory) drop(mem []byte) error { return unix.Madvise(mem, unix.MADV_DONTNEED) }

func (*kernelMemory) release(mem []byte) {
	_ = unix.MunmapPtr(unsafe.Pointer(unsafe.SliceData(mem)), uintptr(len(mem)))
}

func (k *kernelMemory) close() {
	if k.pagemap != nil {
		k.pagemap.Close()
	}
}
