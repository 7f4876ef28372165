package lfsync

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"slices"
	"testing"
	"time"

	pubsub "github.com/libp2p/go-libp2p-pubsub"
	pb "github.com/libp2p/go-libp2p-pubsub/pb"
	"github.com/libp2p/go-libp2p/core/peer"

	"github.com/lf-store/lf/protocol"
)

// offline makes a Sync without host and gossip, to which verdicts can be asked of.
func (w *world) offline(t testing.TB, change func(*Config)) (*Sync, *testStore) {
	t.Helper()
	store := newTestStore(w.network)
	c := Config{Network: w.network, Store: store, Verify: noWork}
	if change != nil {
		change(&c)
	}
	s, err := New(c)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return s, store
}

// judge is what gossip does with a frame from a peer.
func (s *Sync) judge(t testing.TB, frame []byte) pubsub.ValidationResult {
	t.Helper()
	return s.validate(t.Context(), peer.ID("somebody"), &pubsub.Message{Message: &pb.Message{Data: frame}})
}

// forge makes a record out of a header that was tampered with.
func forge(t testing.TB, r *protocol.Record, change func(*protocol.Header), value []byte) []byte {
	t.Helper()
	h := r.Header
	h.Links, h.Selectors = slices.Clone(h.Links), slices.Clone(h.Selectors)
	if change != nil {
		change(&h)
	}
	forged, err := protocol.NewRecord(h, value)
	if err != nil {
		t.Fatal(err)
	}
	return forged.EncodeFrame()
}

// resign signs a record whose header was tampered with: only what was changed is wrong with it.
func (w *world) resign(t testing.TB, r *protocol.Record, change func(*protocol.Header), value []byte) []byte {
	t.Helper()
	forged, err := protocol.DecodeFrame(forge(t, r, change, value))
	if err != nil {
		t.Fatal(err)
	}
	if forged, err = w.network.Sign(forged, w.key); err != nil {
		t.Fatal(err)
	}
	return forged.EncodeFrame()
}

// badFrames are frames that are wrong forever and for everybody, by what is wrong with them.
func (w *world) badFrames(t testing.TB) map[string][]byte {
	r := w.record(t)
	good, value := r.EncodeFrame(), r.ValueBytes()
	stranger, err := w.network.DeriveName("stranger")
	if err != nil {
		t.Fatal(err)
	}
	d := w.draft()
	d.Names = []protocol.NamePoint{{Name: stranger, Ordinal: 2}}
	other := w.finish(t, d)
	otherWorld := newWorld(t, nil)
	large := bytes.Repeat([]byte{1}, int(w.network.Params().MaxValue)+1)
	return map[string][]byte{
		"empty":                  {},
		"malformed":              []byte("Bad Horse"),
		"truncated":              good[:len(good)-1],
		"trailing bytes":         append(bytes.Clone(good), 0),
		"oversized":              append(bytes.Clone(good), make([]byte, protocol.MaxFrame)...),
		"re-encoded":             reencode(t, r),
		"signature wrong":        forge(t, r, func(h *protocol.Header) { h.Signature[5] ^= 1 }, value),
		"owner wrong":            forge(t, r, func(h *protocol.Header) { h.Owner[5] ^= 1 }, value),
		"claim by another name":  w.resign(t, r, func(h *protocol.Header) { h.Selectors[0].Claim = other.Selectors[0].Claim }, value),
		"selector of another":    w.resign(t, r, func(h *protocol.Header) { h.Selectors[0].Key = other.Selectors[0].Key }, value),
		"too few links":          w.resign(t, r, func(h *protocol.Header) { h.Links = h.Links[:1] }, value),
		"links unsorted":         w.resign(t, r, func(h *protocol.Header) { slices.Reverse(h.Links) }, value),
		"unknown type":           w.resign(t, r, func(h *protocol.Header) { h.Type = protocol.TypeMax + 1 }, value),
		"timestamp 0":            w.resign(t, r, func(h *protocol.Header) { h.Timestamp = 0 }, value),
		"value false":            forge(t, r, nil, append([]byte{value[0] ^ 1}, value[1:]...)),
		"value too long":         forge(t, r, nil, append(bytes.Clone(value), 0)),
		"value above the limit":  w.resign(t, r, func(h *protocol.Header) { h.Value = refTo(large) }, large),
		"work that is no work":   forge(t, r, func(h *protocol.Header) { h.Work = &protocol.Work{Effort: 7} }, value),
		"work with effort 0":     forge(t, r, func(h *protocol.Header) { h.Work = &protocol.Work{} }, value),
		"another network's":      otherWorld.record(t).EncodeFrame(),
		"another network's root": otherWorld.network.Genesis()[1].EncodeFrame(),
	}
}

func refTo(value []byte) *protocol.ValueRef {
	return &protocol.ValueRef{ID: sha256.Sum256(value), Size: uint32(len(value))}
}

