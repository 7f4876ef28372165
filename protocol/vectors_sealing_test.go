package protocol_test

import (
	"bytes"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"strings"
	"testing"

	"github.com/klauspost/compress/zstd"

	"github.com/lf-store/lf/protocol"
)

// sealingVector is a sealed value and, where it can be opened, what is in it.
type sealingVector struct {
	Name      string               `json:"name"`
	Network   string               `json:"network"`
	Mask      hexBytes             `json:"mask"`
	Owner     protocol.Owner       `json:"owner"`
	Timestamp uint64               `json:"timestamp"`
	Composite protocol.CompositeID `json:"composite"`
	Sealed    hexBytes             `json:"sealed"`
	Plain     *hexBytes            `json:"plain"`
}

func sealingVectors(t testing.TB, networks map[string]*protocol.Network) []sealingVector {
	t.Helper()
	base := sealingVector{Network: "free", Mask: maskFixed(networks["free"], "correct horse"), Owner: protocol.OwnerOf(fixedKey("owner")),
		Timestamp: testTime, Composite: sha256.Sum256([]byte("a composite"))}
	var list []sealingVector
	add := func(name string, form byte, body, plain []byte) *sealingVector {
		v := base
		s := protocol.Sealing{Owner: v.Owner, Timestamp: v.Timestamp, Composite: v.Composite}
		v.Name, v.Sealed = name, sealFixed(t, networks["free"].ID(), protocol.Mask(v.Mask), s, form, body)
		if plain != nil {
			v.Plain = (*hexBytes)(&plain)
		}
		list = append(list, v)
		return &list[len(list)-1]
	}
	text, long := []byte("Bad Horse"), bytes.Repeat([]byte{0}, protocol.MaxPlaintext)
	add("plain", 0, text, text)
	add("empty", 0, []byte{}, []byte{})
	add("zstd", 1, zstdOf(t, long[:1000]), long[:1000])
	add("zstd of 65536 bytes", 1, zstdOf(t, long), long)
	add("zstd of 65537 bytes", 1, zstdOf(t, append(long, 0)), nil)
	add("zstd of 10 MiB", 1, zstdOf(t, make([]byte, 10<<20)), nil)
	add("zstd of 10 MiB whose frame does not say so", 1, zstdStream(t, 10<<20), nil)
	add("zstd with a checksum", 1, zstdOf(t, text, zstd.WithEncoderCRC(true)), text)
	add("zstd, truncated", 1, zstdOf(t, long[:1000])[:10], nil)
	add("zstd, no bytes at all", 1, []byte{}, nil)
	addZstdFrames(t, func(name string, body, plain []byte) { add("zstd, "+name, 1, body, plain) })
	add("form 2", 2, text, nil)
	add("another mask", 0, text, nil).Mask = make(hexBytes, 32)
	add("another owner", 0, text, nil).Owner[0] ^= 1
	add("another timestamp", 0, text, nil).Timestamp++
	add("another composite key", 0, text, nil).Composite[0] ^= 1
	add("another network", 0, text, nil).Network = "other"
	v := add("a bit of the nonce changed", 0, text, nil)
	v.Sealed[0] ^= 1
	v = add("a bit of the tag changed", 0, text, nil)
	v.Sealed[len(v.Sealed)-1] ^= 1
	v = add("truncated", 0, text, nil)
	v.Sealed = v.Sealed[:len(v.Sealed)-1]
	v = add("28 bytes: too short for nonce, form and tag", 0, text, nil)
	v.Sealed = v.Sealed[:28]
	v = add("no bytes", 0, text, nil)
	v.Sealed = hexBytes{}
	return list
}

