package protocol_test

import (
	"bytes"
	"crypto/rand"
	"errors"
	"io"
	"strings"
	"testing"

	"github.com/lf-store/lf/protocol"
)

func TestParamsCheck(t *testing.T) {
	t.Parallel()
	for name, change := range map[string]func(*protocol.Params){
		"no name":          func(p *protocol.Params) { p.Name = "" },
		"long name":        func(p *protocol.Params) { p.Name = strings.Repeat("x", 65) },
		"escape in name":   func(p *protocol.Params) { p.Name = "\x1b[2J" },
		"invalid UTF-8":    func(p *protocol.Params) { p.Comment = "\xff" },
		"long contact":     func(p *protocol.Params) { p.Contact = strings.Repeat("x", 257) },
		"long comment":     func(p *protocol.Params) { p.Comment = strings.Repeat("x", 1025) },
		"no links":         func(p *protocol.Params) { p.MinLinks = 0 },
		"17 links":         func(p *protocol.Params) { p.MinLinks = 17 },
		"tiny values":      func(p *protocol.Params) { p.MaxValue = 63 },
		"huge values":      func(p *protocol.Params) { p.MaxValue = protocol.MaxValue + 1 },
		"dear work":        func(p *protocol.Params) { p.WorkPerKiB = 1<<24 + 1 },
		"dear certified":   func(p *protocol.Params) { p.WorkPerKiBCertified = 1<<24 + 1 },
		"7 KiB of memory":  func(p *protocol.Params) { p.NameHardening.MemoryKiB = 7 },
		"2 GiB of memory":  func(p *protocol.Params) { p.NameHardening.MemoryKiB = 2 << 20 },
		"no passes":        func(p *protocol.Params) { p.NameHardening.Passes = 0 },
		"65 passes":        func(p *protocol.Params) { p.NameHardening.Passes = 65 },
		"no clock drift":   func(p *protocol.Params) { p.ClockDrift = 999 },
		"a week of drift":  func(p *protocol.Params) { p.ClockDrift = 7 * 24 * 3600 * 1000 },
		"authorities":      func(p *protocol.Params) { p.Authorities = [][]byte{{1}} },
		"large authority":  func(p *protocol.Params) { p.Authorities = [][]byte{make([]byte, protocol.MaxValue)} },
		"auth is required": func(p *protocol.Params) { p.AuthRequired = true },
	} {
		p := protocol.DefaultParams()
		p.Name = "test"
		change(&p)
		if _, err := protocol.NewNetwork(p, testTime, rand.Reader); err == nil {
			t.Errorf("%s: accepted", name)
		}
	}
	p := protocol.DefaultParams()
	p.Name = "test"
	for _, now := range []uint64{0, protocol.MaxTimestamp + 1} {
		if _, err := protocol.NewNetwork(p, now, rand.Reader); err == nil {
			t.Errorf("a genesis at %d", now)
		}
	}
	for size := range 2 {
		if _, err := protocol.NewNetwork(p, testTime, bytes.NewReader(make([]byte, 32*size))); !errors.Is(err, io.EOF) {
			t.Error(err)
		}
	}
}

