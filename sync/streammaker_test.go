package lfsync

import (
	"bytes"
	"crypto/ed25519"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"slices"
	"sync"
	"testing"

	"github.com/libp2p/go-libp2p/core/network"

	"github.com/lf-store/lf/protocol"
)

// streamRecorder records sessions between two nodes, and makes those in which one side breaks the
// protocol from their beginnings.
type streamRecorder struct {
	*streamBench
	t   *testing.T
	out streamVectors
}

// recordStreams makes all sessions.
func recordStreams(t *testing.T) streamVectors {
	t.Helper()
	r := &streamRecorder{streamBench: newStreamBench(t, nil), t: t}
	r.makeRecords()
	r.out.Network = "free"
	for _, record := range r.records {
		r.out.Records = append(r.out.Records, record.EncodeFrame())
	}
	r.makeReconcile()
	r.makeFetch()
	r.makePush()
	r.makeClock()
	r.makePulse()
	return r.out
}

// makeRecords makes fifteen records: a chain of eight, and seven that link the genesis. Every third
// of the first twelve is a tombstone. The last three are data with values, which may have pulses.
func (r *streamRecorder) makeRecords() {
	key := streamKey()
	name, err := r.network.DeriveName("horse")
	if err != nil {
		r.t.Fatal(err)
	}
	for i := range 15 {
		d := protocol.Draft{
			Type: protocol.TypeReserved, Owner: protocol.OwnerOf(key), Timestamp: streamTime + uint64(i),
			Names: []protocol.NamePoint{{Name: name, Ordinal: uint64(i)}}, Value: bytes.Repeat([]byte{byte(i)}, 10*(i+1)),
		}
		switch {
		case i >= 12:
			// it is sealed the same each time
			d.Type, d.Random = protocol.TypeDatum, bytes.NewReader(make([]byte, 256))
		case i%3 == 2:
			d.Type, d.Value = protocol.TypeDatum, nil
		}
		for _, g := range r.network.Genesis() {
			d.Links = append(d.Links, g.ID())
		}
		if i > 0 && i < 8 {
			d.Links[0] = r.records[i-1].ID()
		}
		record, err := r.network.Compose(d)
		if err != nil {
			r.t.Fatal(err)
		}
		if record, err = r.network.Sign(record, key); err != nil {
			r.t.Fatal(err)
		}
		r.records = append(r.records, record)
	}
}

// record has two nodes talk, and writes down what they say.
func (r *streamRecorder) record(s streamSession) streamSession {
	t := r.t
	for _, side := range []*streamSide{&s.Initiator, &s.Responder} {
		if side.Clock == 0 {
			side.Clock = streamTime + 100_000_000
		}
	}
	a, b, between := r.node(t, s.Initiator), r.node(t, s.Responder), newHost(t)
	name := streamProtocol(r.network, s.Protocol)
	tape, done := &streamTape{}, make(chan struct{})
	between.SetStreamHandler(name, func(in network.Stream) {
		defer close(done)
		out, err := between.NewStream(t.Context(), b.host.ID(), name)
		if err != nil {
			t.Error(err)
			return
		}
		tape.join(in, out, s.Protocol == "fetch")
	})
	connect(t, between, b.host)
	connect(t, a.host, between)
	a.hears(between.ID())
	b.hears(between.ID())
	r.begin(t, a, between.ID(), s, false)
	<-done
	s.Steps = tape.steps
	if s.Protocol == "reconcile" {
		s.Initiator.Learns, s.Responder.Learns = a.learned(), b.learned()
		r.wantLearned(s)
	}
	if s.Tests == nil {
		s.Tests = []streamRole{roleInitiator, roleResponder}
	}
	r.out.Sessions = append(r.out.Sessions, s)
	return s
}

// streamTape is what was said.
type streamTape struct {
	mu    sync.Mutex
	steps []streamStep
}

// note adds what a side said to its step, or begins a new one.
func (p *streamTape) note(from streamRole, b []byte, end bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if n := len(p.steps); n == 0 || p.steps[n-1].From != from {
		p.steps = append(p.steps, streamStep{From: from, Bytes: hexBytes{}})
	}
	last := &p.steps[len(p.steps)-1]
	last.Bytes, last.End = append(last.Bytes, b...), last.End || end
}

