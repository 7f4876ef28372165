package mapped

import (
	"encoding/binary"
	"errors"
	"io/fs"
	"os"

	"github.com/cespare/xxhash/v2"
)

const (
	nextSuffix  = ".next"
	probeSuffix = "-probe"
)

// state is what the second file says. Spans are what the checkpoint changed of old
// pieces: they belong into the first file.
type state struct {
	stamp  Stamp
	end    int64
	page   int
	pieces []piece
	meta   []byte
	spans  []span
}

// A state begins with magic and ends with the hash of all before. Numbers are little-endian.
const magic = "LF derived data 1\n"

// probe is written as the machine has numbers, and so tells machines of another byte order.
const probe uint32 = 0x01020304

func (s *state) header(layout string) []byte {
	b := append([]byte(magic), byte(len(layout)))
	b = append(b, layout...)
	b = binary.NativeEndian.AppendUint32(b, probe)
	b = append(b, s.stamp.Token[:]...)
	b = binary.LittleEndian.AppendUint64(b, s.stamp.Index)
	b = binary.LittleEndian.AppendUint32(b, uint32(s.page))
	b = binary.LittleEndian.AppendUint64(b, uint64(s.end))
	b = binary.LittleEndian.AppendUint32(b, uint32(len(s.pieces)))
	for _, p := range s.pieces {
		b = binary.LittleEndian.AppendUint64(b, uint64(p.At))
		b = binary.LittleEndian.AppendUint32(b, p.Size)
		b = binary.LittleEndian.AppendUint64(b, p.Sum)
	}
	b = binary.LittleEndian.AppendUint64(b, uint64(len(s.meta)))
	b = append(b, s.meta...)
	return binary.LittleEndian.AppendUint32(b, uint32(len(s.spans)))
}

// readState reads a state and says why it cannot be used.
func readState(c Config) (*state, error) {
	all, err := os.ReadFile(c.statePath())
	if errors.Is(err, fs.ErrNotExist) {
		return nil, ErrNone
	}
	if err != nil {
		return nil, c.broken("%v", err)
	}
	if len(all) < 8 || xxhash.Sum64(all[:len(all)-8]) != binary.LittleEndian.Uint64(all[len(all)-8:]) {
		return nil, c.broken("its state is damaged")
	}
	r := &reader{rest: all[:len(all)-8]}
	if string(r.take(len(magic))) != magic || string(r.take(r.byte())) != c.Layout {
		return nil, c.broken("another version wrote it")
	}
	if binary.NativeEndian.Uint32(r.take(4)) != probe {
		return nil, c.broken("a machine of another byte order wrote it")
	}
	s := new(state)
	copy(s.stamp.Token[:], r.take(len(s.stamp.Token)))
	s.stamp.Index = r.long()
	s.page, s.end = int(r.word()), int64(r.long())
	if n := int(r.word()); n <= len(r.rest)/20 {
		s.pieces = make([]piece, n)
	}
	for i := range s.pieces {
		s.pieces[i] = piece{At: int64(r.long()), Size: r.word(), Sum: r.long()}
	}
	s.meta = r.take(int(min(r.long(), uint64(len(r.rest)))))
	for range int(r.word()) {
		if r.bad {
			break
		}
		s.spans = append(s.spans, span{int64(r.long()), r.take(int(r.word()))})
	}
	if r.bad || len(r.rest) > 0 || !s.isSound() {
		return nil, c.broken("its state says what cannot be")
	}
	return s, nil
}

// isSound reports whether the pieces lie one after the other, and the spans in them.
func (s *state) isSound() bool {
	at := int64(0)
	for _, p := range s.pieces {
		if p.At != at || s.page <= 0 || int64(p.Size)%int64(s.page) != 0 {
			return false
		}
		at += int64(p.Size)
	}
	for _, p := range s.spans {
		if p.at < 0 || p.at > s.end-int64(len(p.mem)) || p.at%int64(s.page) != 0 {
			return false
		}
	}
	return at == s.end
}

// reader takes a state apart. Past its end it returns zeros, and bad.
type reader struct {
	rest []byte
	bad  bool
}

func (r *reader) take(n int) []byte {
	if n < 0 || n > len(r.rest) {
		r.bad, r.rest = true, nil
		return make([]byte, max(0, min(n, 16)))
	}
	b := r.rest[:n]
	r.rest = r.rest[n:]
	return b
}

func (r *reader) byte() int    { return int(r.take(1)[0]) }
func (r *reader) word() uint32 { return binary.LittleEndian.Uint32(r.take(4)) }
func (r *reader) long() uint64 { return binary.LittleEndian.Uint64(r.take(8)) }

// Open opens a file as it was at its last checkpoint, if known says that the database remembers it.
// It returns what the owner gave to that checkpoint. The error is [ErrNone] or a [*BrokenError].
func Open(c Config, known func(Stamp) bool) (*File, Stamp, []byte, error) {
	s, err := readState(c)
	if err != nil {
		return nil, Stamp{}, nil, err
	}
	if !known(s.stamp) {
		return nil, s.stamp, nil, c.broken("it is of another moment than the database, or of another database")
	}
	f := &File{Config: c, pieces: s.pieces, checked: make([]uint32, len(s.pieces)), end: s.end, saved: s.end}
	if err := f.open(0); err != nil {
		return nil, s.stamp, nil, c.broken("%v", err)
	}
	if err := f.load(s); err != nil {
		err = errors.Join(err, f.data.Close())
		return nil, s.stamp, nil, c.broken("%v", err)
	}
	return f, s.stamp, s.meta, nil
}

// load copies the spans of the state to their places, in case the checkpoint did not come to that,
// and maps the file.
func (f *File) load(s *state) error {
	if s.page != f.memory.page() {
		return f.broken("a machine with other pages wrote it")
	}
	info, err := f.data.Stat()
	if err != nil {
		return err
	}
	if info.Size() < s.end {
		return f.broken("it ends too early")
	}
	for _, p := range s.spans {
		if f.ReadOnly {
			break
		}
		if _, err := f.data.WriteAt(p.mem, p.at); err != nil {
			return err
		}
	}
	if s.end == 0 {
		return nil
	}
	mem, err := f.memory.private(f.data, 0, int(s.end))
	if err != nil {
		return err
	}
	f.extents = []extent{{0, mem}}
	if f.ReadOnly {
		for _, p := range s.spans {
			copy(mem[p.at:], p.mem)
		}
	}
	return nil
}
