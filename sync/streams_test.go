package lfsync

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"slices"
	"testing"
	"time"

	"github.com/libp2p/go-libp2p/core/network"
	"github.com/libp2p/go-libp2p/core/peer"

	"github.com/lf-store/lf/protocol"
	"github.com/lf-store/lf/sync/internal/negentropy"
)

// go test ./sync -run Streams -update records the sessions again. Nothing in them is random.
var updateStreams = flag.Bool("update", false, "record protocol/testdata/streams.json again")

const vectorsFolder = "../protocol/testdata/"

// streamVectors are sessions of the stream protocols. protocol/testdata/README.md says what the
// fields mean.
type streamVectors struct {
	Network  string          `json:"network"`
	Records  []hexBytes      `json:"records"`
	Sessions []streamSession `json:"sessions"`
}

type streamSession struct {
	Name      string       `json:"name"`
	Protocol  string       `json:"protocol"`
	Initiator streamSide   `json:"initiator"`
	Responder streamSide   `json:"responder"`
	Tests     []streamRole `json:"tests"` // the roles in which an implementation can be tested
	Violation streamRole   `json:"violation,omitempty"`
	Steps     []streamStep `json:"steps"`
}

// streamRole is a side of a stream.
type streamRole string

const (
	roleInitiator streamRole = "initiator"
	roleResponder streamRole = "responder"
)

// other is the opposite role.
func (r streamRole) other() streamRole {
	if r == roleInitiator {
		return roleResponder
	}
	return roleInitiator
}

// streamSide is what a side has, and what it finds out.
type streamSide struct {
	Clock   uint64 `json:"clock"`             // what its clock shows
	Records []int  `json:"records,omitempty"` // that it has, by their index
	Pruned  []int  `json:"pruned,omitempty"`  // of which it has no value
	Damaged []int  `json:"damaged,omitempty"` // which it has and cannot send
	// of a set to compare: from, and up to but without
	Items [][2]int     `json:"items,omitempty"`
	From  *streamBound `json:"from,omitempty"` // where an initiator begins to compare
	Asks  *streamAsk   `json:"asks,omitempty"`
	Sends []int        `json:"announces,omitempty"`
	// pulses that it has at first, that it pushes, and that it has taken in afterwards
	Pulses []hexBytes `json:"pulses,omitempty"`
	Pushes []hexBytes `json:"pushes,omitempty"`
	Takes  []hexBytes `json:"takes,omitempty"`
	// records that the other has and this side lacks
	Learns []protocol.ID `json:"learns,omitempty"`
	Stores []int         `json:"stores,omitempty"` // records that it has afterwards
	Told   []string      `json:"told,omitempty"`   // of each name that it asked for
}

type streamBound struct {
	Timestamp uint64   `json:"timestamp"`
	ID        hexBytes `json:"id"`
}

// streamAsk is what an initiator fetches.
type streamAsk struct {
	Names     []hexBytes `json:"names"` // IDs in full
	Width     int        `json:"width"`
	Ancestors int        `json:"ancestors"`
}

// streamStep is what one side sends before the other says something. End: it closes its side.
type streamStep struct {
	From  streamRole `json:"from"`
	Bytes hexBytes   `json:"bytes"`
	End   bool       `json:"end,omitempty"`
}

// hexBytes are hexadecimal in JSON.
type hexBytes []byte

func (h hexBytes) MarshalText() ([]byte, error) { return []byte(hex.EncodeToString(h)), nil }

func (h *hexBytes) UnmarshalText(text []byte) (err error) {
	*h, err = hex.DecodeString(string(text))
	return err
}

// streamBench is the network of the sessions with all their records.
type streamBench struct {
	*world
	records []*protocol.Record
}

func newStreamBench(t testing.TB, frames []hexBytes) *streamBench {
	t.Helper()
	raw, err := os.ReadFile(vectorsFolder + "networks.json")
	if err != nil {
		t.Fatal(err)
	}
	var files map[string]json.RawMessage
	if err := json.Unmarshal(raw, &files); err != nil {
		t.Fatal(err)
	}
	n, _, err := protocol.ParseNetworkFile(files["free"])
	if err != nil {
		t.Fatal(err)
	}
	b := &streamBench{world: &world{network: n}}
	for _, frame := range frames {
		r, err := protocol.DecodeFrame(frame)
		if err != nil {
			t.Fatal(err)
		}
		b.records = append(b.records, r)
	}
	return b
}

// streamItem is an item of the sets to compare. Two of them share each timestamp.
func streamItem(n int) Item {
	return Item{Timestamp: streamTime + 1000*uint64(n/2), ID: sha256.Sum256(fmt.Append(nil, n))}
}

