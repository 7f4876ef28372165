package blocks

import "encoding/binary"

// Size is how many bytes the columns of a full block have together, at most: with what SQLite adds
// they fill a page of 4,096 bytes.
const Size = 4048

const (
	idSize  = 32
	sumSize = 3
	// IdentitySize is what the column of IDs has of each record.
	IdentitySize = idSize + sumSize
)

// Graph is a block of the graph. Its columns are as they are stored.
type Graph struct {
	// First is the index of the first record.
	First int64
	// From is how many records IDs lacks at its beginning. It may lack some at its end, too: who
	// asks for few records need not read all.
	From int
	// IDs has for each record its ID and a checksum.
	IDs []byte
	// Times has for each record its timestamp and when it was seen, less those of the one before.
	Times []byte
	// Nodes has for each record the size of its place in the graph, and that place.
	Nodes []byte

	// last is the times of the last record; nil: they are to be read.
	last *times
	// all are the times of all records, and ends where each node ends, once they were read.
	all  []times
	ends []int
}

type times struct{ timestamp, seen int64 }

// Node is what a block of the graph has of one record.
type Node struct {
	ID [idSize]byte
	// Sum is a number of three bytes with a sign.
	Sum             int64
	Timestamp, Seen int64
	// Place is the record's place in the graph.
	Place []byte
}

// Len returns how many records a block has.
func (g *Graph) Len() int { return g.From + len(g.IDs)/IdentitySize }

// Has reports whether a record is in the block, with its ID.
func (g *Graph) Has(idx int64) bool {
	return idx >= g.First+int64(g.From) && idx < g.First+int64(g.Len())
}

// Append adds the next record. It reports false, and adds nothing, where that does not fit.
func (g *Graph) Append(n *Node) bool {
	last := times{}
	if g.Len() > 0 {
		last = g.lastTimes()
	}
	var head [3 * binary.MaxVarintLen64]byte
	b := appendTimes(head[:0], last, times{n.Timestamp, n.Seen})
	size := len(b)
	b = binary.AppendUvarint(b, uint64(len(n.Place)))
	if g.Len() > 0 && len(g.IDs)+IdentitySize+len(g.Times)+len(g.Nodes)+len(b)+len(n.Place) > Size {
		return false
	}
	g.IDs = appendIdentity(g.IDs, n)
	g.Times = append(g.Times, b[:size]...)
	g.Nodes = append(append(g.Nodes, b[size:]...), n.Place...)
	g.last, g.all, g.ends = &times{n.Timestamp, n.Seen}, nil, nil
	return true
}

func appendIdentity(b []byte, n *Node) []byte {
	return append(append(b, n.ID[:]...), byte(n.Sum>>16), byte(n.Sum>>8), byte(n.Sum))
}

func appendTimes(b []byte, before, t times) []byte {
	b = binary.AppendVarint(b, t.timestamp-before.timestamp)
	return binary.AppendVarint(b, t.seen-before.seen)
}

func (g *Graph) lastTimes() times {
	if g.last == nil {
		all := g.readTimes()
		g.last = &all[len(all)-1]
	}
	return *g.last
}

// readTimes reads the times of all records. After damage each is seen a moment after the one
// before, and their timestamps are 0.
func (g *Graph) readTimes() []times {
	if g.all != nil {
		return g.all
	}
	g.all = make([]times, g.Len())
	rest, at := g.Times, times{}
	for i := range g.all {
		a, n := binary.Varint(rest)
		b, m := binary.Varint(rest[max(n, 0):])
		if n <= 0 || m <= 0 {
			for ; i < len(g.all); i++ {
				at = times{0, at.seen + 1}
				g.all[i] = at
			}
			break
		}
		at = times{at.timestamp + a, at.seen + b}
		g.all[i], rest = at, rest[n+m:]
	}
	return g.all
}

// readEnds reads where each node ends. After damage they are empty.
func (g *Graph) readEnds() []int {
	if g.ends != nil {
		return g.ends
	}
	g.ends = make([]int, g.Len())
	at := 0
	for i := range g.ends {
		size, n := binary.Uvarint(g.Nodes[at:])
		if n <= 0 || size > uint64(len(g.Nodes)-at-n) {
			for ; i < len(g.ends); i++ {
				g.ends[i] = at
			}
			break
		}
		at += n + int(size)
		g.ends[i] = at
	}
	return g.ends
}

// ID returns the ID and the checksum of a record in the block.
func (g *Graph) ID(idx int64) (id [idSize]byte, sum int64) {
	b := g.IDs[(int(idx-g.First)-g.From)*IdentitySize:]
	copy(id[:], b)
	return id, int64(int8(b[idSize]))<<16 | int64(b[idSize+1])<<8 | int64(b[idSize+2])
}

// TimesOf returns a record's timestamp, and when it was seen.
func (g *Graph) TimesOf(idx int64) (timestamp, seen int64) {
	t := g.readTimes()[idx-g.First]
	return t.timestamp, t.seen
}

// Place returns a record's place in the graph, empty where that is lost. It is the block's.
func (g *Graph) Place(idx int64) []byte {
	ends, from := g.readEnds(), 0
	i := int(idx - g.First)
	if i > 0 {
		from = ends[i-1]
	}
	if ends[i] == from {
		return nil
	}
	_, n := binary.Uvarint(g.Nodes[from:])
	return g.Nodes[from+n : ends[i] : ends[i]]
}

// Node returns all that the block has of a record. The place is the block's.
func (g *Graph) Node(idx int64) (n Node) {
	n.ID, n.Sum = g.ID(idx)
	n.Timestamp, n.Seen = g.TimesOf(idx)
	n.Place = g.Place(idx)
	return n
}

// Set returns the block with another node of a record.
func (g *Graph) Set(idx int64, n *Node) *Graph {
	made := &Graph{First: g.First}
	before := times{}
	for i := range int64(g.Len()) {
		have := g.Node(g.First + i)
		if g.First+i == idx {
			have = *n
		}
		t := times{have.Timestamp, have.Seen}
		made.IDs, made.Times = appendIdentity(made.IDs, &have), appendTimes(made.Times, before, t)
		made.Nodes = append(binary.AppendUvarint(made.Nodes, uint64(len(have.Place))), have.Place...)
		before = t
	}
	return made
}
