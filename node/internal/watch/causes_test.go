package watch

import (
	"maps"
	"slices"
	"testing"
	"time"

	"github.com/lf-store/lf/node/api"
	"github.com/lf-store/lf/protocol"
	"github.com/lf-store/lf/store"
)

// scene is a node with one watcher, whose records are made by hand.
type scene struct {
	*testing.T
	*testNode
	watcher *testWatcher
	now     uint64
}

func newScene(t *testing.T, change func(*protocol.Params), o Options, keys ...Key) *scene {
	w := newWorld(t, change)
	n := &testNode{world: w, path: t.TempDir() + "/lf.db", policy: protocol.DefaultPolicy()}
	n.options.Clock = driftingClock(1)
	n.start(t)
	s := &scene{T: t, testNode: n, watcher: &testWatcher{node: n, view: map[spot]protocol.ID{}, told: map[spot]string{}, options: o, keys: keys}}
	s.watcher.request.Keys = make([]api.WatchKey, len(keys))
	t.Cleanup(func() {
		n.hub.Close()
		s.watcher.disconnect()
		n.stop()
	})
	return s
}

// put makes and puts a record that links others, and pays an effort.
func (s *scene) put(kind protocol.Type, signer int, effort uint32, value []byte, names []string, links ...*protocol.Record) *protocol.Record {
	s.Helper()
	if len(links) < 2 {
		links = append(links, s.Genesis()...)
	}
	s.now++
	d := protocol.Draft{Type: kind, Owner: s.owner(signer), Timestamp: start + s.now, Value: value}
	for _, l := range links[:max(2, min(len(links), 3))] {
		d.Links = append(d.Links, l.ID())
	}
	for _, n := range names {
		d.Names = append(d.Names, protocol.NamePoint{Name: s.name(n)})
	}
	r := s.make(s, d, signer, effort)
	result, err := s.store.Put(s.Context(), r, 0)
	if err != nil || result.Outcome != store.Attached {
		s.Fatalf("%+v, %v", result, err)
	}
	return r
}

// knows wants the watcher to know soon that these records answer, and nothing else.
func (s *scene) knows(records ...*protocol.Record) {
	s.Helper()
	want := map[protocol.ID]bool{}
	for _, r := range records {
		want[r.ID()] = true
	}
	for begin := time.Now(); ; time.Sleep(time.Millisecond) {
		s.watcher.mu.Lock()
		have := map[protocol.ID]bool{}
		for _, id := range s.watcher.view {
			have[id] = true
		}
		done := s.watcher.listed == nil && maps.Equal(have, want)
		s.watcher.mu.Unlock()
		if done {
			return
		}
		if time.Since(begin) > soon {
			s.Fatalf("the watcher knows %v, want %v", have, want)
		}
	}
}

func (s *scene) key(name string) Key { return Key{Where: []store.Range{s.where(name, 0, 0)}} }

// TestWeightIsAdded: the second of two claims overtakes the first by records under other keys.
func TestWeightIsAdded(t *testing.T) {
	t.Parallel()
	s := newScene(t, func(p *protocol.Params) { p.Authorities, p.WorkPerKiB = nil, 0 }, Options{OwnOracles: true})
	s.watchName("a")
	first := s.put(protocol.TypeDatum, 0, 3*paid, []byte("v"), []string{"a"})
	second := s.put(protocol.TypeDatum, 1, paid, []byte("v"), []string{"a"})
	s.knows(first)
	last := second
	for range 5 {
		last = s.put(protocol.TypeDatum, 2, paid, []byte("v"), []string{"b"}, last, s.Genesis()[0])
	}
	s.knows(second)
	s.put(protocol.TypeDatum, 2, 9*paid, []byte("v"), []string{"b"}, first, s.Genesis()[0])
	s.knows(first)
}