// streamTime is when the items begin, in 2027: above 2^32 ms.
const streamTime = 1_800_000_000_000

// node makes a node that has what a side has. Nothing but the test makes it act.
func (b *streamBench) node(t testing.TB, side streamSide) *node {
	t.Helper()
	n := &node{store: newTestStore(b.network), host: newHost(t)}
	n.load(t, b.pick(side.Records)...)
	n.load(t, b.pick(side.Damaged)...)
	for _, r := range b.pick(side.Pruned) {
		pruned, err := protocol.NewRecord(r.Header, nil)
		if err != nil {
			t.Fatal(err)
		}
		n.load(t, pruned)
	}
	n.Sync = newSync(Config{
		Network: b.network, Store: streamStore{n.store, side.items(), b.pick(side.Damaged)}, Verify: noWork, Host: &scriptedHost{Host: n.host}, Logger: testLogger(t),
		Clock: func() time.Time { return time.UnixMilli(int64(side.Clock)) },
	})
	t.Cleanup(func() {
		if err := n.Close(); err != nil {
			t.Error(err)
		}
	})
	n.serveStreams()
	n.reconciler.Follow()
	n.group.Go(n.commitQueued)
	eventually(t, "the set is there", n.reconciler.IsReady)
	n.group.Go(n.pulses.Run)
	for _, p := range side.Pulses {
		if v, err := n.pulses.Gossiped(t.Context(), p, "somebody"); v != PulseAccepted {
			t.Fatalf("a pulse that it has: %s, %v", v, err)
		}
	}
	return n
}

// serve serves a stream of a protocol, to its end.
func (n *node) serve(name string, s network.Stream) {
	for i, row := range services {
		if row.Name == name {
			n.limiter.Serve(n.ctx, row.Service, s, n.participants[i].Serve)
		}
	}
}

func (b *streamBench) pick(indices []int) (out []*protocol.Record) {
	for _, i := range indices {
		out = append(out, b.records[i])
	}
	return out
}

// streamStore is a store that also has attached what is nothing but items, and whose disk has
// damaged the headers of some records.
type streamStore struct {
	*testStore
	items   []Item
	damaged []*protocol.Record
}

func (s streamStore) Scan(ctx context.Context, yield func([]Item) error) error {
	if err := s.testStore.Scan(ctx, yield); err != nil {
		return err
	}
	return yield(s.items)
}

func (s streamStore) Unknown(ctx context.Context, ids []protocol.ID) ([]protocol.ID, error) {
	ids = slices.DeleteFunc(slices.Clone(ids), func(id protocol.ID) bool {
		return slices.ContainsFunc(s.items, func(item Item) bool { return item.ID == id })
	})
	return s.testStore.Unknown(ctx, ids)
}

func (s streamStore) Record(ctx context.Context, id protocol.ID) (*protocol.Record, bool, error) {
	return s.read(s.testStore.Record(ctx, id))
}

func (s streamStore) ByPrefix(ctx context.Context, prefixes [][]byte) ([]Match, error) {
	matches, err := s.testStore.ByPrefix(ctx, prefixes)
	for i := range matches {
		m := &matches[i]
		m.Record, _, m.Err = s.read(m.Record, m.Record != nil, nil)
	}
	return matches, err
}

func (s streamStore) read(r *protocol.Record, ok bool, err error) (*protocol.Record, bool, error) {
	if ok && slices.Contains(s.damaged, r) {
		return nil, true, ErrDamaged
	}
	return r, ok, err
}

func readStreams(t testing.TB) (v streamVectors) {
	t.Helper()
	raw, err := os.ReadFile(vectorsFolder + "streams.json")
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(raw, &v); err != nil {
		t.Fatal(err)
	}
	return v
}

