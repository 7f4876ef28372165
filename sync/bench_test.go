package lfsync

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"crypto/rand"
	"encoding/binary"
	"errors"
	"path/filepath"
	"runtime"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/hdevalence/ed25519consensus"

	"github.com/lf-store/lf/pow"
	"github.com/lf-store/lf/protocol"
	"github.com/lf-store/lf/store"
	"github.com/lf-store/lf/sync/internal/fetch"
)

// paidWorld is a network that asks for work. Solving a proof for each record would take the
// benchmark's time, and verifying does not care whose proof it is. So all records carry one proof
// of one challenge, and it is really verified.
func paidWorld(b *testing.B) (*world, protocol.WorkVerifier, protocol.Work) {
	b.Helper()
	w := newWorld(b, func(p *protocol.Params) { p.WorkPerKiB = 1 })
	challenge := make([]byte, 64)
	const effort = 4
	proof, err := pow.Solve(context.Background(), challenge, effort, runtime.GOMAXPROCS(0), nil)
	if err != nil {
		b.Fatal(err)
	}
	verify := func([]byte, protocol.Work) error { return pow.Verify(challenge, effort, proof) }
	return w, verify, protocol.Work{Nonce: proof.Nonce, Solution: proof.Solution, Effort: effort}
}

// paidFrames makes n records that link to records so far back, as those of concurrent writers do.
func (w *world) paidFrames(b *testing.B, n, back int, work protocol.Work) [][]byte {
	b.Helper()
	records, frames := make([]*protocol.Record, n), make([][]byte, n)
	for i := range n {
		var links []*protocol.Record
		if i > back {
			links = []*protocol.Record{records[i-back], records[i-back-1]}
		}
		r := w.record(b, links...)
		frames[i] = forge(b, r, func(h *protocol.Header) { h.Work = &work }, r.ValueBytes())
		var err error
		if records[i], err = protocol.DecodeFrame(frames[i]); err != nil {
			b.Fatal(err)
		}
	}
	return frames
}

// primitivesBound is how many records a second all cores could verify if verifying were nothing but
// its primitives. These are two Ed25519 signatures and one proof of work.
func primitivesBound(b *testing.B, verify protocol.WorkVerifier, work protocol.Work) float64 {
	b.Helper()
	public, secret, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		b.Fatal(err)
	}
	message := make([]byte, 80)
	signature := ed25519.Sign(secret, message)
	var count atomic.Int64
	var workers sync.WaitGroup
	began := time.Now()
	for range runtime.GOMAXPROCS(0) {
		workers.Go(func() {
			for time.Since(began) < 500*time.Millisecond {
				claim := ed25519consensus.Verify(public, message, signature)
				owner := ed25519consensus.Verify(public, message, signature)
				if err := verify(nil, work); err != nil || !claim || !owner {
					b.Error("a primitive failed", err)
					return
				}
				count.Add(1)
			}
		})
	}
	workers.Wait()
	return float64(count.Load()) / time.Since(began).Seconds()
}

// BenchmarkIngest takes records in, on all cores, into memory and durably into the real store. It
// compares with the bound of the verification's primitives, the mean of what is measured just
// before and just after. Above 100 % batches gain more than all the rest costs. Those called gossip
// come one by one, those called answers by 16 answers of a fetch at a time.
func BenchmarkIngest(b *testing.B) {
	w, verify, work := paidWorld(b)
	for name, ingest := range map[string]func(*testing.B, *Sync, [][]byte){"gossip": ingestGossip, "answers": ingestAnswers} {
		b.Run(name+"/memory", func(b *testing.B) {
			benchmarkIngest(b, w, verify, work, newTestStore(w.network), ingest)
		})
		b.Run(name+"/store", func(b *testing.B) {
			s, err := store.Open(filepath.Join(b.TempDir(), "lf.db"), w.network, store.Options{})
			if err != nil {
				b.Fatal(err)
			}
			defer s.Close()
			benchmarkIngest(b, w, verify, work, realStore{s}, ingest)
		})
	}
}

func benchmarkIngest(b *testing.B, w *world, verify protocol.WorkVerifier, work protocol.Work, st Store, ingest func(*testing.B, *Sync, [][]byte)) {
	s, err := New(Config{Network: w.network, Store: st, Verify: verify})
	if err != nil {
		b.Fatal(err)
	}
	defer s.Close()
	frames := w.paidFrames(b, b.N, 50, work)
	bound := primitivesBound(b, verify, work)
	b.ReportAllocs()
	b.ResetTimer()
	ingest(b, s, frames)
	b.StopTimer()
	bound = (bound + primitivesBound(b, verify, work)) / 2
	rate := float64(b.N) / b.Elapsed().Seconds()
	b.ReportMetric(rate, "records/s")
	b.ReportMetric(bound, "bound/s")
	b.ReportMetric(100*rate/bound, "%-of-bound")
}

