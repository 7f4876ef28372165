package pow

import (
	"encoding/binary"
	"math"
	"math/bits"

	"golang.org/x/crypto/blake2b"
)

// A second HashX and Equi-X verifier, written for plainness. It has an interpreter
// that does one thing after another, and in refprogram.go the full model of the
// generator. They share no code with the C ones. Tests hold each to the other, and
// a build without cgo verifies with this one.

const none = 0xff

const (
	mulhu = iota
	mulhs
	mul
	sub
	xor
	addsh
	rotr
	addi
	xori
	target
	branch
	numOps
)

// instruction is one step of a HashX program; a register that it does not have
// is 0xff.
type instruction struct {
	op, dst, src uint8
	imm          uint32
}

// refHashX is the hash function of one seed.
type refHashX struct {
	k        [4]uint64
	code     []instruction
	counter  uint64
	accepted bool

	muls, maxReady int
}

// refKeys hashes the seed with a salt. x/crypto offers that only by way of a saved
// state: magic, eight words of chaining value, counter, digest length, block, fill.
func refKeys(seed []byte) (g, k [4]uint64) {
	h, _ := blake2b.New512(nil)
	state, _ := h.(interface{ MarshalBinary() ([]byte, error) }).MarshalBinary()
	h4 := state[3+4*8:]
	salt := binary.LittleEndian.Uint64([]byte("HashX v1"))
	binary.BigEndian.PutUint64(h4, binary.BigEndian.Uint64(h4)^salt)
	if err := h.(interface{ UnmarshalBinary([]byte) error }).UnmarshalBinary(state); err != nil {
		panic(err)
	}
	h.Write(seed)
	d := h.Sum(nil)
	for i := range 4 {
		g[i] = binary.LittleEndian.Uint64(d[8*i:])
		k[i] = binary.LittleEndian.Uint64(d[32+8*i:])
	}
	return g, k
}

func refSipRound(s *[4]uint64) {
	s[0] += s[1]
	s[1] = bits.RotateLeft64(s[1], 13)
	s[1] ^= s[0]
	s[0] = bits.RotateLeft64(s[0], 32)
	s[2] += s[3]
	s[3] = bits.RotateLeft64(s[3], 16)
	s[3] ^= s[2]
	s[0] += s[3]
	s[3] = bits.RotateLeft64(s[3], 21)
	s[3] ^= s[0]
	s[2] += s[1]
	s[1] = bits.RotateLeft64(s[1], 17)
	s[1] ^= s[2]
	s[2] = bits.RotateLeft64(s[2], 32)
}

func refExpand(key [4]uint64, x uint64) (r [8]uint64) {
	s := key
	s[1] ^= 0xee
	s[3] ^= x
	refSipRound(&s)
	refSipRound(&s)
	s[0] ^= x
	s[2] ^= 0xee
	for range 4 {
		refSipRound(&s)
	}
	copy(r[:4], s[:])
	s[1] ^= 0xdd
	for range 4 {
		refSipRound(&s)
	}
	copy(r[4:], s[:])
	return r
}

func (h *refHashX) run(r *[8]uint64) (taken int) {
	var flag uint32
	back := -1
	taken = -1
	for pc := 0; pc < len(h.code); pc++ {
		in := h.code[pc]
		imm := uint64(int64(int32(in.imm)))
		switch in.op {
		case mulhu:
			r[in.dst], _ = bits.Mul64(r[in.dst], r[in.src])
			flag = uint32(r[in.dst])
		case mulhs:
			a, b := r[in.dst], r[in.src]
			hi, _ := bits.Mul64(a, b)
			hi -= uint64(int64(a)>>63) & b
			hi -= uint64(int64(b)>>63) & a
			r[in.dst] = hi
			flag = uint32(hi)
		case mul:
			r[in.dst] *= r[in.src]
		case sub:
			r[in.dst] -= r[in.src]
		case xor:
			r[in.dst] ^= r[in.src]
		case addsh:
			r[in.dst] += r[in.src] << in.imm
		case rotr:
			r[in.dst] = bits.RotateLeft64(r[in.dst], -int(in.imm))
		case addi:
			r[in.dst] += imm
		case xori:
			r[in.dst] ^= imm
		case target:
			back = pc
		case branch:
			if taken < 0 && flag&in.imm == 0 {
				taken = pc
				pc = back
			}
		}
	}
	return taken
}

func (h *refHashX) hash(x uint64) uint64 { return h.digest(x)[0] }

func (h *refHashX) digest(x uint64) [4]uint64 {
	r := refExpand(h.k, x)
	h.run(&r)
	a := [4]uint64{r[0] + h.k[0], r[1] + h.k[1], r[2], r[3]}
	b := [4]uint64{r[4], r[5], r[6] + h.k[2], r[7] + h.k[3]}
	refSipRound(&a)
	refSipRound(&b)
	return [4]uint64{a[0] ^ b[0], a[1] ^ b[1], a[2] ^ b[2], a[3] ^ b[3]}
}

func le16(b []byte) uint64 { return uint64(binary.LittleEndian.Uint16(b)) }

// refVerify checks a solution of a seed, step by step as the text of the puzzle has
// it.
func refVerify(seed []byte, effort uint32, solution *[SolutionSize]byte) error {
	d, _ := blake2b.New(4, nil)
	d.Write(seed)
	d.Write(solution[:])
	if uint64(binary.BigEndian.Uint32(d.Sum(nil)))*uint64(effort) > math.MaxUint32 {
		return ErrEffort
	}
	return refVerifyEquix(seed, *solution)
}

func refVerifyEquix(seed []byte, s [SolutionSize]byte) error {
	le32 := func(i int) uint32 { return binary.LittleEndian.Uint32(s[i:]) }
	for i := 0; i < 16; i += 4 {
		if le16(s[i:]) > le16(s[i+2:]) {
			return ErrOrder
		}
	}
	if le32(0) > le32(4) || le32(8) > le32(12) ||
		binary.LittleEndian.Uint64(s[0:]) > binary.LittleEndian.Uint64(s[8:]) {
		return ErrOrder
	}
	h := newRefHashX(seed, nil)
	if !h.accepted {
		return ErrProgram
	}
	var v [8]uint64
	for i := range v {
		v[i] = h.hash(le16(s[2*i:]))
	}
	for i := 0; i < 8; i += 2 {
		if (v[i]+v[i+1])%(1<<15) != 0 {
			return ErrPartialSum
		}
	}
	for i := 0; i < 8; i += 4 {
		if (v[i]+v[i+1]+v[i+2]+v[i+3])%(1<<30) != 0 {
			return ErrPartialSum
		}
	}
	if (v[0]+v[1]+v[2]+v[3]+v[4]+v[5]+v[6]+v[7])%(1<<60) != 0 {
		return ErrFinalSum
	}
	return nil
}
