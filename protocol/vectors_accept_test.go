package protocol_test

import (
	"bytes"
	"fmt"
	"testing"

	"golang.org/x/crypto/argon2"

	"github.com/klauspost/compress/zstd"

	"github.com/lf-store/lf/protocol"
)

// vectorMaker makes the vectors of records. What it makes depends on nothing but this code and
// work.json.
type vectorMaker struct {
	t        testing.TB
	networks map[string]*protocol.Network
	book     *workBook
	accept   []acceptVector
	reject   []rejectVector

	histories []historyVector
}

func newVectorMaker(t testing.TB) *vectorMaker {
	t.Helper()
	return &vectorMaker{t: t, networks: fixedNetworks(t), book: newWorkBook(t)}
}

// base is a datum under these names (horse#2 when there are none) that links to the genesis.
func (m *vectorMaker) base(network string, names ...string) *builder {
	n := m.networks[network]
	b := &builder{network: n.ID(), owner: fixedKey("owner"), time: testTime + 1, plain: []byte("Bad Horse, Bad Horse"),
		solve: m.book.solve, at: map[stage]func([]any){}}
	if len(names) == 0 {
		names = []string{"horse#2"}
	}
	for _, name := range names {
		e, err := protocol.ParseExpression(name)
		if err != nil {
			m.t.Fatal(err)
		}
		b.names = append(b.names, deriveFixed(n, e.Name, e.From))
	}
	for _, g := range n.Genesis() {
		b.links = append(b.links, g.ID())
	}
	b.links = sortIDs(b.links)
	return b
}

// good adds a valid record. change may be nil.
func (m *vectorMaker) good(name, network string, b *builder, change func(*builder)) {
	m.t.Helper()
	if change != nil {
		change(b)
	}
	header, value := b.build(m.t)
	v := m.describe(name, network, header, value)
	if b.plain != nil {
		plain := hexBytes(b.plain)
		if b.form == 1 {
			plain = unzstd(m.t, b.plain)
		}
		mask := b.mask
		if mask == nil {
			mask = &b.names[0].mask
		}
		v.Mask, v.Plain = mask[:], &plain
	}
	m.accept = append(m.accept, v)
}

// describe fills a vector in from what the package under test makes of the bytes: a person or
// another implementation reads it beside the specification.
func (m *vectorMaker) describe(name, network string, header, value []byte) acceptVector {
	m.t.Helper()
	frame := frameOf(m.t, header, value)
	r, err := protocol.DecodeFrame(frame)
	if err != nil {
		m.t.Fatalf("%s: %v", name, err)
	}
	n, signed := m.networks[network], r.SignedHash()
	v := acceptVector{Name: name, Network: network, Frame: frame, ID: r.ID(), Type: uint64(r.Type), Owner: r.Owner,
		Timestamp: r.Timestamp, Links: r.Links, Selectors: []vectorPoint{}, Composite: r.CompositeID(),
		SignedHash: signed[:], Challenge: n.Challenge(r), RequiredEffort: n.RequiredEffort(r), ReducedEffort: n.CertifiedEffort(r),
		Effort: r.Effort(), NeedsCert: n.NeedsCertificate(r)}
	if r.Value != nil {
		v.Value, v.ValueSize = &r.Value.ID, r.Value.Size
	}
	for _, s := range r.Selectors {
		v.Selectors = append(v.Selectors, vectorPoint{s.Key, s.Ordinal})
	}
	return v
}

