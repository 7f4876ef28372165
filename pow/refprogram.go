package pow

import (
	"encoding/binary"
	"math/bits"
	"slices"
)

// The program generator as it is defined, with its table of port reservations and
// a verdict over counts and latencies. It has none of the shortcuts of program.c.

// refTry is one try to fill a slot, with the random values that it used.
type refTry struct {
	n, sub, cycle, which int
	in                   instruction
	ok                   bool
	bytes, words         []uint32
}

func refDraw(key [4]uint64, x uint64) uint64 {
	s := key
	s[3] ^= x
	refSipRound(&s)
	s[0] ^= x
	s[2] ^= 0xff
	for range 3 {
		refSipRound(&s)
	}
	return s[0] ^ s[1] ^ s[2] ^ s[3]
}

// Ports, in the order in which a micro-op tries them.
const (
	p5 = iota
	p0
	p1
	numPorts
)

type refOp struct {
	group, latency int
	ports          [][]int // of each micro-op
	src, dst       bool
	distinct       bool
}

var (
	anyPort = []int{p5, p0, p1}
	refOps  = [numOps]refOp{
		mulhu:  {mulhu, 4, [][]int{{p1}, {p5}}, true, true, false},
		mulhs:  {mulhs, 4, [][]int{{p1}, {p5}}, true, true, false},
		mul:    {mul, 3, [][]int{{p1}}, true, true, true},
		sub:    {sub, 1, [][]int{anyPort}, true, true, true},
		xor:    {xor, 1, [][]int{anyPort}, true, true, true},
		addsh:  {sub, 1, [][]int{{p0, p1}}, true, true, true},
		rotr:   {rotr, 1, [][]int{{p5, p0}}, false, true, false},
		addi:   {addi, 1, [][]int{anyPort}, false, true, false},
		xori:   {xori, 1, [][]int{anyPort}, false, true, false},
		target: {target, 1, [][]int{anyPort, anyPort}, false, false, false},
		branch: {branch, 1, [][]int{anyPort, anyPort}, false, false, false},
	}
)

const horizon = 196 // cycles that have ports

type refGenerator struct {
	h                    *refHashX
	g                    [4]uint64
	bytes, words         []uint32
	sub, attempt, prev   int
	ready, group         [8]int
	tag                  [8]uint32
	busy                 [horizon][numPorts]bool
	usedBytes, usedWords []uint32
	trace                func(refTry) // may be nil
}

func (r *refGenerator) draw() uint64 {
	v := refDraw(r.g, r.h.counter)
	r.h.counter++
	return v
}

func (r *refGenerator) byte() uint32 {
	if len(r.bytes) == 0 {
		for _, b := range binary.BigEndian.AppendUint64(nil, r.draw()) {
			r.bytes = append(r.bytes, uint32(b))
		}
	}
	v := r.bytes[0]
	r.bytes = r.bytes[1:]
	r.usedBytes = append(r.usedBytes, v)
	return v
}

func (r *refGenerator) word() uint32 {
	if len(r.words) == 0 {
		v := r.draw()
		r.words = []uint32{uint32(v >> 32), uint32(v)}
	}
	v := r.words[0]
	r.words = r.words[1:]
	r.usedWords = append(r.usedWords, v)
	return v
}

func (r *refGenerator) chooseOp() int {
	switch at := r.sub % 36; at {
	case 0, 3, 6, 9, 15, 18, 21, 27, 30, 33:
		return mul
	case 1:
		return target
	case 19:
		return branch
	case 12, 24:
		return []int{mulhs, mulhu}[r.byte()&1]
	}
	mask := uint32(7)
	if r.attempt == 1 {
		mask = 3
	}
	for {
		op := []int{rotr, xori, addi, addi, sub, xor, xori, addsh}[r.byte()&mask]
		if refOps[op].group != r.prev {
			return op
		}
	}
}

func (r *refGenerator) chooseImm(op int) uint32 {
	nonZero := func(mask uint32) uint32 {
		for {
			if v := r.word() & mask; v != 0 {
				return v
			}
		}
	}
	switch op {
	case addsh:
		return r.word() & 3
	case rotr:
		return nonZero(63)
	case addi, xori:
		return nonZero(0xffffffff)
	case branch:
		mask := uint32(0)
		for bits.OnesCount32(mask) < 4 {
			mask |= 1 << (r.byte() % 32)
		}
		return mask
	}
	return 0
}

