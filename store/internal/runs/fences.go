package runs

import (
	"bytes"
	"encoding/binary"
	"sort"
)

// fences say where each chunk of a run begins. Each is a beginning of the chunk's first row that is
// after the last row of the chunk before. The first fence is empty.
type fences struct {
	bytes []byte
	ends  []uint32
}

func (f *fences) add(fence []byte) {
	f.bytes = append(f.bytes, fence...)
	f.ends = append(f.ends, uint32(len(f.bytes)))
}

func (f *fences) len() int { return len(f.ends) }

func (f *fences) at(n int) []byte {
	from := uint32(0)
	if n > 0 {
		from = f.ends[n-1]
	}
	return f.bytes[from:f.ends[n]:f.ends[n]]
}

// find returns the chunk in which a row is, if it is there.
func (f *fences) find(row []byte) int {
	return max(sort.Search(len(f.ends), func(n int) bool { return bytes.Compare(f.at(n), row) > 0 })-1, 0)
}

// has reports whether a chunk is the one in which a row belongs.
func (f *fences) has(n int, row []byte) bool {
	return bytes.Compare(f.at(n), row) <= 0 && (n+1 == f.len() || bytes.Compare(row, f.at(n+1)) < 0)
}

// appendTo writes the fences, each after its size.
func (f *fences) appendTo(b []byte) []byte {
	for n := range f.ends {
		b = binary.AppendUvarint(b, uint64(len(f.at(n))))
		b = append(b, f.at(n)...)
	}
	return b
}

// read reads what appendTo wrote, and reports whether these are the fences of that number of
// chunks.
func (f *fences) read(b []byte, chunks int) bool {
	for range chunks {
		size, n := binary.Uvarint(b)
		if n <= 0 || size > uint64(len(b)-n) {
			return false
		}
		f.add(b[n : n+int(size)])
		b = b[n+int(size):]
	}
	return len(b) == 0
}
