package protocol_test

import (
	"bytes"
	"crypto/ed25519"
	"crypto/sha256"
	"fmt"
	"slices"

	"github.com/fxamacker/cbor/v2"

	"github.com/lf-store/lf/protocol"
)

// makeRejectedKinds puts items of other kinds in the places of fields. What could be claimed and
// signed is.
func (m *vectorMaker) makeRejectedKinds() {
	fields := []string{"version", "type", "owner", "timestamp", "links", "value", "selectors", "signature", "work"}
	kinds := []struct {
		name string
		item any
	}{
		{"null", nil}, {"undefined", cbor.SimpleValue(23)}, {"false", false}, {"a float", 1.5}, {"a negative integer", -1}, {"text", "text"},
		{"a byte", []byte{0}}, {"an empty list", []any{}}, {"an empty map", map[string]any{}}, {"a tag", cbor.Tag{Number: 2, Content: []byte{1}}},
		{"a list nested 8 times", []any{[]any{[]any{[]any{[]any{[]any{[]any{[]any{}}}}}}}}},
	}
	for i, field := range fields {
		stage := atTheEnd
		if i < 6 {
			stage = beforeClaims
		} else if i == 6 {
			stage = beforeSignature
		}
		for _, k := range kinds {
			switch {
			case k.item == nil && (field == "value" || field == "work"): // that is allowed
				continue
			case k.name == "an empty list" && (field == "links" || field == "selectors"):
				// another rule
				continue
			}
			m.badField(protocol.RuleEncoding, fmt.Sprintf("%s: %s", field, k.name), stage, func(h []any) { h[i] = k.item })
		}
	}
	m.badField(protocol.RuleEncoding, "owner: 31 bytes", beforeClaims, func(h []any) { h[2] = h[2].([]byte)[:31] })
	m.badField(protocol.RuleEncoding, "owner: 33 bytes", beforeClaims, func(h []any) { h[2] = append(h[2].([]byte), 0) })
	m.badField(protocol.RuleEncoding, "owner: text of 32 bytes", beforeClaims, func(h []any) { h[2] = "an owner as text of thirty-two b" })
	m.badField(protocol.RuleEncoding, "owner: a list of 32 integers", beforeClaims, func(h []any) {
		list := []any{}
		for _, b := range h[2].([]byte) {
			list = append(list, uint64(b))
		}
		h[2] = list
	})
	m.badField(protocol.RuleEncoding, "signature: 63 bytes", atTheEnd, func(h []any) { h[7] = h[7].([]byte)[:63] })
	m.badField(protocol.RuleEncoding, "signature: 65 bytes", atTheEnd, func(h []any) { h[7] = append(h[7].([]byte), 0) })
	selector := func(h []any) []any { return h[6].([]any)[0].([]any) }
	m.badField(protocol.RuleEncoding, "selector: two items", beforeSignature, func(h []any) { h[6] = []any{selector(h)[:2]} })
	m.badField(protocol.RuleEncoding, "selector: four items", beforeSignature, func(h []any) { h[6] = []any{append(selector(h), nil)} })
	m.badField(protocol.RuleEncoding, "selector: key of 31 bytes", beforeSignature, func(h []any) { selector(h)[0] = make([]byte, 31) })
	m.badField(protocol.RuleEncoding, "selector: ordinal -1", beforeSignature, func(h []any) { selector(h)[1] = -1 })
	m.badField(protocol.RuleEncoding, "selector: ordinal is a float", beforeSignature, func(h []any) { selector(h)[1] = 2.0 })
	m.badField(protocol.RuleEncoding, "selector: claim of 63 bytes", beforeSignature, func(h []any) { selector(h)[2] = make([]byte, 63) })
	m.badField(protocol.RuleEncoding, "value: three items", beforeClaims, func(h []any) { h[5] = append(h[5].([]any), nil) })
	m.badField(protocol.RuleEncoding, "value: codec dag-cbor", beforeClaims, func(h []any) { h[5].([]any)[0] = cidTag(0x71, sha256.Sum256(nil)) })
	m.badField(protocol.RuleEncoding, "value: size 2^32", beforeClaims, func(h []any) { h[5].([]any)[1] = uint64(1 << 32) })
	m.badField(protocol.RuleEncoding, "work: two items", atTheEnd, func(h []any) { h[8] = []any{make([]byte, 8), make([]byte, 16)} })
	m.badField(protocol.RuleEncoding, "work: nonce of 7 bytes", atTheEnd, func(h []any) { h[8] = []any{make([]byte, 7), make([]byte, 16), 1} })
	m.badField(protocol.RuleEncoding, "work: solution of 17 bytes", atTheEnd, func(h []any) { h[8] = []any{make([]byte, 8), make([]byte, 17), 1} })
	m.badField(protocol.RuleEncoding, "work: effort 2^32", atTheEnd, func(h []any) { h[8] = []any{make([]byte, 8), make([]byte, 16), uint64(1 << 32)} })
}