func ingestGossip(b *testing.B, s *Sync, frames [][]byte) {
	var next atomic.Int64
	var workers sync.WaitGroup
	for range gossipWorkers {
		workers.Go(func() {
			for i := next.Add(1) - 1; i < int64(len(frames)); i = next.Add(1) - 1 {
				in, err := s.Ingest(context.Background(), frames[i], Source{Via: ViaGossip})
				if err != nil || in.Outcome != Attached && in.Outcome != Pending {
					b.Error(in.Outcome, err)
					return
				}
			}
		})
	}
	workers.Wait()
}

// ingestAnswers has the answers read as fetching does, each as a stream of its own.
func ingestAnswers(b *testing.B, s *Sync, frames [][]byte) {
	var attached atomic.Int64
	defer s.store.Follow(func(items []Item) { attached.Add(int64(len(items))) })()
	var next atomic.Int64
	var workers sync.WaitGroup
	for range 16 {
		workers.Go(func() {
			for {
				to := int(next.Add(fetch.MaxAsked))
				if to-fetch.MaxAsked >= len(frames) {
					return
				}
				ingestAnswer(b, s, frames[to-fetch.MaxAsked:min(to, len(frames))])
			}
		})
	}
	workers.Wait()
	for attached.Load() < int64(len(frames)) {
		time.Sleep(time.Millisecond)
	}
}

func ingestAnswer(b *testing.B, s *Sync, frames [][]byte) {
	var answer bytes.Buffer
	for _, frame := range frames {
		answer.WriteByte(byte(statusComplete))
		_ = binary.Write(&answer, binary.BigEndian, uint32(len(frame)))
		answer.Write(frame)
	}
	in, node := fetch.NewAnswerReader(&answer), fetchNode{s.admission, s}
	var checks sync.WaitGroup
	for len(frames) > 0 {
		batch := make([]fetch.Fetched, min(64, len(frames))) // as many as are verified together
		frames = frames[len(batch):]
		for i := range batch {
			it, err := fetch.ReadItem(in)
			if err != nil {
				b.Error(err)
				return
			}
			batch[i] = fetch.Fetched{Record: it.Record, Asked: true}
		}
		checks.Add(1)
		err := node.Admit(context.Background(), batch, func(found fetch.Checked) {
			if found.Violation != nil {
				b.Error(found.Violation)
			}
			checks.Done()
		})
		if err != nil {
			b.Error(err)
			return
		}
	}
	checks.Wait()
}

// BenchmarkFetch backfills a chain, newest first, between two connected nodes on loopback: 2,000
// and 20,000 records.
func BenchmarkFetch(b *testing.B) {
	for _, c := range []struct {
		name    string
		records int
	}{{"chain-2000", 2000}, {"chain-20000", 20000}} {
		b.Run(c.name, func(b *testing.B) {
			w := newWorld(b, nil)
			chain := w.chain(b, c.records)
			a := w.newNode(b, fetchOnly)
			a.load(b, chain...)
			tip := chain[len(chain)-1].ID()
			for b.Loop() {
				n := w.newNode(b, fetchOnly)
				connect(b, n.host, a.host)
				n.wantNow(tip)
				eventually(b, "the chain has come", func() bool { return n.store.State(tip) == Attached })
				b.StopTimer()
				_ = n.Close()
				_ = n.host.Close()
				b.StartTimer()
			}
			b.ReportMetric(float64(c.records)*float64(b.N)/b.Elapsed().Seconds(), "records/s")
		})
	}
}

// realStore shows the store as Sync wants to see it; the node has its own such adapter.
type realStore struct{ *store.Store }

func (s realStore) Release(ctx context.Context, now uint64) (Stored, error) {
	attached, missing, err := s.Store.Release(ctx, now)
	return Stored{Attached: attached, Missing: missing}, err
}

func (s realStore) Record(ctx context.Context, id protocol.ID) (*protocol.Record, bool, error) {
	r, _, err := s.Get(ctx, id)
	if errors.Is(err, store.ErrNotFound) {
		return nil, false, nil
	}
	return r, err == nil, err
}