// TestStreams plays each session's one side against the code of the other, byte for byte, in each
// role that it tests.
func TestStreams(t *testing.T) {
	if *updateStreams {
		raw, err := json.MarshalIndent(recordStreams(t), "", " ")
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(vectorsFolder+"streams.json", append(raw, '\n'), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	v := readStreams(t)
	b := newStreamBench(t, v.Records)
	tested := map[string]int{}
	for _, s := range v.Sessions {
		for _, role := range s.Tests {
			tested[s.Protocol+" "+string(role)]++
			t.Run(fmt.Sprintf("%s/%s/%s", s.Protocol, s.Name, role), func(t *testing.T) {
				t.Parallel()
				b.replay(t, s, role)
			})
		}
	}
	for _, protocol := range streamServices {
		for _, role := range []streamRole{roleInitiator, roleResponder} {
			if n := tested[protocol+" "+string(role)]; n < 3 {
				t.Errorf("%d sessions of %s test the %s", n, protocol, role)
			}
		}
	}
}

// TestStreamsAreWhatIsRecorded records the sessions again and compares.
func TestStreamsAreWhatIsRecorded(t *testing.T) {
	t.Parallel()
	made, err := json.Marshal(recordStreams(t))
	if err != nil {
		t.Fatal(err)
	}
	file, err := json.Marshal(readStreams(t))
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(made, file) {
		t.Error("streams.json is not what the generator records: go test ./sync -run Streams -update")
	}
}

// replay has the code play one role, and the vectors the other.
func (b *streamBench) replay(t *testing.T, s streamSession, role streamRole) {
	side := s.Initiator
	if role == roleResponder {
		side = s.Responder
	}
	n := b.node(t, side)
	other := newHost(t)
	n.hears(other.ID())
	play := &streamPlayer{role: role.other(), steps: s.Steps}
	guilty := s.Violation == role.other()
	if role == roleResponder {
		connect(t, other, n.host)
		stream, err := other.NewStream(t.Context(), n.host.ID(), streamProtocol(b.network, s.Protocol))
		if err != nil {
			t.Fatal(err)
		}
		play.run(t, stream, guilty)
		b.wantOutcome(t, n, side, s)
		return
	}
	done := make(chan struct{})
	other.SetStreamHandler(streamProtocol(b.network, s.Protocol), func(stream network.Stream) {
		defer close(done)
		play.run(t, stream, guilty)
	})
	connect(t, n.host, other)
	b.begin(t, n, other.ID(), s, guilty)
	<-done
	b.wantOutcome(t, n, side, s)
}

// wantOutcome waits for what a side is to have and to know in the end. What came before a violation
// may be there or not.
func (b *streamBench) wantOutcome(t *testing.T, n *node, side streamSide, s streamSession) {
	t.Helper()
	if s.Violation != "" {
		return
	}
	for _, i := range side.Stores {
		id := b.records[i].ID()
		eventually(t, fmt.Sprintf("record %d is stored", i), func() bool { return n.store.State(id) == Attached })
	}
	for i, r := range b.records {
		if had := slices.Contains(side.Stores, i) || slices.Contains(side.Records, i) || slices.Contains(side.Pruned, i) || slices.Contains(side.Damaged, i); !had && n.store.State(r.ID()) != 0 {
			t.Errorf("record %d is stored", i)
		}
	}
	if s.Protocol == "pulse" {
		b.wantPulses(t, n, side)
	}
	if s.Protocol != "reconcile" {
		return
	}
	eventually(t, "it knows what it lacks", func() bool { return slices.Equal(n.learned(), side.Learns) })
}

// wantPulses waits for the pulses that a side has taken in, and wants no others.
func (b *streamBench) wantPulses(t *testing.T, n *node, side streamSide) {
	t.Helper()
	newest := map[protocol.ID]protocol.Pulse{}
	for _, p := range b.decodePulses(t, slices.Concat(side.Pulses, side.Takes)) {
		newest[p.Record] = p
	}
	for i, r := range b.records {
		want, pulsed := newest[r.ID()]
		eventually(t, fmt.Sprintf("of record %d it has the pulse of second %d", i, want.Second), func() bool {
			got, ok, err := n.NewestPulse(t.Context(), Claim{Composite: r.CompositeID(), Owner: r.Owner})
			return err == nil && ok == pulsed && got == want
		})
	}
}

func (b *streamBench) decodePulses(t *testing.T, list []hexBytes) (pulses []protocol.Pulse) {
	t.Helper()
	for _, raw := range list {
		p, err := protocol.DecodePulse(raw)
		if err != nil {
			t.Fatal(err)
		}
		pulses = append(pulses, p)
	}
	return pulses
}

// hears has a node want what a peer lists, and ask nothing of it.
func (n *node) hears(p peer.ID) {
	n.fetcher.Meet(p, true)
	n.fetcher.Pause(p, time.Hour)
}

// learned returns what a node wants, in the order of the IDs.
func (n *node) learned() (ids []protocol.ID) {
	for id := range n.fetcher.Wanted() {
		ids = append(ids, id)
	}
	slices.SortFunc(ids, protocol.ID.Compare)
	return ids
}

func (f *streamBound) bound() negentropy.Bound {
	if f == nil {
		return negentropy.Bound{}
	}
	return negentropy.Bound{Timestamp: f.Timestamp, ID: negentropy.ID(f.ID)}
}
