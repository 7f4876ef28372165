package runs

import "slices"

// filter says which keys certainly begin no row of a run. It is a Bloom filter of blocks: a look-up
// touches one line of the processor's cache.
type filter struct{ words []uint64 }

const (
	filterBits  = 10 // a key: one in a hundred that is not there seems to be
	blockWords  = 8
	filterTests = 6
)

// blocksFor returns how many blocks a filter has for a number of keys.
func blocksFor(keys int) int { return max((keys*filterBits+64*blockWords-1)/(64*blockWords), 1) }

// newFilter returns a filter for a number of keys.
func newFilter(keys int) *filter { return filterOf(blocksFor(keys)) }

// foldable returns a filter for a number of keys at most, which fold can halve a few times.
func foldable(keys int) *filter {
	const halves = 8
	return filterOf((blocksFor(keys) + halves - 1) / halves * halves)
}

func filterOf(blocks int) *filter { return &filter{make([]uint64, blocks*blockWords)} }

// mix spreads the bits of a key.
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

// fold makes the filter about as small as a number of keys needs, if it is larger.
func (f *filter) fold(keys int) {
	for blocks := len(f.words) / blockWords; blocks%2 == 0 && blocks/2 >= blocksFor(keys); blocks /= 2 {
		for at := range blocks / 2 {
			for i := range blockWords {
				f.words[at*blockWords+i] = f.words[2*at*blockWords+i] | f.words[(2*at+1)*blockWords+i]
			}
		}
		f.words = f.words[:blocks/2*blockWords]
	}
	f.words = slices.Clip(slices.Clone(f.words))
}
