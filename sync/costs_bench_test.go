package lfsync

import (
	"context"
	"crypto/ed25519"
	"crypto/rand"
	"crypto/sha256"
	"io"
	"net"
	"os"
	"path/filepath"
	"slices"
	"sync/atomic"
	"testing"
	"time"

	"github.com/hdevalence/ed25519consensus"
	pubsub "github.com/libp2p/go-libp2p-pubsub"
	"github.com/libp2p/go-libp2p/core/peer"

	"github.com/lf-store/lf/internal/usage"
	"github.com/lf-store/lf/protocol"
	"github.com/lf-store/lf/store"
	"github.com/lf-store/lf/sync/internal/negentropy"
)

// costs are the records that BenchmarkCosts sends on their way, and what each step needs of them.
type costs struct {
	*world
	verify  protocol.WorkVerifier
	work    protocol.Work
	frames  [][]byte
	records []*protocol.Record
}

// BenchmarkCosts tells where the time goes of a record that comes by gossip. It measures the
// processor time of each step, on all cores, and of the bare primitives that the step needs. Run it
// with -benchtime 20000x. Eight records are under way at a time.
func BenchmarkCosts(b *testing.B) {
	w, verify, work := paidWorld(b)
	for _, step := range []struct {
		name string
		run  func(c *costs, b *testing.B)
	}{
		{"1-gossip", (*costs).gossip}, {"1-gossip/bare", (*costs).pipe},
		{"2-decode", (*costs).decode}, {"2-decode/bare", (*costs).hash},
		{"3-signatures", (*costs).signatures}, {"3-signatures/bare", (*costs).bareSignatures},
		{"4-work", (*costs).proofs},
		{"5-store", (*costs).put}, {"5-store/bare", (*costs).write},
		{"6-set", (*costs).insert},
		{"2-to-6-at-once", (*costs).ingest},
	} {
		b.Run(step.name, func(b *testing.B) {
			c := &costs{world: w, verify: verify, work: work, frames: w.paidFrames(b, b.N, 8, work)}
			for _, frame := range c.frames {
				r, err := protocol.DecodeFrame(frame)
				if err != nil {
					b.Fatal(err)
				}
				c.records = append(c.records, r)
			}
			step.run(c, b)
		})
	}
}

// measure reports the processor time of something that is done with all records.
func (c *costs) measure(b *testing.B, do func()) {
	b.Helper()
	before, err := usage.Self()
	if err != nil {
		b.Skip(err)
	}
	b.ReportAllocs()
	b.ResetTimer()
	do()
	b.StopTimer()
	after, err := usage.Self()
	if err != nil {
		b.Fatal(err)
	}
	b.ReportMetric(float64(after.Sub(before).Processor.Nanoseconds())/1000/float64(b.N), "cpu-µs/record")
}

// gossip sends frames from one router to another on loopback, 32 at a time. Both use time.
func (c *costs) gossip(b *testing.B) {
	a, z := newHost(b), newHost(b)
	from, to := newPubSub(b, a, PubSubOptions(c.network, nil)...), newPubSub(b, z, PubSubOptions(c.network, nil)...)
	var came atomic.Int64
	if err := to.RegisterTopicValidator(gossipTopic(c.network), func(context.Context, peer.ID, *pubsub.Message) pubsub.ValidationResult {
		came.Add(1)
		return pubsub.ValidationAccept
	}); err != nil {
		b.Fatal(err)
	}
	topic, err := from.Join(gossipTopic(c.network))
	if err != nil {
		b.Fatal(err)
	}
	far, err := to.Join(gossipTopic(c.network))
	if err != nil {
		b.Fatal(err)
	}
	if _, err := far.Relay(); err != nil {
		b.Fatal(err)
	}
	connect(b, a, z)
	for len(topic.ListPeers()) == 0 {
		time.Sleep(time.Millisecond)
	}
	c.measure(b, func() {
		for i, frame := range c.frames {
			for int64(i)-came.Load() >= 32 {
				time.Sleep(100 * time.Microsecond)
			}
			if err := topic.Publish(b.Context(), frame); err != nil {
				b.Fatal(err)
			}
		}
		for came.Load() < int64(b.N) {
			time.Sleep(100 * time.Microsecond)
		}
	})
}