func (m *vectorMaker) makeRejectedFields() {
	set := func(i int, v any) func([]any) { return func(h []any) { h[i] = v } }
	m.badField(protocol.RuleType, "type 16", beforeClaims, set(1, uint64(16)))
	m.badField(protocol.RuleType, "type 2^64-1", beforeClaims, set(1, uint64(1<<64-1)))
	m.bad(protocol.RuleType, "datum without selector", "free", m.base("free"), func(b *builder) { b.names, b.plain = nil, nil })
	m.bad(protocol.RuleType, "release without selector", "free", m.base("free"), func(b *builder) { b.kind, b.names, b.plain = 5, nil, nil })
	m.bad(protocol.RuleType, "release with a value", "free", m.base("free"), func(b *builder) { b.kind = 5 })
	m.badField(protocol.RuleTimestamp, "timestamp 0", beforeClaims, set(3, uint64(0)))
	m.badField(protocol.RuleTimestamp, "timestamp 2^53", beforeClaims, set(3, uint64(1<<53)))
	m.badField(protocol.RuleTimestamp, "timestamp 2^64-1", beforeClaims, set(3, uint64(1<<64-1)))
	links := func(ids ...protocol.ID) func([]any) { return set(4, linksOf(ids)) }
	some := fixedLinks(17)
	m.badField(protocol.RuleLinks, "no links", beforeClaims, links())
	m.badField(protocol.RuleLinks, "1 link, the minimum of this network is 2", beforeClaims, links(some[0]))
	m.badField(protocol.RuleLinks, "17 links", beforeClaims, links(some...))
	m.badField(protocol.RuleLinks, "links not sorted", beforeClaims, links(some[1], some[0]))
	m.badField(protocol.RuleLinks, "the last of 16 links not sorted", beforeClaims, links(append(slices.Clone(some[1:16]), some[0])...))
	m.badField(protocol.RuleLinks, "a link twice", beforeClaims, links(some[0], some[0]))
	m.badField(protocol.RuleLinks, "a link twice at the end", beforeClaims, links(some[0], some[1], some[1]))
	many := make([]string, 16)
	for i := range many {
		many[i] = fmt.Sprintf("part-%d", i)
	}
	m.bad(protocol.RuleSelectors, "16 selectors", "free", m.base("free", many...), func(b *builder) { b.plain = nil })
	m.bad(protocol.RuleSelectors, "a selector twice, the primary one", "free", m.base("free", "horse#2", "horse#2"), nil)
	m.bad(protocol.RuleSelectors, "a selector twice, not the primary one", "free", m.base("free", "bad", "horse#2", "horse#2"), nil)
	m.bad(protocol.RuleSelectors, "the primary selector again, later", "free", m.base("free", "part-3", "part-3", "part-1", "part-2", "part-4"), nil)
	m.bad(protocol.RuleSelectors, "ordinal 2^63", "free", m.base("free"), func(b *builder) { b.names[0].ordinal = 1 << 63 })
	m.bad(protocol.RuleSelectors, "ordinal 2^64-1, second selector", "free", m.base("free", "horse", "bad"), func(b *builder) { b.names[1].ordinal = 1<<64 - 1 })
	swap := func(h []any) { s := h[6].([]any); s[1], s[2] = s[2], s[1] }
	m.bad(protocol.RuleSelectors, "selectors not sorted by key", "free", m.base("free", "horse", "bad", "ride"), func(b *builder) { b.at[beforeSignature] = swap })
	m.bad(protocol.RuleSelectors, "selectors not sorted by ordinal", "free", m.base("free", "horse", "bad#1", "bad#2"), func(b *builder) { b.at[beforeSignature] = swap })
}