// join passes on what both say. Where the initiator says all at once, its end is waited for: the
// responder does not.
func (p *streamTape) join(in, out network.Stream, atOnce bool) {
	defer func() { _, _ = in.Reset(), out.Reset() }()
	if atOnce {
		b, _ := io.ReadAll(in)
		p.note(roleInitiator, b, true)
		_, _ = out.Write(b)
		_ = out.CloseWrite()
		p.pass(roleResponder, out, in)
		return
	}
	var both sync.WaitGroup
	both.Go(func() { p.pass(roleInitiator, in, out) })
	both.Go(func() { p.pass(roleResponder, out, in) })
	both.Wait()
}

func (p *streamTape) pass(from streamRole, in, out network.Stream) {
	for buf := make([]byte, 1<<17); ; {
		n, err := in.Read(buf)
		if end := errors.Is(err, io.EOF); n > 0 || end {
			p.note(from, buf[:n], end)
			_, _ = out.Write(buf[:n])
		}
		if err != nil {
			_ = out.CloseWrite()
			return
		}
	}
}

// broken makes a session of the first steps of another one and something that its sender must not
// send after them.
func (r *streamRecorder) broken(name string, s streamSession, steps int, by streamRole, what []byte, end bool) {
	s.Name, s.Violation, s.Tests = name, by, []streamRole{by.other()}
	s.Steps = append(slices.Clone(s.Steps[:steps]), streamStep{From: by, Bytes: what, End: end})
	for _, side := range []*streamSide{&s.Initiator, &s.Responder} {
		side.Learns, side.Stores, side.Told = nil, nil, nil
	}
	r.out.Sessions = append(r.out.Sessions, s)
}

// scripted makes a session of which one side's part is written by hand.
func (r *streamRecorder) scripted(name string, s streamSession, test streamRole, steps ...streamStep) {
	s.Name, s.Tests, s.Steps = name, []streamRole{test}, steps
	r.out.Sessions = append(r.out.Sessions, s)
}

// wantLearned holds what the sides of a comparison have learned to what there is. An initiator
// learns of all from its bound on, a responder of what was listed to it.
func (r *streamRecorder) wantLearned(s streamSession) {
	drift := r.network.Params().ClockDrift
	from, to := s.Initiator.From.bound().Timestamp, s.Initiator.Clock+drift
	if to > s.Responder.Clock+2*drift {
		to = s.Responder.Clock + drift
	}
	all := func(side, other streamSide) (ids []protocol.ID) {
		has := map[protocol.ID]bool{}
		for _, item := range side.items() {
			has[item.ID] = true
		}
		for _, item := range other.items() {
			if !has[item.ID] && item.Timestamp >= from && item.Timestamp <= to {
				ids = append(ids, item.ID)
			}
		}
		slices.SortFunc(ids, protocol.ID.Compare)
		return ids
	}
	if want := all(s.Initiator, s.Responder); !slices.Equal(s.Initiator.Learns, want) {
		r.t.Errorf("%s: the initiator learned of %d records, want %d", s.Name, len(s.Initiator.Learns), len(want))
	}
	for _, id := range s.Responder.Learns {
		if !slices.Contains(all(s.Responder, s.Initiator), id) {
			r.t.Errorf("%s: the responder learned of %s", s.Name, id)
		}
	}
}

// items are the items of a side's set.
func (s streamSide) items() (items []Item) {
	for _, span := range s.Items {
		for n := span[0]; n < span[1]; n++ {
			items = append(items, streamItem(n))
		}
	}
	return items
}

// sessionFrame is a frame of a comparison, by SPEC.md's words.
func sessionFrame(count uint64, message []byte) []byte {
	b := binary.BigEndian.AppendUint64(nil, count)
	return append(binary.BigEndian.AppendUint32(b, uint32(len(message))), message...)
}

