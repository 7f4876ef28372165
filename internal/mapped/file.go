package mapped

import (
	"errors"
	"fmt"
	"os"
	"runtime"
	"sort"
	"sync"
	"sync/atomic"

	"github.com/cespare/xxhash/v2"
)

// File is a row of pieces, in a file. One goroutine at a time may change its pieces, add some, or
// make a checkpoint, while any number read.
type File struct {
	Config
	data     *os.File
	memory   memory
	building bool // the extents are shared memory

	// guards what follows against readers that touch a piece for the first time; only who may
	// change the file changes it
	mu      sync.RWMutex
	extents []extent // in the order of their offsets
	pieces  []piece
	end     int64 // where the last piece ends
	// saved is up to where the extents are private memory of the file, as of the last checkpoint.
	saved int64
	// anonymous is the least that memory.anonymous said since the last checkpoint.
	anonymous int64
	// checked has 1 for each piece that was compared with its hash, or is new.
	checked []uint32
}

// extent is memory for the file's bytes from an offset on. The next extent may begin before its
// end: then that part of it is not used.
type extent struct {
	at  int64
	mem []byte
}

// piece is where a piece is, and what it hashed to at the last checkpoint.
type piece struct {
	At   int64
	Size uint32
	Sum  uint64
}

// Memory is got from the kernel in extents of this size; built files, which are larger, in larger
// ones.
const (
	freshExtent = 4 << 20
	builtExtent = 16 << 20
)

// Create begins to build a file, in place of one that may be there. Its first checkpoint ends that.
func Create(c Config) (*File, error) {
	if err := c.Remove(); err != nil {
		return nil, err
	}
	f := &File{Config: c, building: true}
	if err := f.open(os.O_CREATE | os.O_EXCL); err != nil {
		return nil, err
	}
	return f, nil
}

// Scratch makes a file that is gone when nothing refers to it any more. It is not for checkpoints.
func Scratch(c Config) (*File, error) {
	f, err := Create(c)
	if err != nil {
		return nil, err
	}
	if err := c.Remove(); err != nil {
		return nil, errors.Join(err, f.Close())
	}
	return f, nil
}

// Remove removes a file and its state, if they are there. A mapping of the file stays as it is.
func (c Config) Remove() error {
	for _, path := range []string{c.statePath(), c.Path, c.statePath() + nextSuffix, c.Path + probeSuffix} {
		if err := os.Remove(path); err != nil && !os.IsNotExist(err) {
			return fmt.Errorf("remove a derived file: %w", err)
		}
	}
	return nil
}

// open opens the file with the pieces. What the process maps is unmapped when nothing refers to the
// File any more, since values may be in use after Close.
func (f *File) open(flags int) (err error) {
	access := os.O_RDWR
	if f.ReadOnly {
		access = os.O_RDONLY
	}
	if f.data, err = os.OpenFile(f.Path, access|flags, 0o600); err != nil {
		return fmt.Errorf("open a derived file: %w", err)
	}
	switch {
	case f.Heap:
		f.memory = heapMemory{}
	case f.ReadOnly:
		f.memory = newReadMemory()
	default:
		f.memory = newMemory(f.data)
	}
	f.anonymous = f.memory.anonymous()
	runtime.SetFinalizer(f, (*File).unmap)
	return nil
}

func (f *File) unmap() {
	for _, e := range f.extents {
		f.memory.release(e.mem)
	}
	f.memory.close()
}

// Close closes the file, as it was at the last checkpoint. The pieces can still be read, and no
// checkpoint can be made any more.
func (f *File) Close() error {
	if err := f.data.Close(); err != nil {
		return fmt.Errorf("close a derived file: %w", err)
	}
	return nil
}

// Stamped reports whether the file has a state: it was opened, or a checkpoint was made.
func (f *File) Stamped() bool { return !f.building }

// Size is what the file takes on the disk, without its state.
func (f *File) Size() int64 { return f.end }

// grow adds a piece of zeros and returns its number. An error says that there is no room.
func (f *File) grow(size int) (uint32, []byte, error) {
	page := f.memory.page()
	size = (size + page - 1) / page * page
	last := len(f.extents) - 1
	if last < 0 || f.end+int64(size) > f.extents[last].at+int64(len(f.extents[last].mem)) {
		if err := f.extend(size); err != nil {
			return 0, nil, err
		}
		last++
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	at := f.end
	f.end += int64(size)
	f.pieces = append(f.pieces, piece{At: at, Size: uint32(size)})
	f.checked = append(f.checked, 1)
	e := f.extents[last]
	return uint32(len(f.pieces) - 1), e.mem[at-e.at:][:size:size], nil
}

func (f *File) extend(size int) (err error) {
	e := extent{at: f.end}
	if f.building {
		e.mem, err = f.memory.shared(f.data, e.at, max(size, builtExtent))
	} else {
		e.mem, err = f.memory.fresh(max(size, freshExtent))
	}
	if err != nil {
		return fmt.Errorf("more memory for derived data: %w", err)
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	f.extents = append(f.extents, e)
	return nil
}

// bytes is the memory of a piece.
func (f *File) bytes(p piece) []byte {
	i := sort.Search(len(f.extents), func(i int) bool { return f.extents[i].at > p.At }) - 1
	return f.extents[i].mem[p.At-f.extents[i].at:][:p.Size:p.Size]
}

// firstFrom is the number of the first piece that begins at an offset or after it.
func (f *File) firstFrom(at int64) int {
	return sort.Search(len(f.pieces), func(n int) bool { return f.pieces[n].At >= at })
}

// piece returns the memory of a piece after it has compared it with its hash. It panics with a
// [*BrokenError]; see [File.Guard].
func (f *File) piece(n uint32) []byte {
	f.mu.RLock()
	defer f.mu.RUnlock()
	p := f.pieces[n]
	mem := f.bytes(p)
	if xxhash.Sum64(mem) != p.Sum {
		panic(f.broken("piece %d, from byte %d on, is damaged", n, p.At))
	}
	atomic.StoreUint32(&f.checked[n], 1)
	return mem
}

// Verify compares all pieces with their hashes.
func (f *File) Verify() error {
	return f.Guard(func() {
		for n := range f.pieces {
			f.piece(uint32(n))
		}
	})
}
