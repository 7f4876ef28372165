package protocol_test

import (
	"bytes"
	"slices"

	"github.com/lf-store/lf/protocol"
)

// bad adds a record with one mistake in it. change may be nil.
func (m *vectorMaker) bad(rule protocol.Rule, name, network string, b *builder, change func(*builder)) {
	m.t.Helper()
	if change != nil {
		change(b)
	}
	header, value := b.build(m.t)
	m.badFrame(rule, name, network, frameOf(m.t, header, value))
}

func (m *vectorMaker) badFrame(rule protocol.Rule, name, network string, frame []byte) {
	m.reject = append(m.reject, rejectVector{name, network, frame, rule})
}

// badHeader adds a valid record whose header's bytes were changed afterwards.
func (m *vectorMaker) badHeader(rule protocol.Rule, name string, change func(h []byte) []byte) {
	m.t.Helper()
	header, value := m.base("free").build(m.t)
	m.badFrame(rule, name, "free", frameOf(m.t, change(bytes.Clone(header)), value))
}

// badField adds a record, signed as it stands, with something else in one place of its header.
func (m *vectorMaker) badField(rule protocol.Rule, name string, s stage, change func(h []any)) {
	m.t.Helper()
	m.bad(rule, name, "free", m.base("free"), func(b *builder) { b.at[s] = change })
}

func (m *vectorMaker) makeRejected() {
	m.makeRejectedFrames()
	m.makeRejectedEncodings()
	m.makeRejectedKinds()
	m.makeRejectedFields()
	m.makeRejectedValues()
	m.makeRejectedWork()
	m.makeRejectedSignatures()
	m.makeRejectedCertificates()
}

func (m *vectorMaker) makeRejectedFrames() {
	header, value := m.base("free").build(m.t)
	frame := func(v any) []byte { return encodeAny(m.t, v) }
	whole := frameOf(m.t, header, value)
	for _, v := range []struct {
		name  string
		frame []byte
	}{
		{"frame: no bytes", []byte{}},
		{"frame: truncated", whole[:len(whole)-1]},
		{"frame: trailing byte", append(bytes.Clone(whole), 0)},
		{"frame: not an array", frame(header)},
		{"frame: one item", frame([]any{header})},
		{"frame: three items", frame([]any{header, value, nil})},
		{"frame: header is text", frame([]any{string(bytes.Repeat([]byte{'x'}, 300)), value})},
		{"frame: header is null", frame([]any{nil, value})},
		{"frame: value is text", frame([]any{header, "value"})},
		{"frame: value is undefined", append(frame([]any{header, nil})[:len(header)+4], 0xf7)},
		{"frame: array of indefinite length", append(append([]byte{0x9f}, whole[1:]...), 0xff)},
		{"frame: value of indefinite length", slices.Concat([]byte{0x82}, frame(header), []byte{0x5f}, frame(value), []byte{0xff})},
		{"frame: value's length not in its shortest form", slices.Concat([]byte{0x82}, frame(header), []byte{0x59, 0, byte(len(value))}, value)},
		{"frame: value's length is 2^64-1", slices.Concat([]byte{0x82}, frame(header), []byte{0x5b}, bytes.Repeat([]byte{0xff}, 8), value)},
		{"frame: header's length is 2^63-1", slices.Concat([]byte{0x82, 0x5b, 0x7f}, bytes.Repeat([]byte{0xff}, 7), header, frame(value))},
		{"frame: 2^32 items", slices.Concat([]byte{0x9b, 0, 0, 0, 1, 0, 0, 0, 0}, whole[1:])},
		{"frame: in a tag", append([]byte{0xd9, 0xd9, 0xf7}, whole...)},
		{"header: no bytes", frame([]any{[]byte{}, nil})},
	} {
		m.badFrame(protocol.RuleEncoding, v.name, "free", v.frame)
	}
	m.badFrame(protocol.RuleSize, "frame: longer than 65552 bytes", "free", frameOf(m.t, header, make([]byte, protocol.MaxFrame)))
	m.badFrame(protocol.RuleSize, "frame: value of 61441 bytes", "free", frameOf(m.t, header, make([]byte, protocol.MaxValue+1)))
}

// at returns a change of the header's bytes: at the first place where old stands comes new instead.
func at(old, new []byte) func([]byte) []byte {
	return func(h []byte) []byte {
		i := bytes.Index(h, old)
		return slices.Concat(h[:i], new, h[i+len(old):])
	}
}