// reencode writes the length of the header in four bytes where two do.
func reencode(t testing.TB, r *protocol.Record) []byte {
	t.Helper()
	frame, header := r.EncodeFrame(), r.HeaderBytes()
	at := bytes.Index(frame, header)
	if at != 4 || frame[1] != 0x59 {
		t.Fatalf("the frame begins otherwise than this test knows: % x", frame[:8])
	}
	again := binary.BigEndian.AppendUint32([]byte{frame[0], 0x5a}, uint32(len(header)))
	return append(again, frame[at:]...)
}

func TestWrongForEver(t *testing.T) {
	w := newWorld(t, nil)
	s, store := w.offline(t, nil)
	for name, frame := range w.badFrames(t) {
		t.Run(name, func(t *testing.T) {
			_, err := s.Ingest(t.Context(), frame, Local)
			var invalid *protocol.InvalidError
			if !errors.As(err, &invalid) {
				t.Errorf("ingest: %v", err)
			}
			if got := s.judge(t, frame); got != pubsub.ValidationReject {
				t.Errorf("verdict %d, want Reject", got)
			}
		})
	}
	if store.puts != 0 {
		t.Errorf("%d records came to the store", store.puts)
	}
}

func TestTooLittleWork(t *testing.T) {
	w := newWorld(t, func(p *protocol.Params) { p.WorkPerKiB = 1024 })
	checked := false
	s, _ := w.offline(t, func(c *Config) {
		c.Verify = func([]byte, protocol.Work) error { checked = true; return nil }
	})
	r := w.record(t)
	if got := s.judge(t, r.EncodeFrame()); got != pubsub.ValidationReject {
		t.Errorf("without work: verdict %d, want Reject", got)
	}
	need := w.network.RequiredEffort(r)
	less := forge(t, r, func(h *protocol.Header) { h.Work = &protocol.Work{Effort: need - 1} }, r.ValueBytes())
	if got := s.judge(t, less); got != pubsub.ValidationReject || checked {
		t.Errorf("too little work: verdict %d, want Reject; its work was checked: %t", got, checked)
	}
	enough := forge(t, r, func(h *protocol.Header) { h.Work = &protocol.Work{Effort: need} }, r.ValueBytes())
	if got := s.judge(t, enough); got != pubsub.ValidationAccept || !checked {
		t.Errorf("enough work: verdict %d, want Accept; its work was checked: %t", got, checked)
	}
}

// TestNotTheSendersFault has what depends on the clock, the store or the age of this software.
func TestNotTheSendersFault(t *testing.T) {
	w := newWorld(t, nil)
	parent := w.record(t)
	ahead := func(d time.Duration) *protocol.Record {
		draft := w.draft()
		draft.Timestamp = uint64(time.Now().Add(d).UnixMilli())
		return w.finish(t, draft)
	}
	backdated := w.draft(parent)
	backdated.Timestamp = parent.Timestamp - 1
	plain := w.record(t)

	for _, c := range []struct {
		name    string
		frame   []byte
		prepare func(*testStore)
		want    pubsub.ValidationResult
		outcome Outcome
		err     error
	}{
		{name: "attached", frame: plain.EncodeFrame(), want: pubsub.ValidationAccept, outcome: Attached},
		{name: "ancestor missing", frame: w.record(t, parent).EncodeFrame(), want: pubsub.ValidationAccept, outcome: Pending},
		{name: "genesis", frame: w.network.Genesis()[0].EncodeFrame(), want: pubsub.ValidationIgnore, outcome: Known},
		{name: "a little ahead", frame: ahead(time.Minute).EncodeFrame(), want: pubsub.ValidationAccept, outcome: Attached},
		{name: "held", frame: ahead(time.Hour).EncodeFrame(), want: pubsub.ValidationIgnore, outcome: Held},
		{name: "too far ahead", frame: ahead(72 * time.Hour).EncodeFrame(), want: pubsub.ValidationIgnore, err: protocol.ErrTooFarAhead},
		{name: "value absent", frame: forge(t, plain, nil, nil), want: pubsub.ValidationIgnore, err: ErrNoValue},
		{name: "older than its link", frame: w.finish(t, backdated).EncodeFrame(), want: pubsub.ValidationIgnore, outcome: Refused,
			prepare: func(s *testStore) { _, _ = s.Put(t.Context(), parent, 0) }},
		{name: "pending full", frame: w.record(t, parent).EncodeFrame(), want: pubsub.ValidationIgnore, outcome: Refused,
			prepare: func(s *testStore) { s.BoundPending(0) }},
		{name: "store fails", frame: plain.EncodeFrame(), want: pubsub.ValidationIgnore, err: errDisk,
			prepare: func(s *testStore) { s.failPut = errDisk }},
	} {
		t.Run(c.name, func(t *testing.T) {
			for _, way := range []string{"ingest", "gossip"} {
				s, store := w.offline(t, nil)
				if c.prepare != nil {
					c.prepare(store)
				}
				if way == "gossip" {
					if got := s.judge(t, c.frame); got != c.want {
						t.Errorf("verdict %d, want %d", got, c.want)
					}
					continue
				}
				in, err := s.Ingest(t.Context(), c.frame, Local)
				if !errors.Is(err, c.err) || in.Outcome != c.outcome {
					t.Errorf("%s, %v; want %s, %v", in.Outcome, err, c.outcome, c.err)
				}
			}
		})
	}
}