func (r *streamRecorder) makeReconcile() {
	compared := func(name string, initiator, responder [][2]int) streamSession {
		return r.record(streamSession{
			Name: name, Protocol: "reconcile",
			Initiator: streamSide{Items: initiator}, Responder: streamSide{Items: responder},
		})
	}
	compared("equal sets", [][2]int{{0, 100}}, [][2]int{{0, 100}})
	small := compared("small: lists at once", [][2]int{{0, 20}, {22, 24}}, [][2]int{{1, 24}, {26, 28}})
	compared("the initiator has the genesis only", nil, [][2]int{{0, 100}})
	compared("the responder has the genesis only", [][2]int{{0, 20}}, nil)
	medium := compared("medium: fingerprints of parts", [][2]int{{0, 400}, {410, 411}}, [][2]int{{0, 50}, {51, 405}})
	compared("large: answers reach their limit", [][2]int{{0, 600}, {2500, 2600}}, [][2]int{{300, 2600}})
	whole := [][2]int{{0, 200}}
	r.record(streamSession{
		Name: "begins where an earlier session ended", Protocol: "reconcile",
		Initiator: streamSide{Items: [][2]int{{10, 190}}, From: &streamBound{streamItem(100).Timestamp, make(hexBytes, 32)}},
		Responder: streamSide{Items: whole},
	})
	r.makeBounded()
	first, count := small.Steps[0], uint64(2)
	busy := small
	busy.Initiator.Learns, busy.Responder.Learns, busy.Initiator.Told = nil, nil, []string{"busy"}
	r.scripted("the responder cannot compare now", busy, roleInitiator, first, streamStep{roleResponder, sessionFrame(28, nil), true})
	busy.Initiator.Told = nil
	r.scripted("another version of Negentropy is answered with this one, and the session goes on", busy, roleResponder,
		streamStep{roleInitiator, sessionFrame(count, []byte{0x62, 1, 2, 3}), false},
		streamStep{roleResponder, sessionFrame(27, []byte{0x61}), false},
		streamStep{roleInitiator, sessionFrame(count, []byte{0x61}), false},
		streamStep{roleResponder, sessionFrame(27, []byte{0x61}), false},
		streamStep{roleInitiator, hexBytes{}, true}, streamStep{roleResponder, hexBytes{}, true})
	list := append([]byte{0x61, 0, 0, 2, 1}, make([]byte, 32)...)
	for _, v := range []struct {
		name string
		what []byte
	}{
		{"an empty message", sessionFrame(count, nil)},
		{"a message of 32,769 bytes", sessionFrame(count, make([]byte, 32769))},
		{"a set of 2^53 records", sessionFrame(1<<53, []byte{0x61})},
		{"a message that ends too early", sessionFrame(count, []byte{0x61, 0})},
		{"no version", sessionFrame(count, []byte{0x51})},
	} {
		r.broken("initiator: "+v.name, small, 0, roleInitiator, v.what, false)
		if v.name != "an empty message" {
			r.broken("responder: "+v.name, small, 1, roleResponder, v.what, false)
		}
	}
	r.broken("responder: another version", small, 1, roleResponder, sessionFrame(count, []byte{0x62}), false)
	r.broken("responder: a list where none was asked for", medium, 3, roleResponder, sessionFrame(count, list), false)
}

// makeBounded makes comparisons of nodes whose clocks have not reached all records.
func (r *streamRecorder) makeBounded() {
	const second = 1000 // an item is as old as half its number
	for _, v := range []struct {
		name                 string
		initiator, responder uint64
	}{
		{"the initiator's clock is behind: it ends at its bound", streamTime + 30*second, streamTime + 100_000*second},
		{"the responder's clock is a little behind: it answers as usual", streamTime + 90*second, streamTime + 30*second},
		{"the responder's clock is far behind: it answers what lies below its bound", streamTime + 100_000*second, streamTime + 30*second},
		{"the responder's clock is far behind, and nothing lies between", streamTime + 100_000*second, streamTime - 10_000*second},
	} {
		r.record(streamSession{
			Name: v.name, Protocol: "reconcile",
			Initiator: streamSide{Clock: v.initiator, Items: [][2]int{{0, 150}, {160, 390}}}, Responder: streamSide{Clock: v.responder, Items: [][2]int{{10, 380}, {390, 400}}},
		})
	}
}

func (r *streamRecorder) item(st byte, i int) []byte {
	frame := r.records[i].EncodeFrame()
	return append(binary.BigEndian.AppendUint32([]byte{st}, uint32(len(frame))), frame...)
}