func (m *vectorMaker) makeRejectedValues() {
	header, value := m.base("free").build(m.t)
	m.badFrame(protocol.RuleValue, "value: another one of the same size", "free", frameOf(m.t, header, bytes.Repeat([]byte{1}, len(value))))
	m.badFrame(protocol.RuleValue, "value: one byte missing", "free", frameOf(m.t, header, value[:len(value)-1]))
	m.badFrame(protocol.RuleValue, "value: one byte too many", "free", frameOf(m.t, header, append(bytes.Clone(value), 0)))
	m.badFrame(protocol.RuleValue, "value: empty bytes in place of the value", "free", frameOf(m.t, header, []byte{}))
	b := m.base("free")
	b.plain = nil
	tombstone, _ := b.build(m.t)
	m.badFrame(protocol.RuleValue, "value: in the frame of a tombstone", "free", frameOf(m.t, tombstone, value))
	m.badFrame(protocol.RuleValue, "value: empty bytes in the frame of a tombstone", "free", frameOf(m.t, tombstone, []byte{}))
	m.bad(protocol.RuleValue, "value: of size 0", "free", m.base("free"), func(b *builder) { b.plain, b.sealed = nil, []byte{} })
	m.bad(protocol.RuleValue, "value: header says another size", "free", m.base("free"), func(b *builder) {
		b.at[beforeClaims] = func(h []any) { h[5].([]any)[1] = uint64(7) }
	})
	sealed := func(n int) func(*builder) {
		return func(b *builder) { b.plain, b.sealed = nil, make([]byte, n) }
	}
	m.bad(protocol.RuleSize, "value: 1025 bytes, the limit of this network is 1024", "free", m.base("free"), sealed(1025))
	m.bad(protocol.RuleSize, "certificate: value of 16385 bytes", "free", m.base("free"), func(b *builder) { sealed(16385)(b); b.kind = 3 })
	m.bad(protocol.RuleSize, "certificate: value of 16385 bytes, on a network with a limit of 61440", "single", m.base("single"), func(b *builder) { sealed(16385)(b); b.kind = 3 })
	m.bad(protocol.RuleSize, "commentary: value of 1025 bytes", "free", m.base("free"), func(b *builder) { sealed(1025)(b); b.kind = 2 })
	m.bad(protocol.RuleSize, "value: header says 2^32-1 bytes", "free", m.base("free"), func(b *builder) {
		b.at[beforeClaims] = func(h []any) { h[5].([]any)[1] = uint64(1<<32 - 1) }
	})
}

func (m *vectorMaker) makeRejectedWork() {
	paid := func(effort uint32) func(*builder) { return func(b *builder) { b.effort = effort } }
	m.bad(protocol.RuleEffort, "no work where some is required", "paid", m.base("paid"), nil)
	m.bad(protocol.RuleEffort, "effort of one too little", "paid", m.base("paid"), paid(7))
	work := func(effort uint64) func([]any) {
		return func(h []any) { h[8] = []any{make([]byte, 8), make([]byte, 16), effort} }
	}
	m.badField(protocol.RuleEffort, "work with effort 0 where none is required", atTheEnd, work(0))
	m.badField(protocol.RuleWork, "work that is no solution", atTheEnd, work(1))
	m.bad(protocol.RuleWork, "effort raised afterwards", "paid", m.base("paid"), func(b *builder) {
		b.effort = 8
		b.at[atTheEnd] = func(h []any) { h[8].([]any)[2] = uint64(9) }
	})
	m.bad(protocol.RuleWork, "effort lowered afterwards", "free", m.base("free"), func(b *builder) {
		b.effort = 2
		b.at[atTheEnd] = func(h []any) { h[8].([]any)[2] = uint64(1) }
	})
	m.bad(protocol.RuleWork, "work for another nonce", "paid", m.base("paid"), func(b *builder) {
		b.effort = 8
		b.at[atTheEnd] = func(h []any) { h[8].([]any)[0].([]byte)[7] ^= 1 }
	})
	m.bad(protocol.RuleWork, "work for another signature", "paid", m.base("paid"), func(b *builder) {
		b.effort = 8
		b.at[atTheEnd] = func(h []any) { h[7].([]byte)[0] ^= 1 }
	})
	m.bad(protocol.RuleWork, "work for another network", "free", m.base("free"), func(b *builder) {
		b.effort = 8
		at := b.network
		b.at[beforeWork] = func([]any) { b.network = m.networks["other"].ID() }
		b.at[atTheEnd] = func([]any) { b.network = at }
	})
}