// pipe sends the bytes of the frames through a TCP connection on loopback.
func (c *costs) pipe(b *testing.B) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		b.Fatal(err)
	}
	defer l.Close()
	out, err := net.Dial("tcp", l.Addr().String())
	if err != nil {
		b.Fatal(err)
	}
	defer out.Close()
	in, err := l.Accept()
	if err != nil {
		b.Fatal(err)
	}
	defer in.Close()
	c.measure(b, func() {
		buffer := make([]byte, 4096)
		for _, frame := range c.frames {
			if _, err := out.Write(frame); err != nil {
				b.Fatal(err)
			}
			if _, err := io.ReadFull(in, buffer[:len(frame)]); err != nil {
				b.Fatal(err)
			}
		}
	})
}

func (c *costs) decode(b *testing.B) {
	c.measure(b, func() {
		for _, frame := range c.frames {
			if _, err := protocol.DecodeFrame(frame); err != nil {
				b.Fatal(err)
			}
		}
	})
}

// hash is the record's ID and that of its value.
func (c *costs) hash(b *testing.B) {
	c.measure(b, func() {
		for _, r := range c.records {
			if protocol.ID(sha256.Sum256(r.HeaderBytes())) != r.ID() || sha256.Sum256(r.ValueBytes()) != r.Value.ID {
				b.Fatal("another hash")
			}
		}
	})
}

// signatures checks them as they come under load: some wait together.
func (c *costs) signatures(b *testing.B) {
	c.measure(b, func() {
		for some := range slices.Chunk(c.records, maxBatch) {
			for _, err := range c.network.CheckAuthorshipBatch(some) {
				if err != nil {
					b.Fatal(err)
				}
			}
		}
	})
}

// bareSignatures checks two signatures a record, each alone.
func (c *costs) bareSignatures(b *testing.B) {
	public, secret, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		b.Fatal(err)
	}
	message := make([]byte, 80)
	signature := ed25519.Sign(secret, message)
	c.measure(b, func() {
		for range 2 * len(c.records) {
			if !ed25519consensus.Verify(public, message, signature) {
				b.Fatal("a signature that is not one")
			}
		}
	})
}

// proofs are bare: one verification of Equi-X a record.
func (c *costs) proofs(b *testing.B) {
	c.measure(b, func() {
		for range c.records {
			if err := c.verify(nil, c.work); err != nil {
				b.Fatal(err)
			}
		}
	})
}

// bulk is how many records are stored in one transaction.
const bulk = 256

func (c *costs) put(b *testing.B) {
	s, err := store.Open(filepath.Join(b.TempDir(), "lf.db"), c.network, store.Options{})
	if err != nil {
		b.Fatal(err)
	}
	defer s.Close()
	c.measure(b, func() {
		for some := range slices.Chunk(c.records, bulk) {
			if _, err := s.PutAll(b.Context(), some, nil); err != nil {
				b.Fatal(err)
			}
		}
	})
}

// write appends the frames to a file and waits for the disk as often.
func (c *costs) write(b *testing.B) {
	f, err := os.Create(filepath.Join(b.TempDir(), "file"))
	if err != nil {
		b.Fatal(err)
	}
	defer f.Close()
	c.measure(b, func() {
		for some := range slices.Chunk(c.frames, bulk) {
			if _, err := f.Write(slices.Concat(some...)); err != nil {
				b.Fatal(err)
			}
			if err := f.Sync(); err != nil {
				b.Fatal(err)
			}
		}
	})
}

func (c *costs) insert(b *testing.B) {
	var tree negentropy.Tree
	c.measure(b, func() {
		for _, r := range c.records {
			tree.Insert(negentropy.Item{Timestamp: r.Timestamp, ID: negentropy.ID(r.ID())})
		}
	})
}

// ingest takes frames in as they come by gossip, several at a time, with all steps but the first.
func (c *costs) ingest(b *testing.B) {
	st, err := store.Open(filepath.Join(b.TempDir(), "lf.db"), c.network, store.Options{})
	if err != nil {
		b.Fatal(err)
	}
	defer st.Close()
	s, err := New(Config{Network: c.network, Store: realStore{st}, Verify: c.verify})
	if err != nil {
		b.Fatal(err)
	}
	defer s.Close()
	c.measure(b, func() { ingestGossip(b, s, c.frames) })
}