func (r *streamRecorder) asks(width, ancestors int, indices ...int) *streamAsk {
	a := &streamAsk{Width: width, Ancestors: ancestors}
	for _, i := range indices {
		id := r.records[i].ID()
		a.Names = append(a.Names, id[:])
	}
	return a
}

func (r *streamRecorder) makeFetch() {
	all := []int{0, 1, 2, 3, 4, 5, 6, 7}
	fetched := func(name string, asks *streamAsk, responder streamSide, initiator streamSide) streamSession {
		initiator.Asks = asks
		return r.record(streamSession{Name: name, Protocol: "fetch", Initiator: initiator, Responder: responder})
	}
	short := fetched("short names, one of them unknown", r.asks(8, 0, 0, 8, 11, 9), streamSide{Records: []int{0, 8, 9}},
		streamSide{Stores: []int{0, 8, 9}, Told: []string{"", "", "unknown", ""}})
	long := fetched("long names, one of them unknown", r.asks(32, 0, 8, 11), streamSide{Records: []int{8}},
		streamSide{Stores: []int{8}, Told: []string{"", "unknown"}})
	fetched("ancestors, nearest first and without the genesis", r.asks(8, 255, 7), streamSide{Records: all}, streamSide{Stores: all})
	chain := fetched("fewer ancestors than there are", r.asks(32, 2, 7), streamSide{Records: all}, streamSide{Records: all[:5], Stores: []int{5, 6, 7}})
	fetched("a record whose value was dropped", r.asks(8, 0, 0, 8), streamSide{Records: []int{8}, Pruned: []int{0}},
		streamSide{Stores: []int{8}, Told: []string{"pruned", ""}})
	fetched("a tombstone, which has no value to drop", r.asks(8, 0, 11), streamSide{Records: []int{11}}, streamSide{Stores: []int{11}})
	fetched("nothing of what is asked for", r.asks(32, 0, 0, 1, 2), streamSide{Records: []int{8}}, streamSide{Told: []string{"unknown", "unknown", "unknown"}})

	fetched("records that are damaged: one was asked for, and is not left out", r.asks(8, 3, 7, 8), streamSide{Records: all, Damaged: []int{8}},
		streamSide{Records: all[:4], Stores: []int{4, 5, 6, 7}, Told: []string{"", "unavailable"}})
	fetched("a damaged ancestor is left out", r.asks(32, 3, 7), streamSide{Records: []int{0, 1, 2, 3, 4, 5, 7}, Damaged: []int{6}},
		streamSide{Records: all[:7], Stores: []int{7}})

	ask := func(s streamSession) streamStep { return s.Steps[0] }
	answer := func(parts ...[]byte) streamStep { return streamStep{roleResponder, slices.Concat(parts...), true} }
	outcome := func(s streamSession, stores []int, told ...string) streamSession {
		s.Initiator.Stores, s.Initiator.Told = stores, told
		return s
	}
	r.scripted("several records have the short name", outcome(short, []int{8}, "ambiguous", "", "unknown", "unknown"), roleInitiator,
		ask(short), answer([]byte{3}, r.item(1, 8), []byte{0}, []byte{0}))
	r.scripted("an answer that ends between two items", outcome(short, []int{0}), roleInitiator, ask(short), answer(r.item(1, 0)))
	unknown := []byte{0x82, 0x43, 0x82, 2, 0xf6, 0xf6} // [header of version 2, no value]
	r.scripted("a record of an unknown version counts as one that cannot be used", outcome(short, []int{8}, "pruned", "", "unknown", "unknown"), roleInitiator,
		ask(short), answer([]byte{1, 0, 0, 0, byte(len(unknown))}, unknown, r.item(1, 8), []byte{0}, []byte{0}))

	names := func(count, ancestors, width byte, n int) []byte {
		return append([]byte{count, ancestors, width}, make([]byte, n)...)
	}
	r.broken("initiator: a request for nothing", short, 0, roleInitiator, names(0, 0, 8, 0), true)
	r.broken("initiator: names of 16 bytes", short, 0, roleInitiator, names(1, 0, 16, 16), true)
	pruned, err := protocol.NewRecord(r.records[0].Header, nil)
	if err != nil {
		r.t.Fatal(err)
	}
	bare := pruned.EncodeFrame()
	false0 := bytes.Clone(r.item(1, 0))
	false0[len(false0)-1] ^= 1
	for _, v := range []struct {
		name string
		to   streamSession
		what []byte
	}{
		{"status 5", short, []byte{5}},
		{"status 3 in answer to a long name", long, []byte{3}},
		{"a frame of 0 bytes", short, []byte{1, 0, 0, 0, 0}},
		{"a frame of 65,553 bytes", short, []byte{1, 0, 1, 0, 0x11}},
		{"a frame that is none", short, []byte{1, 0, 0, 0, 3, 1, 2, 3}},
		{"another record", short, r.item(1, 8)},
		{"status 1 and no value", short, append(binary.BigEndian.AppendUint32([]byte{1}, uint32(len(bare))), bare...)},
		{"status 2 and a value", short, r.item(2, 0)},
		{"another value", short, false0},
		{"an item more than was asked for", long, slices.Concat(r.item(1, 8), []byte{0, 0})},
		{"an ancestor that nothing links to", chain, slices.Concat(r.item(1, 7), r.item(1, 8))},
		{"an ancestor with status 0", chain, append(r.item(1, 7), 0)},
	} {
		r.broken("responder: "+v.name, v.to, 1, roleResponder, v.what, true)
	}
}

