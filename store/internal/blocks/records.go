package blocks

import "encoding/binary"

// Records is a block of headers and values. Its columns are as they are stored.
type Records struct {
	// First is the index of the first record.
	First int64
	// Sizes has for each record the size of its header, and that of its value and one more, or 0
	// where it has none.
	Sizes []byte
	// Bytes has for each record its header and its value.
	Bytes []byte

	// count is how many records there are; ends are where header and value of each end.
	count int
	ends  [][2]int
}

// Append adds the next record, whose value may be nil. It reports false, and adds nothing, where
// that does not fit.
func (r *Records) Append(header, value []byte) bool {
	var b [2 * binary.MaxVarintLen64]byte
	sizes := appendSizes(b[:0], header, value)
	count := r.Len()
	if count > 0 && len(r.Sizes)+len(sizes)+len(r.Bytes)+len(header)+len(value) > Size {
		return false
	}
	r.add(sizes, header, value)
	r.count, r.ends = count+1, nil
	return true
}

func (r *Records) add(sizes, header, value []byte) {
	r.Sizes = append(r.Sizes, sizes...)
	r.Bytes = append(append(r.Bytes, header...), value...)
}

func appendSizes(b, header, value []byte) []byte {
	b = binary.AppendUvarint(b, uint64(len(header)))
	if value == nil {
		return binary.AppendUvarint(b, 0)
	}
	return binary.AppendUvarint(b, uint64(len(value)+1))
}

// Len returns how many records a block has.
func (r *Records) Len() int {
	if r.count == 0 && len(r.Sizes) > 0 {
		r.count = len(r.readEnds())
	}
	return r.count
}

// Has reports whether a record is in the block.
func (r *Records) Has(idx int64) bool { return idx >= r.First && idx < r.First+int64(r.Len()) }

// readEnds reads where header and value of each record end. What comes after damage is not there.
func (r *Records) readEnds() [][2]int {
	if r.ends != nil {
		return r.ends
	}
	at := 0
	for rest := r.Sizes; len(rest) > 0; {
		header, n := binary.Uvarint(rest)
		value, m := binary.Uvarint(rest[max(n, 0):])
		left := uint64(len(r.Bytes) - at)
		if n <= 0 || m <= 0 || header > left || value > left-header+1 {
			break
		}
		rest = rest[n+m:]
		at += int(header)
		end := at + int(max(value, 1)-1)
		if value == 0 {
			end = -at - 1
		}
		r.ends = append(r.ends, [2]int{at, end})
		at = max(at, end)
	}
	return r.ends
}

// Row returns the header and the value of a record in the block. They are the block's.
func (r *Records) Row(idx int64) (header, value []byte) {
	ends, i, from := r.readEnds(), int(idx-r.First), 0
	if i > 0 {
		from = max(ends[i-1][0], ends[i-1][1])
	}
	end := ends[i]
	header = r.Bytes[from:end[0]:end[0]]
	if end[1] >= 0 {
		value = r.Bytes[end[0]:end[1]:end[1]]
		if value == nil {
			value = []byte{} // there is one
		}
	}
	return header, value
}

// Set returns the block with another header and value of a record. The block may be larger than a
// full one then. Where a record is after all that can be read, those between are empty.
func (r *Records) Set(idx int64, header, value []byte) *Records {
	made := &Records{First: r.First}
	count := max(int64(r.Len()), idx-r.First+1)
	for i := range count {
		var h, v []byte
		switch {
		case r.First+i == idx:
			h, v = header, value
		case i < int64(r.Len()):
			h, v = r.Row(r.First + i)
		}
		made.add(appendSizes(nil, h, v), h, v)
	}
	return made
}
