package protocol_test

import (
	"bytes"
	"cmp"
	"crypto/ed25519"
	"crypto/hkdf"
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"slices"
	"testing"

	"github.com/fxamacker/cbor/v2"
	"golang.org/x/crypto/argon2"
	"golang.org/x/crypto/chacha20poly1305"

	"github.com/lf-store/lf/protocol"
)

// The builder makes records from SPEC.md's words and general libraries alone, without the code
// under test. It is a second implementation, small and slow, that can also be told to make
// mistakes.

// stage is a point in the making of a record at which a mistake can be made.
type stage int

const (
	beforeClaims stage = iota
	beforeSignature
	beforeWork
	atTheEnd
)

// builder describes a record. The fields of a header are held as CBOR's general types.
type builder struct {
	network protocol.ID
	kind    uint64
	owner   ed25519.PrivateKey
	time    uint64
	links   []protocol.ID
	names   []builderName // the first is the primary one, the others get sorted
	sealed  []byte        // the value's bytes, when the value is not plain
	plain   []byte
	form    byte // of plain: 0, or 1 for zstd
	mask    *protocol.Mask
	effort  uint32
	solve   protocol.WorkSolver
	at      map[stage]func(header []any)
}

type builderName struct {
	key     ed25519.PrivateKey
	mask    protocol.Mask
	ordinal uint64
}

var general = func() cbor.EncMode {
	m, err := cbor.CoreDetEncOptions().EncMode()
	if err != nil {
		panic(err)
	}
	return m
}()

func encodeAny(t testing.TB, v any) []byte {
	t.Helper()
	raw, err := general.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return raw
}

// build returns the header and the value of the record.
func (b *builder) build(t testing.TB) (header, value []byte) {
	t.Helper()
	slices.SortFunc(b.names[min(1, len(b.names)):], builderName.compare)
	value = b.seal(t)
	selectors := []any{}
	h := []any{uint64(1), b.kind, []byte(b.owner.Public().(ed25519.PublicKey)), b.time, linksOf(b.links), nil, selectors, nil, nil}
	if value != nil {
		h[5] = []any{cidTag(0x55, sha256.Sum256(value)), uint64(len(value))}
	}
	b.mistake(beforeClaims, h)
	body := sha256.Sum256(encodeAny(t, h[:6]))
	for _, n := range b.names {
		message := binary.BigEndian.AppendUint64(b.domain("lf/claim/1", body), n.ordinal)
		selectors = append(selectors, []any{[]byte(n.key.Public().(ed25519.PublicKey)), n.ordinal, ed25519.Sign(n.key, message)})
	}
	h[6] = selectors
	b.mistake(beforeSignature, h)
	h[7] = ed25519.Sign(b.owner, b.domain("lf/record/1", sha256.Sum256(encodeAny(t, h[:7]))))
	b.mistake(beforeWork, h)
	if b.effort > 0 {
		w, err := b.solve(b.domain("lf/work/1", sha256.Sum256(encodeAny(t, h[:8]))), b.effort)
		if err != nil {
			t.Fatal(err)
		}
		h[8] = []any{w.Nonce[:], w.Solution[:], uint64(w.Effort)}
	}
	b.mistake(atTheEnd, h)
	return encodeAny(t, h), value
}

func (b *builder) mistake(s stage, h []any) {
	if f := b.at[s]; f != nil {
		f(h)
	}
}

func (b *builder) domain(domain string, hash [32]byte) []byte {
	if b.kind == 1 { // a genesis comes before its network
		return slices.Concat([]byte(domain), hash[:])
	}
	return slices.Concat([]byte(domain), b.network[:], hash[:])
}

func (b *builder) composite() protocol.CompositeID {
	sorted := slices.Clone(b.names)
	slices.SortFunc(sorted, builderName.compare)
	data := []byte("lf/composite/1")
	for _, n := range sorted {
		data = binary.BigEndian.AppendUint64(append(data, n.key.Public().(ed25519.PublicKey)...), n.ordinal)
	}
	return sha256.Sum256(data)
}

func (b *builder) seal(t testing.TB) []byte {
	t.Helper()
	if b.plain == nil {
		return b.sealed
	}
	mask := b.mask
	if mask == nil {
		mask = &b.names[0].mask
	}
	owner := protocol.OwnerOf(b.owner)
	return sealFixed(t, b.network, *mask, protocol.Sealing{Owner: owner, Timestamp: b.time, Composite: b.composite()}, b.form, b.plain)
}

// sealFixed seals with a nonce that follows from the rest: for vectors only.
func sealFixed(t testing.TB, network protocol.ID, mask protocol.Mask, s protocol.Sealing, form byte, body []byte) []byte {
	t.Helper()
	info := slices.Concat([]byte("lf/value/1"), s.Owner[:], binary.BigEndian.AppendUint64(nil, s.Timestamp), s.Composite[:])
	key, err := hkdf.Key(sha256.New, mask[:], network[:], string(info), 32)
	if err != nil {
		t.Fatal(err)
	}
	aead, err := chacha20poly1305.New(key)
	if err != nil {
		t.Fatal(err)
	}
	nonce := sha256.Sum256(append([]byte("nonce"), body...))
	return aead.Seal(nonce[:12:12], nonce[:12], append([]byte{form}, body...), nil)
}

func (n builderName) compare(o builderName) int {
	a, b := n.key.Public().(ed25519.PublicKey), o.key.Public().(ed25519.PublicKey)
	return cmp.Or(bytes.Compare(a, b), cmp.Compare(n.ordinal, o.ordinal))
}

// deriveFixed derives a name as SPEC.md says.
func deriveFixed(network *protocol.Network, name string, ordinal uint64) builderName {
	id, h := network.ID(), network.Params().NameHardening
	out := argon2.IDKey([]byte(name), append([]byte("lf/name/1"), id[:]...), h.Passes, h.MemoryKiB, 1, 64)
	return builderName{ed25519.NewKeyFromSeed(out[:32]), protocol.Mask(out[32:]), ordinal}
}

func cidTag(codec byte, digest [32]byte) cbor.Tag {
	return cbor.Tag{Number: 42, Content: append([]byte{0, 1, codec, 0x12, 0x20}, digest[:]...)}
}

func linksOf(ids []protocol.ID) []any {
	list := []any{}
	for _, id := range ids {
		list = append(list, cidTag(0x71, id))
	}
	return list
}

// frameOf frames a header and a value, nil for none.
func frameOf(t testing.TB, header, value []byte) []byte {
	t.Helper()
	return encodeAny(t, []any{header, value})
}

// fixedKey is a key that follows from a word.
func fixedKey(word string) ed25519.PrivateKey {
	seed := sha256.Sum256([]byte("lf test key " + word))
	return ed25519.NewKeyFromSeed(seed[:])
}

// fixedStream is a reader of bytes that follow from a word.
func fixedStream(word string) *bytes.Reader {
	var out []byte
	for i := range 32 {
		sum := sha256.Sum256(fmt.Appendf(nil, "lf test stream %s %d", word, i))
		out = append(out, sum[:]...)
	}
	return bytes.NewReader(out)
}

// fixedLinks are links to records that nobody has.
func fixedLinks(count int) []protocol.ID {
	ids := make([]protocol.ID, count)
	for i := range ids {
		ids[i] = sha256.Sum256(fmt.Appendf(nil, "lf test link %d", i))
	}
	slices.SortFunc(ids, protocol.ID.Compare)
	return ids
}

func sortIDs(ids []protocol.ID) []protocol.ID {
	slices.SortFunc(ids, protocol.ID.Compare)
	return ids
}