func (m *vectorMaker) makeRejectedSignatures() {
	selector := func(h []any, i int) []any { return h[6].([]any)[i].([]any) }
	claim := func(name string, change func(b *builder, h []any)) {
		m.bad(protocol.RuleClaim, name, "free", m.base("free", "horse#2", "bad"), func(b *builder) {
			b.at[beforeSignature] = func(h []any) { change(b, h) }
		})
	}
	claim("claim with another name", func(_ *builder, h []any) {
		selector(h, 0)[0] = []byte(fixedKey("no name").Public().(ed25519.PublicKey))
	})
	claim("claim for another ordinal", func(_ *builder, h []any) { selector(h, 0)[1] = uint64(3) })
	claim("claims exchanged", func(_ *builder, h []any) {
		a, b := selector(h, 0), selector(h, 1)
		a[2], b[2] = b[2], a[2]
	})
	claim("claim for another body", func(_ *builder, h []any) { h[3] = h[3].(uint64) + 1 })
	claim("claim of zeros, second selector", func(_ *builder, h []any) { selector(h, 1)[2] = make([]byte, 64) })
	claim("claim with S not below the group's order", func(_ *builder, h []any) { selector(h, 1)[2] = largeS(selector(h, 1)[2].([]byte)) })
	claim("claim for another network", func(b *builder, h []any) {
		there := *b
		there.network = m.networks["other"].ID()
		body := sha256.Sum256(encodeAny(m.t, h[:6]))
		selector(h, 0)[2] = ed25519.Sign(b.names[0].key, append(there.domain("lf/claim/1", body), 0, 0, 0, 0, 0, 0, 0, 2))
	})
	signature := func(name string, s stage, change func(b *builder, h []any)) {
		m.bad(protocol.RuleSignature, name, "free", m.base("free"), func(b *builder) {
			b.at[s] = func(h []any) { change(b, h) }
		})
	}
	resign := func(b *builder, key ed25519.PrivateKey, h []any) {
		h[7] = ed25519.Sign(key, b.domain("lf/record/1", sha256.Sum256(encodeAny(m.t, h[:7]))))
	}
	signature("signature of another owner", atTheEnd, func(b *builder, h []any) { resign(b, fixedKey("another owner"), h) })
	signature("signature for another network", atTheEnd, func(b *builder, h []any) {
		there := *b
		there.network = m.networks["other"].ID()
		resign(&there, b.owner, h)
	})
	signature("signature for no network, as in a genesis", atTheEnd, func(b *builder, h []any) {
		hash := sha256.Sum256(encodeAny(m.t, h[:7]))
		h[7] = ed25519.Sign(b.owner, append([]byte("lf/record/1"), hash[:]...))
	})
	signature("signature of the hash alone, without domain", atTheEnd, func(b *builder, h []any) {
		hash := sha256.Sum256(encodeAny(m.t, h[:7]))
		h[7] = ed25519.Sign(b.owner, hash[:])
	})
	m.bad(protocol.RuleSignature, "signature of two selectors, one taken away", "free", m.base("free", "horse#2", "bad"), func(b *builder) {
		b.plain = nil
		b.at[atTheEnd] = func(h []any) { h[6] = h[6].([]any)[:1] }
	})
	signature("signature with S not below the group's order", atTheEnd, func(_ *builder, h []any) { h[7] = largeS(h[7].([]byte)) })
	signature("signature of zeros", atTheEnd, func(_ *builder, h []any) { h[7] = make([]byte, 64) })
	notAPoint := noPoint(m.t)
	signature("owner that is no point", beforeClaims, func(_ *builder, h []any) { h[2] = notAPoint[:] })
	foreign := m.networks["other"].Genesis()[1]
	m.badFrame(protocol.RuleGenesis, "genesis of another network", "free", frameOf(m.t, foreign.HeaderBytes(), foreign.ValueBytes()))
	m.bad(protocol.RuleGenesis, "genesis type in an ordinary record", "free", m.base("free"), func(b *builder) { b.kind = 1 })
	own := m.networks["free"].Genesis()[1]
	m.badFrame(protocol.RuleValue, "genesis of this network with another value", "free", frameOf(m.t, own.HeaderBytes(), make([]byte, len(own.ValueBytes()))))
}