func (m *vectorMaker) makeRejectedEncodings() {
	link := []byte{0xd8, 0x2a, 0x58, 0x25, 0x00, 0x01, 0x71, 0x12, 0x20}
	bad := func(name string, change func([]byte) []byte) { m.badHeader(protocol.RuleEncoding, name, change) }
	bad("header: truncated", func(h []byte) []byte { return h[:len(h)-1] })
	bad("header: cut in the middle", func(h []byte) []byte { return h[:len(h)/2] })
	bad("header: trailing byte", func(h []byte) []byte { return append(h, 0xf6) })
	bad("header: array of indefinite length", func(h []byte) []byte { return slices.Concat([]byte{0x9f}, h[1:], []byte{0xff}) })
	bad("header: array's length not in its shortest form", func(h []byte) []byte { return slices.Concat([]byte{0x98, 9}, h[1:]) })
	bad("header: a map", func(h []byte) []byte { h[0] = 0xa9; return h })
	bad("header: a byte string", func(h []byte) []byte { return encodeAny(m.t, h) })
	bad("header: in a tag", func(h []byte) []byte { return slices.Concat([]byte{0xd9, 0xd9, 0xf7}, h) })
	bad("header: 8 fields", func(h []byte) []byte { h[0] = 0x88; return h[:len(h)-1] })
	bad("header: 10 fields", func(h []byte) []byte { h[0] = 0x8a; return append(h, 0xf6) })
	bad("header: 2^64-1 fields", func(h []byte) []byte { return slices.Concat([]byte{0x9b}, bytes.Repeat([]byte{0xff}, 8), h[1:]) })
	bad("version: 1 not in its shortest form", func(h []byte) []byte { return slices.Concat(h[:1], []byte{0x18, 1}, h[2:]) })
	bad("type: 0 not in its shortest form", func(h []byte) []byte { return slices.Concat(h[:2], []byte{0x18, 0}, h[3:]) })
	bad("type: 0 in 9 bytes", func(h []byte) []byte { return slices.Concat(h[:2], []byte{0x1b, 0, 0, 0, 0, 0, 0, 0, 0}, h[3:]) })
	bad("owner: length not in its shortest form", at([]byte{0x58, 0x20}, []byte{0x59, 0, 0x20}))
	bad("owner: of indefinite length", func(h []byte) []byte { return slices.Concat(h[:3], []byte{0x5f}, h[3:37], []byte{0xff}, h[37:]) })
	bad("links: of indefinite length", func(h []byte) []byte {
		return at(append([]byte{0x82}, link...), append([]byte{0x9f}, link...))(h)
	})
	bad("links: 2^32-1 of them", at(append([]byte{0x82}, link...), append([]byte{0x9a, 0xff, 0xff, 0xff, 0xff}, link...)[:5:5]))
	bad("link: without tag", at(link, link[2:]))
	bad("link: tag 43", at(link, []byte{0xd8, 0x2b, 0x58, 0x25, 0x00, 0x01, 0x71, 0x12, 0x20}))
	bad("link: tag not in its shortest form", at(link, append([]byte{0xd9, 0, 0x2a}, link[2:]...)))
	bad("link: text instead of bytes", at(link, []byte{0xd8, 0x2a, 0x78, 0x25, 0x00, 0x01, 0x71, 0x12, 0x20}))
	bad("link: without multibase prefix", at(link, []byte{0xd8, 0x2a, 0x58, 0x24, 0x01, 0x71, 0x12, 0x20}))
	bad("link: CID version 0", at(link, []byte{0xd8, 0x2a, 0x58, 0x23, 0x00, 0x12, 0x20}))
	bad("link: codec raw", at(link, []byte{0xd8, 0x2a, 0x58, 0x25, 0x00, 0x01, 0x55, 0x12, 0x20}))
	bad("link: codec as a longer varint", at(link, []byte{0xd8, 0x2a, 0x58, 0x26, 0x00, 0x01, 0xf1, 0x00, 0x12, 0x20}))
	bad("link: hash sha2-512/256", at(link, []byte{0xd8, 0x2a, 0x58, 0x25, 0x00, 0x01, 0x71, 0x13, 0x20}))
	bad("link: hash blake3", at(link, []byte{0xd8, 0x2a, 0x58, 0x25, 0x00, 0x01, 0x71, 0x1e, 0x20}))
	bad("link: digest of 31 bytes", at(link, []byte{0xd8, 0x2a, 0x58, 0x25, 0x00, 0x01, 0x71, 0x12, 0x1f}))
	m.badHeader(protocol.RuleVersion, "version 2", func(h []byte) []byte { h[1] = 2; return h })
	m.badHeader(protocol.RuleVersion, "version 0", func(h []byte) []byte { h[1] = 0; return h })
	m.badHeader(protocol.RuleVersion, "version 2^64-1, other fields, another number of them", func([]byte) []byte {
		return encodeAny(m.t, []any{uint64(1<<64 - 1), "whatever"})
	})
	m.badHeader(protocol.RuleVersion, "version 2, header longer than 4096 bytes", func([]byte) []byte {
		return encodeAny(m.t, []any{2, make([]byte, protocol.MaxHeader)})
	})
	m.badHeader(protocol.RuleVersion, "version 2 and no more fields", func([]byte) []byte { return []byte{0x81, 2} })
	m.badHeader(protocol.RuleVersion, "version 24, of an array whose other 22 items are missing", func([]byte) []byte { return []byte{0x97, 0x18, 24} })
	m.badHeader(protocol.RuleEncoding, "header: an array of no items, and a 2 after it", func([]byte) []byte { return []byte{0x80, 2} })
	m.badHeader(protocol.RuleEncoding, "header: an array of 24 items, version 2", func([]byte) []byte { return append([]byte{0x98, 24, 2}, make([]byte, 23)...) })
	value := make([]byte, protocol.MaxValue+1)
	// a header of this many bytes
	other := func(size int) []byte { return encodeAny(m.t, []any{2, make([]byte, size-5)}) }
	m.badFrame(protocol.RuleVersion, "version 2, value of 61441 bytes", "free", frameOf(m.t, other(300), value))
	whole := frameOf(m.t, other(protocol.MaxFrame-len(value)-7), value)
	if len(whole) != protocol.MaxFrame {
		m.t.Fatalf("a frame of %d bytes", len(whole))
	}
	m.badFrame(protocol.RuleVersion, "version 2, frame of 65552 bytes", "free", whole)
	m.badFrame(protocol.RuleSize, "version 2, frame of 65553 bytes", "free", frameOf(m.t, other(protocol.MaxFrame-len(value)-6), value))
	m.badHeader(protocol.RuleSize, "header: 4097 bytes", func(h []byte) []byte {
		return append(h, make([]byte, protocol.MaxHeader+1-len(h))...)
	})
}