// TestCertificateComes: a claim wins when its owner is certified, and loses when the certificate
// is revoked.
func TestCertificateComes(t *testing.T) {
	t.Parallel()
	s := newScene(t, func(*protocol.Params) {}, Options{OwnOracles: true, Policy: protocol.Policy{"certified", "weight", "newest"}})
	s.watchName("a")
	first := s.put(protocol.TypeDatum, 0, 3*paid, []byte("v"), []string{"a"})
	second := s.put(protocol.TypeDatum, 1, paid, []byte("v"), []string{"a"})
	s.knows(first)
	certificate := s.put(protocol.TypeCertificate, 2, paid, s.certificates[4], nil)
	s.knows(second)
	s.put(protocol.TypeRevocation, ownCA, paid, s.lists[8].value, nil, certificate, second)
	s.knows(first)
}

// TestOracleSpeaks: a claim loses when an elected oracle objects.
func TestOracleSpeaks(t *testing.T) {
	t.Parallel()
	s := newScene(t, func(p *protocol.Params) { p.Authorities, p.WorkPerKiB = nil, 0 }, Options{OwnOracles: true})
	s.watchName("a")
	first := s.put(protocol.TypeDatum, 0, 3*paid, []byte("v"), []string{"a"})
	second := s.put(protocol.TypeDatum, 1, paid, []byte("v"), []string{"a"})
	s.knows(first)
	s.elect(protocol.DefaultPolicy(), []protocol.Owner{s.owner(3)})
	words, err := protocol.EncodeCommentary([]protocol.Word{{Composite: first.CompositeID(), Owner: first.Owner, Objects: true}})
	if err != nil {
		t.Fatal(err)
	}
	s.put(protocol.TypeCommentary, 3, paid, words, nil)
	s.knows(second)
	s.elect(protocol.DefaultPolicy(), nil)
	s.knows(first)
}

// TestReleaseIsRevoked: a range has an answer again when the release that took it away is hidden.
func TestReleaseIsRevoked(t *testing.T) {
	t.Parallel()
	s := newScene(t, func(p *protocol.Params) { p.WorkPerKiB = 1 }, Options{OwnOracles: true})
	certificate := s.put(protocol.TypeCertificate, 2, paid, s.certificates[0], nil)
	value := s.put(protocol.TypeDatum, 0, paid, []byte("v"), []string{"a"})
	s.put(protocol.TypeRelease, 0, 0, nil, []string{"a"}, certificate, value)
	s.watcher.keys = []Key{{Where: []store.Range{s.where("a", 0, 1)}}}
	s.watcher.request.Keys = make([]api.WatchKey, 1)
	s.watcher.connect()
	s.knows()
	s.put(protocol.TypeRevocation, ownCA, paid, s.lists[0].value, nil)
	s.knows(value)
}

// watchName watches one name.
func (s *scene) watchName(name string) {
	s.watcher.keys = []Key{s.key(name)}
	s.watcher.request.Keys = make([]api.WatchKey, 1)
	s.watcher.connect()
	s.knows()
}

// TestSettledIsTold: when the node has been in sync for a time, what answers has settled, and that
// nothing does.
func TestSettledIsTold(t *testing.T) {
	t.Parallel()
	s := newScene(t, func(p *protocol.Params) { p.Authorities, p.WorkPerKiB = nil, 0 }, Options{OwnOracles: true})
	s.watchName("a")
	s.watcher.disconnect()
	s.watcher.request.SettledAfter = 20
	s.watcher.connect()
	first := s.put(protocol.TypeDatum, 0, paid, []byte("v"), []string{"a"})
	s.knows(first)
	s.mu.Lock()
	s.synced = true
	s.mu.Unlock()
	s.tick()
	settles := func(want ...protocol.ID) {
		t.Helper()
		for begin := time.Now(); ; time.Sleep(time.Millisecond) {
			s.watcher.mu.Lock()
			have := slices.Clone(s.watcher.settled)
			s.watcher.mu.Unlock()
			if slices.Equal(have, want) {
				return
			}
			if time.Since(begin) > soon {
				t.Fatalf("settled are %v, want %v", have, want)
			}
		}
	}
	settles(first.ID())
	s.put(protocol.TypeRelease, 0, paid, nil, []string{"a"}, first)
	s.knows()
	settles(first.ID(), protocol.ID{})
	if s.watcher.wrong != nil {
		t.Fatal(s.watcher.wrong)
	}
}