func (r *streamRecorder) makePush() {
	pushed := func(name string, sends, has, stores []int) streamSession {
		return r.record(streamSession{
			Name: name, Protocol: "push", Initiator: streamSide{Records: []int{0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11}, Sends: sends},
			Responder: streamSide{Records: has, Stores: stores},
		})
	}
	three := pushed("three records, of which the receiver has one", []int{8, 9, 10}, []int{9}, []int{8, 10})
	pushed("all of them are known", []int{8, 9}, []int{8, 9}, nil)
	pushed("nine records: two bytes tell which are wanted", []int{0, 1, 2, 3, 4, 5, 6, 7, 8}, []int{0, 1, 2}, []int{3, 4, 5, 6, 7, 8})
	id := func(i int) []byte { x := r.records[i].ID(); return x[:] }
	record := func(i int) []byte { return r.item(0, i)[1:] }
	bare, err := protocol.NewRecord(r.records[8].Header, nil)
	if err != nil {
		r.t.Fatal(err)
	}
	r.broken("initiator: an announcement of nothing", three, 0, roleInitiator, []byte{0}, true)
	r.broken("initiator: an announcement of 65 records", three, 0, roleInitiator, append([]byte{65}, make([]byte, 65*32)...), true)
	r.broken("initiator: a record is announced twice", three, 0, roleInitiator, slices.Concat([]byte{2}, id(8), id(8)), true)
	r.broken("initiator: another record", three, 2, roleInitiator, record(11), true)
	r.broken("initiator: the records in another order", three, 2, roleInitiator, append(record(10), record(8)...), true)
	r.broken("initiator: not all that is wanted", three, 2, roleInitiator, record(8), true)
	r.broken("initiator: more than is wanted", three, 2, roleInitiator, slices.Concat(record(8), record(10), record(9)), true)
	frame := bare.EncodeFrame()
	r.broken("initiator: a record without its value", three, 2, roleInitiator, append(binary.BigEndian.AppendUint32(nil, uint32(len(frame))), frame...), true)
	wrong := bytes.Clone(record(8))
	wrong[len(wrong)-1] ^= 1
	r.broken("initiator: a record that is to be rejected", three, 2, roleInitiator, wrong, true)
	r.broken("responder: it wants a record that was not announced", three, 1, roleResponder, []byte{0b1000}, true)
	r.broken("responder: it says more than it wants", three, 1, roleResponder, []byte{0b101, 0}, true)
}