// genesis makes a genesis record by the builder's means.
func genesis(t *testing.T, links []protocol.ID, value []byte, change func(*builder)) *protocol.Record {
	t.Helper()
	b := &builder{owner: fixedKey("genesis"), kind: 1, time: testTime, links: links, sealed: value}
	if change != nil {
		change(b)
	}
	header, value := b.build(t)
	r, err := protocol.DecodeRecord(header, value)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// TestOpenNetworkRefuses opens sets of records that are not a genesis.
func TestOpenNetworkRefuses(t *testing.T) {
	t.Parallel()
	n := testNetwork(t, nil)
	first, last := n.Genesis()[0], n.Genesis()[1]
	params := last.ValueBytes()
	datum := compose(t, n, fixedKey("x"), draft(t, n, protocol.OwnerOf(fixedKey("x")), "x"))
	for name, set := range map[string][]*protocol.Record{
		"none":            nil,
		"one of two":      {last},
		"another order":   {last, first},
		"three":           {first, first, last},
		"17":              append(make([]*protocol.Record, 16), last),
		"first twice":     {first, first},
		"a datum":         {datum, last},
		"foreign first":   {testNetwork(t, nil).Genesis()[0], last},
		"no parameters":   {first, recordOf(t, last.HeaderBytes(), nil)},
		"wrong value":     {first, recordOf(t, last.HeaderBytes(), append(bytes.Clone(params[:len(params)-1]), params[len(params)-1]^1))},
		"not parameters":  {first, genesis(t, []protocol.ID{first.ID()}, []byte("x"), nil)},
		"trailing byte":   {first, genesis(t, []protocol.ID{first.ID()}, append(bytes.Clone(params), 0), nil)},
		"other case":      {first, genesis(t, []protocol.ID{first.ID()}, bytes.Replace(params, []byte("maxValue"), []byte("maxvalue"), 1), nil)},
		"wrong signature": {first, tampered(t, last, func(h *protocol.Header) { h.Signature[0] ^= 1 })},
		"with work":       {first, tampered(t, last, func(h *protocol.Header) { h.Work = &protocol.Work{Effort: 1} })},
		"time 0":          {first, genesis(t, []protocol.ID{first.ID()}, params, func(b *builder) { b.time = 0 })},
		"older than last": {first, genesis(t, []protocol.ID{first.ID()}, params, func(b *builder) { b.time = testTime - 1 })},
		"links nothing":   {first, genesis(t, nil, params, nil)},
	} {
		if _, err := protocol.OpenNetwork(set); err == nil {
			t.Errorf("%s: opened", name)
		}
	}
	// What keeps the cases above honest: made in the same way without a mistake, it opens.
	if _, err := protocol.OpenNetwork([]*protocol.Record{first, genesis(t, []protocol.ID{first.ID()}, params, nil)}); err != nil {
		t.Error(err)
	}
	if p := n.Params(); p.Name != "test" || !n.IsGenesis(n.ID()) || n.IsGenesis(datum.ID()) || first.Timestamp != testTime {
		t.Errorf("%+v", p)
	}
}

func recordOf(t *testing.T, header, value []byte) *protocol.Record {
	t.Helper()
	r, err := protocol.DecodeRecord(header, value)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func tampered(t *testing.T, r *protocol.Record, change func(*protocol.Header)) *protocol.Record {
	t.Helper()
	h := r.Header
	change(&h)
	changed, err := protocol.NewRecord(h, r.ValueBytes())
	if err != nil {
		t.Fatal(err)
	}
	return changed
}

func TestNetworkFileLimits(t *testing.T) {
	t.Parallel()
	n := testNetwork(t, nil)
	if _, _, err := protocol.ParseNetworkFile(make([]byte, protocol.MaxNetworkFile+1)); err == nil {
		t.Error("too large a file")
	}
	f := n.File(nil)
	if f.Seeds == nil {
		t.Error("no list of seeds is null in JSON")
	}
	f.Genesis = make([][]byte, 17)
	if _, err := f.Network(); err == nil {
		t.Error("17 genesis records")
	}
	deep := `{"x":` + strings.Repeat("[", 200_000) + strings.Repeat("]", 200_000) + `}`
	if _, _, err := protocol.ParseNetworkFile([]byte(deep)); err == nil {
		t.Error("deep JSON")
	}
}

func TestNames(t *testing.T) {
	t.Parallel()
	n := testNetwork(t, nil)
	for _, bad := range []string{"", "\xff", strings.Repeat("x", protocol.MaxName+1)} {
		if _, err := n.DeriveName(bad); err == nil {
			t.Errorf("derived %.10q", bad)
		}
		if _, err := protocol.NewNameCache(n, 0).Derive(bad); err == nil {
			t.Errorf("derived %.10q", bad)
		}
	}
	cache := protocol.NewNameCache(n, 2)
	for range 2 {
		for _, name := range []string{"a", "b", "c", strings.Repeat("x", protocol.MaxName)} {
			want, err := n.DeriveName(name)
			if err != nil {
				t.Fatal(err)
			}
			got, err := cache.Derive(name)
			if err != nil || got.Selector() != want.Selector() || got.Mask() != want.Mask() {
				t.Errorf("%.10q: %v", name, err)
			}
		}
	}
	if a, b := n.DeriveMask("a"), n.DeriveMask("b"); a == b {
		t.Error("two masking keys, one mask")
	}
	if key, _ := n.DeriveName("a"); key.Mask() == n.DeriveMask("a") {
		t.Error("a masking key gives the mask of the name")
	}
}
