package protocol_test

import (
	"crypto/ed25519"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/hdevalence/ed25519consensus"

	"github.com/lf-store/lf/protocol"
)

func benchmarkRecord(b *testing.B, names int) (*protocol.Network, *protocol.Record) {
	b.Helper()
	n, key := testNetwork(b, nil), testKey(b)
	d := draft(b, n, protocol.OwnerOf(key), "0123456789abcdef0123456789abcdef")
	for i := 1; i < names; i++ {
		d.Names = append(d.Names, protocol.NamePoint{Name: d.Names[0].Name, Ordinal: uint64(i + 2)})
	}
	return n, compose(b, n, key, d)
}

func BenchmarkDecode(b *testing.B) {
	_, r := benchmarkRecord(b, 1)
	frame := r.EncodeFrame()
	b.SetBytes(int64(len(frame)))
	b.ReportAllocs()
	for b.Loop() {
		if _, err := protocol.DecodeFrame(frame); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkDecodeGeneral decodes the same frame with a general codec, checks its form.
func BenchmarkDecodeGeneral(b *testing.B) {
	_, r := benchmarkRecord(b, 1)
	frame := r.EncodeFrame()
	b.SetBytes(int64(len(frame)))
	b.ReportAllocs()
	for b.Loop() {
		if _, broken := decodeGeneralFrame(frame); broken != "" {
			b.Fatal(broken)
		}
	}
}

func BenchmarkEncodeFrame(b *testing.B) {
	_, r := benchmarkRecord(b, 1)
	b.ReportAllocs()
	for b.Loop() {
		r.EncodeFrame()
	}
}

// BenchmarkCheck compares validating with the bare verification of as many signatures, measured in
// the same run. A "times-bare" of 1 would be no overhead, below 1 is what verifying in batches
// gains.
func BenchmarkCheck(b *testing.B) {
	for _, names := range []int{1, 2, 15} {
		b.Run(fmt.Sprintf("selectors=%d", names), func(b *testing.B) {
			n, r := benchmarkRecord(b, names)
			bare := bareVerification() * float64(names+1)
			b.ReportAllocs()
			for b.Loop() {
				if err := n.Check(r, noWork); err != nil {
					b.Fatal(err)
				}
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/bare, "times-bare")
		})
	}
}

func BenchmarkCheckBatch(b *testing.B) {
	for _, size := range []int{1, 8, 64} {
		b.Run(fmt.Sprintf("records=%d", size), func(b *testing.B) {
			n, r := benchmarkRecord(b, 1)
			records := make([]*protocol.Record, size)
			for i := range records {
				records[i] = r
			}
			bare := bareVerification() * 2
			for b.Loop() {
				for _, err := range n.CheckBatch(records, noWork) {
					if err != nil {
						b.Fatal(err)
					}
				}
			}
			one := float64(b.Elapsed().Nanoseconds()) / float64(b.N) / float64(size)
			b.ReportMetric(one, "ns/record")
			b.ReportMetric(one/bare, "times-bare")
		})
	}
}

// bareVerification measures one verification, in nanoseconds.
func bareVerification() float64 {
	const times = 500
	key, message := fixedKey("bench"), make([]byte, 75)
	signature, public := ed25519.Sign(key, message), key.Public().(ed25519.PublicKey)
	start := time.Now()
	for range times {
		ed25519consensus.Verify(public, message, signature)
	}
	return float64(time.Since(start).Nanoseconds()) / times
}

func BenchmarkCompose(b *testing.B) {
	n, key := testNetwork(b, nil), testKey(b)
	d := draft(b, n, protocol.OwnerOf(key), "0123456789abcdef0123456789abcdef")
	for b.Loop() {
		compose(b, n, key, d)
	}
}

func BenchmarkDeriveName(b *testing.B) {
	n := testNetwork(b, func(p *protocol.Params) { p.NameHardening = protocol.DefaultParams().NameHardening })
	for b.Loop() {
		if _, err := n.DeriveName("horse"); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkOpen(b *testing.B) {
	n, r := benchmarkRecord(b, 1)
	name, err := n.DeriveName("horse")
	if err != nil {
		b.Fatal(err)
	}
	for b.Loop() {
		if _, err := n.Open(name.Mask(), r.SealingOf(), r.ValueBytes()); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkChain reads the longest chain and asks who signed it: three signatures.
func BenchmarkChain(b *testing.B) {
	value := slices.Concat(lowerCA.owner("owner", 2).der(), middleCA.ca(lowerCA, 4, -1).der(), rootCA.ca(middleCA, 3, -1).der())
	among := []*protocol.Authority{mustAuthority(b, rootCA.authority())}
	for b.Loop() {
		c, err := protocol.ParseChain(value)
		if err != nil || c.AuthorityAt(testTime, among) == nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkCompare(b *testing.B) {
	p := protocol.DefaultPolicy()
	x, y := protocol.Standing{Timestamp: 1}, protocol.Standing{Timestamp: 2}
	for b.Loop() {
		p.Compare(&x, &y)
	}
}