// place finds a free port for a micro-op from cycle c on.
func (r *refGenerator) place(allowed []int, c int) (cycle, port int, ok bool) {
	for ; c < horizon; c++ {
		for p := range numPorts {
			if slices.Contains(allowed, p) && !r.busy[c][p] {
				return c, p, true
			}
		}
	}
	return 0, 0, false
}

// issue finds the cycle in which all micro-ops start.
func (r *refGenerator) issue(ports [][]int) (start, t int, ok bool) {
	for start = r.sub / 3; start < horizon; start++ {
		c1, _, ok1 := r.place(ports[0], start)
		c2, _, ok2 := r.place(ports[len(ports)-1], start)
		if ok1 && ok2 && c1 == c2 {
			return start, c1, true
		}
	}
	return 0, 0, false
}

func (r *refGenerator) reserve(ports [][]int, start int) {
	for _, allowed := range ports {
		if c, p, ok := r.place(allowed, start); ok {
			r.busy[c][p] = true
		}
	}
}

func (r *refGenerator) pick(list []uint8) uint8 {
	switch len(list) {
	case 0:
		return none
	case 1:
		return list[0]
	}
	return list[r.word()%uint32(len(list))]
}

func (r *refGenerator) chooseSrc(op, t int) uint8 {
	var list []uint8
	for i := range uint8(8) {
		if r.ready[i] <= t {
			list = append(list, i)
		}
	}
	if op == addsh && len(list) == 2 && slices.Contains(list, 5) {
		return 5
	}
	return r.pick(list)
}

func (r *refGenerator) chooseDst(op int, src uint8, tag uint32, t int) uint8 {
	var list []uint8
	for i := range uint8(8) {
		switch {
		case r.ready[i] > t:
		case refOps[op].distinct && i == src:
		case op == mul && r.attempt == 0 && r.group[i] == mul:
		case r.group[i] == refOps[op].group && r.tag[i] == tag:
		case op == addsh && i == 5:
		default:
			list = append(list, i)
		}
	}
	return r.pick(list)
}

// step fills one slot or fails; it returns false when the program ends.
func (r *refGenerator) step() bool {
	r.usedBytes, r.usedWords = nil, nil
	op := r.chooseOp()
	o := refOps[op]
	r.prev = o.group
	in := instruction{op: uint8(op), dst: none, src: none, imm: r.chooseImm(op)}
	tag := uint32(0xffffffff)
	if op == mulhu || op == mulhs {
		tag = r.word()
	}
	start, t, ok := r.issue(o.ports)
	if !ok {
		return false
	}
	ok = true
	if o.src {
		in.src = r.chooseSrc(op, t)
		ok = in.src != none
		if o.distinct {
			tag = uint32(in.src)
		}
	}
	if ok && o.dst {
		in.dst = r.chooseDst(op, in.src, tag, t)
		ok = in.dst != none
	}
	if r.trace != nil {
		r.trace(refTry{len(r.h.code), r.sub, t, r.attempt + 1, in, ok, r.usedBytes, r.usedWords})
	}
	if !ok {
		r.sub += 3 * r.attempt
		r.attempt = 1 - r.attempt
		return true
	}
	r.attempt = 0
	r.reserve(o.ports, start)
	if t >= 192 {
		return false
	}
	if o.dst {
		r.ready[in.dst] = t + o.latency
		r.group[in.dst], r.tag[in.dst] = o.group, tag
		r.h.maxReady = max(r.h.maxReady, r.ready[in.dst])
	}
	r.h.code = append(r.h.code, in)
	if op <= mul {
		r.h.muls++
	}
	r.sub += len(o.ports)
	return true
}

// newRefHashX makes the hash function of a seed. trace may be nil.
func newRefHashX(seed []byte, trace func(refTry)) *refHashX {
	h := new(refHashX)
	r := refGenerator{h: h, prev: none, trace: trace}
	r.g, h.k = refKeys(seed)
	for i := range r.group {
		r.group[i] = none
	}
	for len(h.code) < 512 && r.step() {
	}
	h.accepted = len(h.code) == 512 && h.muls == 192 && h.maxReady == 194
	return h
}