// zstdStream compresses zeros without their number in front.
func zstdStream(t testing.TB, zeros int) []byte {
	t.Helper()
	var out bytes.Buffer
	e, err := zstd.NewWriter(&out, zstd.WithEncoderConcurrency(1), zstd.WithWindowSize(protocol.MaxPlaintext))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := e.Write(make([]byte, zeros)); err != nil {
		t.Fatal(err)
	}
	if err := e.Close(); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

func TestVectorsSealing(t *testing.T) {
	t.Parallel()
	networks := fixedNetworks(t)
	current(t, "sealing.json", sealingVectors(t, networks))
	for _, v := range readVectors[[]sealingVector](t, "sealing.json") {
		s := protocol.Sealing{Owner: v.Owner, Timestamp: v.Timestamp, Composite: v.Composite}
		plain, err := networks[v.Network].Open(protocol.Mask(v.Mask), s, v.Sealed)
		switch {
		case v.Plain == nil && !errors.Is(err, protocol.ErrUnreadable):
			t.Errorf("%s: opened %q, %v", v.Name, plain, err)
		case v.Plain != nil && (err != nil || plain == nil || !bytes.Equal(plain, *v.Plain)):
			t.Errorf("%s: opened %q, %v", v.Name, plain, err)
		}
	}
}

// fileVector is the text of a network file, and part of what is wrong with it, if anything is.
type fileVector struct {
	Name  string       `json:"name"`
	Text  string       `json:"text"`
	ID    *protocol.ID `json:"id"`
	Error string       `json:"error,omitempty"`
}

func fileVectors(t testing.TB, networks map[string]*protocol.Network) []fileVector {
	t.Helper()
	n := networks["free"]
	id := n.ID()
	raw, err := json.Marshal(n.File([]string{"/ip4/127.0.0.1/tcp/4001"}))
	if err != nil {
		t.Fatal(err)
	}
	text := string(raw)
	list := []fileVector{{Name: "a network file", Text: text, ID: &id},
		{Name: "a key that is not known", Text: `{"future":[1],` + text[1:], ID: &id},
		{Name: "a byte order mark", Text: "\ufeff" + text, ID: &id},
		{Name: "without seeds", Text: strings.Replace(text, `"seeds":["/ip4/127.0.0.1/tcp/4001"],`, "", 1), ID: &id}}
	bad := func(name, because, old, new string) {
		changed := strings.Replace(text, old, new, 1)
		if changed == text {
			t.Fatalf("%s: nothing changed", name)
		}
		list = append(list, fileVector{Name: name, Text: changed, Error: because})
	}
	other, err := networks["other"].ID().MarshalText()
	if err != nil {
		t.Fatal(err)
	}
	bad("truncated", "JSON", text[len(text)-1:], "")
	bad("trailing text", "JSON", text, text+"{}")
	bad("another format", "format", "lf-network/1", "lf-network/2")
	bad("the ID of another network", "was changed", id.String(), string(other))
	bad("not an ID", "CID", id.String(), "Qm")
	bad("another name", "was changed", "vectors-free", "default")
	bad("another price", "was changed", `"workPerKiB":0`, `"workPerKiB":1`)
	bad("parameters missing", "was changed", `"params"`, `"parameters"`)
	bad("the ID twice", "twice", `{"format"`, `{"id":"`+string(other)+`","format"`)
	bad("the ID twice, once in capitals", "twice", `{"format"`, `{"ID":"`+id.String()+`","format"`)
	bad("a key that is not known, twice in other cases", "twice", `{"format"`, `{"future":1,"Future":2,"format"`)
	bad("a key in another case", "case of letters", `"format"`, `"FORMAT"`)
	bad("a parameter in another case", "case of letters", `"clockDriftMs"`, `"clockdriftMs"`)
	bad("the secret in another case", "case of letters", `{"format"`, `{"Secret":"`+strings.Repeat("A", 43)+`=","format"`)
	bad("half of a surrogate pair", "surrogate", `"name":"`, `"comment":"\ud83d","name":"`)
	bad("a line break in base64", "line breaks", `"genesis":["glh0`, `"genesis":["glh0\n`)
	bad("a line break in the secret", "base64", `{"format"`, `{"secret":"`+strings.Repeat("A", 42)+`\nA=","format"`)
	bad("a number with an exponent", "digits", "120000", "1.2e5")
	bad("two byte order marks", "JSON", text, "\ufeff\ufeff"+text)
	bad("a parameter twice", "twice", `"workPerKiB":0`, `"workPerKiB":9,"workPerKiB":0`)
	bad("genesis missing", "genesis", `"genesis"`, `"Genesis2"`)
	bad("a genesis record missing", "genesis", `"genesis":["`, `"genesis":["","`)
	return list
}

func TestVectorsNetworkFiles(t *testing.T) {
	t.Parallel()
	current(t, "networkfiles.json", fileVectors(t, fixedNetworks(t)))
	for _, v := range readVectors[[]fileVector](t, "networkfiles.json") {
		n, _, err := protocol.ParseNetworkFile([]byte(v.Text))
		switch {
		case v.ID == nil && (err == nil || !strings.Contains(err.Error(), v.Error)):
			t.Errorf("%s: want an error with %q, have %v", v.Name, v.Error, err)
		case v.ID != nil && (err != nil || n.ID() != *v.ID):
			t.Errorf("%s: %v", v.Name, err)
		}
	}
}