var errDisk = errors.New("disk full")

// A version that this software does not know is nobody's fault.
func TestUnknownVersion(t *testing.T) {
	w := newWorld(t, nil)
	s, _ := w.offline(t, nil)
	frame := w.record(t).EncodeFrame()
	frame[5] = 2 // after the frame's array, the header's length and its array
	_, err := s.Ingest(t.Context(), frame, Local)
	if !protocol.IsUnknownVersion(err) {
		t.Fatal(err)
	}
	if got := s.judge(t, frame); got != pubsub.ValidationIgnore {
		t.Errorf("verdict %d, want Ignore", got)
	}
}

// A known record is recognized before anything costly, and not forwarded again.
func TestKnownIsCheap(t *testing.T) {
	w := newWorld(t, nil)
	s, store := w.offline(t, nil)
	r := w.record(t)
	if got := s.judge(t, r.EncodeFrame()); got != pubsub.ValidationAccept {
		t.Fatalf("first: verdict %d", got)
	}
	s.admission.checker.verifyOne = func(*protocol.Record) error { t.Error("a known record was checked again"); return nil }
	puts := store.puts
	for range 3 {
		if got := s.judge(t, r.EncodeFrame()); got != pubsub.ValidationIgnore {
			t.Errorf("again: verdict %d, want Ignore", got)
		}
		s.admission.recent.Purge() // the store knows it as well
	}
	if store.puts != puts {
		t.Error("a known record was put again")
	}
	// Whoever submits it learns what became of it.
	if in, err := s.Ingest(t.Context(), r.EncodeFrame(), Local); err != nil || in.Outcome != Known || in.State != Attached || in.Index == 0 {
		t.Errorf("submitted again: %+v, %v", in.Stored, err)
	}
	// A false value under its true header does not pass as known.
	if got := s.judge(t, forge(t, r, nil, []byte("false"))); got != pubsub.ValidationReject {
		t.Errorf("false value: verdict %d, want Reject", got)
	}
}

// What a node fetched before gossip brought it is passed on once, because the neighbors may have no
// other way to it.
func TestFetchedIsPassedOnOnce(t *testing.T) {
	w := newWorld(t, nil)
	s, _ := w.offline(t, nil)
	r := w.record(t)
	if _, err := s.Ingest(t.Context(), r.EncodeFrame(), Source{Via: ViaFetch, Peer: "somebody"}); err != nil {
		t.Fatal(err)
	}
	for i, want := range []pubsub.ValidationResult{pubsub.ValidationAccept, pubsub.ValidationIgnore} {
		if got := s.judge(t, r.EncodeFrame()); got != want {
			t.Errorf("copy %d: verdict %d, want %d", i, got, want)
		}
	}
}

// What the store refuses for good is not checked again; what it refuses for now is.
func TestRefusedForGood(t *testing.T) {
	w := newWorld(t, nil)
	s, store := w.offline(t, nil)
	parent := w.record(t)
	_, _ = store.Put(t.Context(), parent, 0)
	d := w.draft(parent)
	d.Timestamp = parent.Timestamp - 1
	old := w.finish(t, d)
	for range 2 {
		if in, err := s.Ingest(t.Context(), old.EncodeFrame(), Local); err != nil || in.Outcome != Refused || in.Err == nil {
			t.Fatalf("%+v, %v", in.Stored, err)
		}
	}
	if store.puts != 2 { // the parent, and the record once
		t.Errorf("%d puts, want 2", store.puts)
	}
	store.BoundPending(0)
	orphan := w.record(t, w.record(t))
	if in, err := s.Ingest(t.Context(), orphan.EncodeFrame(), Local); err != nil || in.Outcome != Refused {
		t.Fatalf("%+v, %v", in.Stored, err)
	}
	store.BoundPending(1)
	if in, err := s.Ingest(t.Context(), orphan.EncodeFrame(), Local); err != nil || in.Outcome != Pending {
		t.Fatalf("when there is room again: %+v, %v", in.Stored, err)
	}
}

func TestMessageID(t *testing.T) {
	w := newWorld(t, nil)
	r := w.record(t)
	id := func(frame []byte) string { return messageID(&pb.Message{Data: frame}) }
	if id(r.EncodeFrame()) == id(forge(t, r, nil, []byte("false"))) {
		t.Error("a false value has the message ID of the true one")
	}
	want := sha256.Sum256(r.EncodeFrame())
	if id(r.EncodeFrame()) != string(want[:]) {
		t.Error("the message ID is not the SHA-256 of the frame")
	}
}
