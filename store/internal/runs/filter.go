package runs

import "encoding/binary"

// filter says which keys a run certainly does not have. It is a Bloom filter of blocks: a look-up
// touches one line of the processor's cache.
type filter struct{ words []uint64 }

const (
	filterBits  = 10 // an entry: one key in a hundred that is not there seems to be
	blockWords  = 8
	filterTests = 6
	// filterPiece is how many words of a filter are kept in one row, which fills a page.
	filterPiece = 504
)

func newFilter(entries int) *filter {
	blocks := max((entries*filterBits+64*blockWords-1)/(64*blockWords), 1)
	return &filter{make([]uint64, blocks*blockWords)}
}

// mix spreads the bits of a key, of which the lowest may be 0.
func mix(key uint64) uint64 {
	key *= 0x9e3779b97f4a7c15
	key ^= key >> 32
	return key * 0xd6e8feb86659fd93
}

// block returns the block of a key, and the bits that choose in it.
func (f *filter) block(key uint64) (words []uint64, bits uint64) {
	h := mix(key)
	blocks := uint64(len(f.words) / blockWords)
	at := (h >> 32) * blocks >> 32 * blockWords
	return f.words[at : at+blockWords], mix(h)
}

func (f *filter) add(key uint64) {
	words, bits := f.block(key)
	for range filterTests {
		words[bits>>6&7] |= 1 << (bits & 63)
		bits >>= 9
	}
}

func (f *filter) has(key uint64) bool {
	words, bits := f.block(key)
	for range filterTests {
		if words[bits>>6&7]>>(bits&63)&1 == 0 {
			return false
		}
		bits >>= 9
	}
	return true
}

// pieces calls put with the filter's words, a row at a time.
func (f *filter) pieces(run int, put func(n int, piece []byte) error) error {
	for n := 0; n*filterPiece < len(f.words); n++ {
		piece := make([]byte, 4, 4+8*filterPiece)
		for _, w := range f.words[n*filterPiece : min((n+1)*filterPiece, len(f.words))] {
			piece = binary.LittleEndian.AppendUint64(piece, w)
		}
		seal(pieceAt(run, n), piece)
		if err := put(n, piece); err != nil {
			return err
		}
	}
	return nil
}

// pieceAt is where a piece is.
func pieceAt(run, n int) int64 { return int64(run)<<32 | int64(n) }

// readPiece takes in a piece, and reports whether it is what was written.
func (f *filter) readPiece(run, n int, piece []byte) bool {
	from := n * filterPiece
	if n < 0 || from >= len(f.words) || len(piece) != 4+8*min(filterPiece, len(f.words)-from) ||
		!isSound(pieceAt(run, n), piece) {
		return false
	}
	for b := piece[4:]; len(b) > 0; b = b[8:] {
		f.words[from] = binary.LittleEndian.Uint64(b)
		from++
	}
	return true
}
