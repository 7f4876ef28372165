package mapped

import (
	"errors"
	"runtime"
	"runtime/debug"
	"unsafe"
)

// Guard runs what touches the file's pieces. It returns a [*BrokenError] where a piece does not
// check out, or where the disk does not give a page. What do was about to change is then half done.
func (f *File) Guard(do func()) (err error) {
	was := debug.SetPanicOnFault(true)
	defer func() {
		debug.SetPanicOnFault(was)
		if r := recover(); r != nil {
			broken := f.brokenBy(r)
			if broken == nil {
				panic(r)
			}
			err = broken
		}
	}()
	do()
	return nil
}

// brokenBy returns what a panic says of the file; nil: nothing.
func (f *File) brokenBy(r any) *BrokenError {
	err, ok := r.(error)
	if !ok {
		return nil
	}
	if broken, ok := errors.AsType[*BrokenError](err); ok {
		return broken
	}
	var fault interface {
		runtime.Error
		Addr() uintptr
	}
	if errors.As(err, &fault) && f.holds(fault.Addr()) {
		return f.broken("the disk does not give a page of it")
	}
	return nil
}

func (f *File) holds(address uintptr) bool {
	f.mu.RLock()
	defer f.mu.RUnlock()
	for _, e := range f.extents {
		if from := uintptr(unsafe.Pointer(unsafe.SliceData(e.mem))); address >= from && address < from+uintptr(len(e.mem)) {
			return true
		}
	}
	return false
}