func (m *vectorMaker) makeAccepted() {
	fifteen := make([]string, 15)
	for i := range fifteen {
		fifteen[i] = fmt.Sprintf("part-%d#%d", i/2, i%2)
	}
	nothing := func(b *builder) { b.plain = nil }
	m.good("datum", "free", m.base("free"), nil)
	m.good("datum, ordinal 2^63-1", "free", m.base("free", "horse#9223372036854775807"), nil)
	m.good("datum, composite key of two", "free", m.base("free", "bad", "horse#2"), nil)
	m.good("datum, the same two, the other one primary", "free", m.base("free", "horse#2", "bad"), nil)
	m.good("datum, one name with three ordinals", "free", m.base("free", "horse#7", "horse#5", "horse#6"), nil)
	m.good("datum, 15 selectors", "free", m.base("free", fifteen...), nil)
	m.good("datum, sealed empty value", "free", m.base("free"), func(b *builder) { b.plain = []byte{} })
	m.good("datum, compressed value", "free", m.base("free"), func(b *builder) {
		b.plain, b.form = zstdOf(m.t, bytes.Repeat([]byte("Bad Horse, "), 300)), 1
	})
	m.good("datum, masking key", "free", m.base("free"), func(b *builder) {
		mask := protocol.Mask(maskFixed(m.networks["free"], "correct horse"))
		b.mask = &mask
	})
	m.good("datum, value that nobody sealed", "free", m.base("free"), func(b *builder) { b.plain, b.sealed = nil, []byte{0} })
	m.good("datum, value of 1024 bytes, the limit of this network", "free", m.base("free"), func(b *builder) {
		b.plain = bytes.Repeat([]byte{'x'}, 1024-protocol.SealOverhead)
	})
	m.good("datum, value of 61440 bytes, the limit of any network", "single", m.base("single"), func(b *builder) {
		b.plain, b.sealed = nil, bytes.Repeat([]byte{7}, protocol.MaxValue)
	})
	m.good("tombstone", "free", m.base("free"), nothing)
	m.good("tombstone of a composite key", "free", m.base("free", "bad", "horse#2"), nothing)
	m.good("release", "free", m.base("free"), func(b *builder) { b.plain, b.kind = nil, 5 })
	m.good("timestamp 1", "free", m.base("free"), func(b *builder) { b.time = 1 })
	m.good("timestamp 2^53-1", "free", m.base("free"), func(b *builder) { b.time = protocol.MaxTimestamp })
	m.good("1 link, the minimum of this network", "single", m.base("single"), nil)
	m.good("3 links", "free", m.base("free"), func(b *builder) { b.links = fixedLinks(3) })
	m.good("16 links", "sixteen", m.base("sixteen"), func(b *builder) { b.links = fixedLinks(16) })
	for kind := uint64(2); kind <= 15; kind++ {
		if kind == 5 {
			continue
		}
		m.good(fmt.Sprintf("type %d without selectors and value", kind), "free", m.base("free"), func(b *builder) {
			b.kind, b.names, b.plain = kind, nil, nil
		})
	}
	m.good("type 15 with selectors and value", "free", m.base("free", "bad", "horse#2"), func(b *builder) { b.kind = 15 })
	for _, kind := range []uint64{3, 4} {
		m.good(fmt.Sprintf("type %d, value of 16384 bytes, its limit on any network", kind), "free", m.base("free"), func(b *builder) {
			b.kind, b.names, b.plain, b.sealed = kind, nil, nil, bytes.Repeat([]byte{7}, protocol.MaxCertificateValue)
		})
	}
	m.makeAcceptedWork()
	m.makeAcceptedFrames()
	m.makeAcceptedSignatures()
	m.makeAcceptedCertificates()
}

func (m *vectorMaker) makeAcceptedWork() {
	paid := func(effort uint32) func(*builder) { return func(b *builder) { b.effort = effort } }
	m.good("work of the required effort", "paid", m.base("paid"), paid(8))
	m.good("work of more than the required effort", "paid", m.base("paid"), paid(20))
	m.good("a twin: the same signed body, paid again", "paid", m.base("paid"), paid(9))
	m.good("work of effort 1 where none is required", "free", m.base("free"), paid(1))
	m.good("work, tombstone, smaller and so cheaper", "paid", m.base("paid"), func(b *builder) { b.plain, b.effort = nil, 6 })
	m.good("work, composite key", "paid", m.base("paid", "bad", "horse#2"), paid(10))
}

func (m *vectorMaker) makeAcceptedFrames() {
	header, _ := m.base("free").build(m.t)
	m.accept = append(m.accept, m.describe("datum whose value is not at hand", "free", header, nil))
	for i, g := range m.networks["free"].Genesis() {
		m.accept = append(m.accept, m.describe(fmt.Sprintf("genesis record %d", i), "free", g.HeaderBytes(), g.ValueBytes()))
	}
}

func TestVectorsAccept(t *testing.T) {
	t.Parallel()
	networks := vectorNetworks(t)
	for _, v := range readVectors[[]acceptVector](t, "accept.json") {
		t.Run(v.Name, func(t *testing.T) {
			n := networks[v.Network]
			r, err := check(n, v.Frame)
			if err != nil {
				t.Fatal(err)
			}
			if !bytes.Equal(r.EncodeFrame(), v.Frame) {
				t.Error("the frame encodes to other bytes")
			}
			if v.Plain == nil {
				return
			}
			plain, err := n.Open(protocol.Mask(v.Mask), r.SealingOf(), r.ValueBytes())
			if err != nil || plain == nil || !bytes.Equal(plain, *v.Plain) {
				t.Errorf("opened %q, %v", plain, err)
			}
		})
	}
}

func maskFixed(n *protocol.Network, maskingKey string) []byte {
	id, h := n.ID(), n.Params().NameHardening
	return argon2.IDKey([]byte(maskingKey), append([]byte("lf/mask/1"), id[:]...), h.Passes, h.MemoryKiB, 1, 32)
}

func zstdOf(t testing.TB, plain []byte, options ...zstd.EOption) []byte {
	t.Helper()
	e, err := zstd.NewWriter(nil, append(options, zstd.WithEncoderConcurrency(1))...)
	if err != nil {
		t.Fatal(err)
	}
	defer e.Close()
	return e.EncodeAll(plain, nil)
}

func unzstd(t testing.TB, packed []byte) []byte {
	t.Helper()
	d, err := zstd.NewReader(nil, zstd.WithDecoderConcurrency(1))
	if err != nil {
		t.Fatal(err)
	}
	defer d.Close()
	plain, err := d.DecodeAll(packed, nil)
	if err != nil {
		t.Fatal(err)
	}
	return plain
}