func (r *streamRecorder) makeClock() {
	for i, clock := range []uint64{1_800_000_000_123, 1, 1<<53 - 1} {
		r.record(streamSession{Name: fmt.Sprintf("clock %d", i+1), Protocol: "clock", Responder: streamSide{Clock: clock}})
	}
	s := r.out.Sessions[len(r.out.Sessions)-1]
	r.broken("initiator: a question that says something", s, 0, roleInitiator, []byte{0}, true)
	clock := func(ms uint64) []byte { return binary.BigEndian.AppendUint64(nil, ms) }
	r.broken("responder: 2^53", s, 1, roleResponder, clock(1<<53), true)
	r.broken("responder: nine bytes", s, 1, roleResponder, append(clock(1), 0), true)
}

// streamKey is the key of all records' owner.
func streamKey() ed25519.PrivateKey {
	seed := sha256.Sum256([]byte("lf test key streams"))
	return ed25519.NewKeyFromSeed(seed[:])
}

func (r *streamRecorder) makePulse() {
	const now = (streamTime + 100_000_000) / 1000 // the clocks' second
	at := func(i int, second uint64) hexBytes {
		p := r.network.NewPulse(r.records[i].ID(), second, streamKey())
		return p.Encode()
	}
	data := []int{12, 13, 14}
	old := []hexBytes{at(12, now-120), at(13, now-120), at(14, now-120)}
	beat := at(12, now-20)
	pushed := streamSession{Protocol: "pulse",
		Initiator: streamSide{Records: data, Pushes: []hexBytes{beat, old[1]}},
		Responder: streamSide{Records: data, Pulses: old[:2], Takes: []hexBytes{beat}},
	}
	pushed.Name = "two pulses are pushed, of which one is known"
	pushed = r.record(pushed)
	r.record(streamSession{Name: "a pulse is pushed whose record is unknown", Protocol: "pulse",
		Initiator: streamSide{Records: data, Pushes: []hexBytes{old[0], old[2]}},
		Responder: streamSide{Records: data[:2], Takes: old[:1]},
	})
	asked := r.record(streamSession{Name: "a node that has no pulses asks", Protocol: "pulse",
		Initiator: streamSide{Records: data, Takes: old}, Responder: streamSide{Records: data, Pulses: old},
	})
	r.record(streamSession{Name: "one claim has a newer pulse", Protocol: "pulse",
		Initiator: streamSide{Records: data, Pulses: old, Takes: []hexBytes{beat}},
		Responder: streamSide{Records: data, Pulses: append([]hexBytes{beat}, old[1:]...)},
	})
	r.record(streamSession{Name: "both have the same pulses", Protocol: "pulse",
		Initiator: streamSide{Records: data, Pulses: old}, Responder: streamSide{Records: data, Pulses: old},
	})
	r.makeBrokenPulses(pushed, asked)
}

func (r *streamRecorder) makeBrokenPulses(pushed, asked streamSession) {
	item := func(raw []byte) []byte { return append([]byte{byte(len(raw))}, raw...) }
	sound := pushed.Initiator.Pushes[0]
	forged := bytes.Clone(sound)
	forged[len(forged)-1] ^= 1
	head := asked.Steps[0].Bytes[:10] // kind, until, first
	for _, v := range []struct {
		name string
		what []byte
	}{
		{"a request of kind 2", []byte{2}}, {"a push of no pulse", []byte{0}},
		{"a push of 65 pulses", append([]byte{0}, bytes.Repeat(item(sound), 65)...)},
		{"a pulse of 0 bytes", []byte{0, 0}}, {"a pulse of 118 bytes", append([]byte{0, 118}, make([]byte, 118)...)},
		{"a pulse that breaks off", append([]byte{0}, item(sound)[:50]...)},
		{"a pulse that is none", append([]byte{0}, item(make([]byte, len(sound)))...)},
		{"a pulse that its owner has not signed", append([]byte{0}, item(forged)...)},
		{"a question with one fingerprint", append(bytes.Clone(head), make([]byte, 8)...)},
		{"a question that is too short", head[:5]},
	} {
		r.broken("initiator: "+v.name, pushed, 0, roleInitiator, v.what, true)
	}
	r.broken("responder: an answer to a push", pushed, 1, roleResponder, []byte{0}, true)
	r.broken("responder: a pulse of 118 bytes", asked, 1, roleResponder, append([]byte{118}, make([]byte, 118)...), true)
	r.broken("responder: a pulse that its owner has not signed", asked, 1, roleResponder, item(forged), true)
}
