package store

import (
	"bytes"
	"compress/gzip"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/ipfs/go-datastore"

	"github.com/lf-store/lf/internal/intake"
	"github.com/lf-store/lf/protocol"
)

var updateFixtures = flag.Bool("update", false, "write a fixture of today's schema into testdata, where it has none")

// fixture is a small database as one schema wrote it, with what it answers. Databases of users are
// like it: the test that opens it fails where a migration loses or changes something.
type fixture struct {
	Network json.RawMessage
	// Names are asked for, one by one, whatever other selectors a key has. Authority is one that
	// the network does not know.
	Names     []string
	Authority []byte
	Oracles   []protocol.Owner
	Told      fixtureTold
}

// fixtureTold is what a store says of its database.
type fixtureTold struct {
	Stats           map[string]uint64
	Answers         []string
	Weights, Hidden map[string]uint64
	Missing, Tips   []protocol.ID
	Pulses          map[string]uint64
	Written, Words  map[string]int
	Datastore       string
}

// TestFixtures opens the databases in testdata, which older schemas wrote. They are sound when they
// are up to date, and say what they said when they were written.
func TestFixtures(t *testing.T) {
	t.Parallel()
	if *updateFixtures {
		writeFixture(t)
	}
	homes, err := filepath.Glob(filepath.Join("testdata", "schema*"))
	if err != nil || len(homes) == 0 {
		t.Fatal(homes, err)
	}
	for _, home := range homes {
		t.Run(filepath.Base(home), func(t *testing.T) {
			t.Parallel()
			path := filepath.Join(t.TempDir(), "lf.db")
			f := readFixture(t, home, path)
			n, _, err := protocol.ParseNetworkFile(f.Network)
			if err != nil {
				t.Fatal(err)
			}
			s := openAt(t, worldOf(n), path, Options{})
			mustBeSound(t, s)
			f.mustTell(t, s)
		})
	}
}

// mustTell compares what a store says with what the fixture's said.
func (f *fixture) mustTell(t *testing.T, s *Store) {
	t.Helper()
	have, err := json.MarshalIndent(f.ask(t, s), "", "\t")
	if err != nil {
		t.Fatal(err)
	}
	want, err := json.MarshalIndent(f.Told, "", "\t")
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(have, want) {
		t.Errorf("it says\n%s\nwant\n%s", have, want)
	}
}

// readFixture reads a fixture, and unpacks its database to a path.
func readFixture(t *testing.T, home, path string) (f fixture) {
	t.Helper()
	raw, err := os.ReadFile(filepath.Join(home, "fixture.json"))
	if err == nil {
		err = json.Unmarshal(raw, &f)
	}
	if err != nil {
		t.Fatal(err)
	}
	packed, err := os.Open(filepath.Join(home, "lf.db.gz"))
	if err != nil {
		t.Fatal(err)
	}
	defer packed.Close()
	z, err := gzip.NewReader(packed)
	if err != nil {
		t.Fatal(err)
	}
	database, err := io.ReadAll(z)
	if err == nil {
		err = os.WriteFile(path, database, 0o600)
	}
	if err != nil {
		t.Fatal(err)
	}
	return f
}

// ask asks a store for all that the fixture tells.
func (f *fixture) ask(t *testing.T, s *Store) fixtureTold {
	t.Helper()
	ctx := t.Context()
	n := s.network
	told := fixtureTold{Weights: map[string]uint64{}, Hidden: map[string]uint64{}, Pulses: map[string]uint64{}, Written: map[string]int{}, Words: map[string]int{}}
	stats, err := s.Stats(ctx)
	if err != nil {
		t.Fatal(err)
	}
	told.Stats = map[string]uint64{"attached": stats.Attached, "pending": stats.Pending, "held": stats.Held, "tips": stats.Tips,
		"dropped pending": stats.DroppedPending, "dropped held": stats.DroppedHeld}
	authority, err := protocol.ParseAuthority(f.Authority)
	if err != nil {
		t.Fatal(err)
	}
	composites := map[protocol.CompositeID]bool{}
	for _, name := range f.Names {
		key, err := n.DeriveName(name)
		if err != nil {
			t.Fatal(err)
		}
		for _, q := range []Query{
			{},
			{Open: true, History: true, Explain: true, Oracles: f.Oracles},
			{Authorities: []*protocol.Authority{authority}, Until: testTime + 5000},
			{Policy: protocol.Policy{protocol.CriterionWeight}},
		} {
			q.Where = []Range{{key.Selector(), 0, 1 << 20}}
			answers := mustQuery(t, s, q)
			for _, a := range answers.Keys {
				composites[a.Composite] = true
				line := fmt.Sprintf("%s %v: %d claims", name, a.Ordinals, a.Total)
				for _, c := range a.Claims {
					line += ", " + short(c.Record)
					if q.Explain {
						line += fmt.Sprintf(" of weight %d, first seen %d, lost by %q", c.Standing.Weight, c.Seen, c.LostBy)
					}
					for _, o := range c.Older {
						line += " after " + short(o.Record)
					}
				}
				told.Answers = append(told.Answers, line)
			}
		}
	}
	if err := s.Attached(ctx, func(records []*protocol.Record) error {
		for _, r := range records {
			_, info, err := s.Get(ctx, r.ID())
			if err != nil {
				return err
			}
			told.Weights[r.ID().String()] = info.Weight
			if info.Hidden {
				told.Hidden[r.ID().String()] = info.Index
			}
		}
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	if told.Missing, err = s.Missing(ctx, 100); err != nil {
		t.Fatal(err)
	}
	slices.SortFunc(told.Missing, func(a, b protocol.ID) int { return bytes.Compare(a[:], b[:]) })
	if told.Tips, err = s.Tips(ctx, 1000); err != nil {
		t.Fatal(err)
	}
	for id, p := range pulsesOf(t, s) {
		told.Pulses[id.String()] = p.Second
	}
	for _, owner := range f.Oracles {
		list, _, err := s.WrittenBy(ctx, owner, nil, 1000)
		if err != nil {
			t.Fatal(err)
		}
		told.Written[owner.String()] = len(list)
		for composite := range composites {
			words, err := s.Words(ctx, owner, composite)
			if err != nil {
				t.Fatal(err)
			}
			told.Words[owner.String()] += len(words)
		}
	}
	value, err := s.Datastore().Get(ctx, datastore.NewKey("/peers/one"))
	if err != nil {
		t.Fatal(err)
	}
	told.Datastore = string(value)
	return told
}

// short is the end of a record's ID, which tells it from others.
func short(r *protocol.Record) string {
	id := r.ID().String()
	return id[len(id)-8:]
}

// writeFixture writes a fixture of today's schema.
func writeFixture(t *testing.T) {
	t.Helper()
	names, err := migrationNames()
	if err != nil {
		t.Fatal(err)
	}
	home := filepath.Join("testdata", fmt.Sprintf("schema%d", len(names)))
	if _, err := os.Stat(home); err == nil {
		return
	}
	w := newTrustWorld(t, nil)
	path := filepath.Join(t.TempDir(), "lf.db")
	s, err := Open(path, w.Network, Options{})
	if err != nil {
		t.Fatal(err)
	}
	f := fixture{Authority: w.foreign.der, Oracles: []protocol.Owner{w.ownerID(6), w.ownerID(7), w.ownerID(0)}}
	s.Elect(f.Oracles[:2])
	fillFixture(t, w, s)
	settleRanks(t, s, f.Oracles[:2])
	f.Names = slices.Sorted(maps.Keys(w.names))
	file := w.File(nil)
	if f.Network, err = json.Marshal(file); err != nil {
		t.Fatal(err)
	}
	f.Told = f.ask(t, s)
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	database, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	var packed bytes.Buffer
	z, err := gzip.NewWriterLevel(&packed, gzip.BestCompression)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := z.Write(database); err != nil {
		t.Fatal(err)
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	told, err := json.MarshalIndent(f, "", "\t")
	if err != nil {
		t.Fatal(err)
	}
	if err := os.MkdirAll(home, 0o755); err != nil {
		t.Fatal(err)
	}
	for name, data := range map[string][]byte{"lf.db.gz": packed.Bytes(), "fixture.json": append(told, '\n')} {
		if err := os.WriteFile(filepath.Join(home, name), data, 0o644); err != nil {
			t.Fatal(err)
		}
	}
}

// fillFixture puts something of everything into a store.
func fillFixture(t *testing.T, w *trustWorld, s *Store) {
	t.Helper()
	put := func(r *protocol.Record) *protocol.Record {
		mustPut(t, s, r, Attached)
		return r
	}
	// certified owners, one of them by an intermediate, and one by a stranger
	chains := map[int]*protocol.Record{}
	for owner, by := range map[int]*authority{1: w.ca, 2: w.middle, 3: w.other, 4: w.foreign} {
		chains[owner] = put(w.certificate(uint64(owner), w.always(t, by, owner)))
	}
	var last []*protocol.Record
	for i := range 12 {
		r := put(w.make(spec{at: uint64(100 + i), owner: 1, sels: []sel{{"page", uint64(i)}}, value: fmt.Sprintf("page %d", i), links: append([]*protocol.Record{chains[1]}, last...)}))
		last = []*protocol.Record{r}
	}
	// a crowded key, with versions, releases, a late one, and twins
	var crowd []*protocol.Record
	for owner := 20; owner < 20+defaultTuning.crowded+6; owner++ {
		crowd = append(crowd, put(w.full(spec{at: uint64(200 + owner), owner: owner, sels: []sel{{"crowd", 7}}, value: fmt.Sprint(owner), links: last})))
	}
	put(w.full(spec{at: 400, owner: 21, kind: protocol.TypeRelease, sels: []sel{{"crowd", 7}}, links: crowd[1:2]}))
	put(w.full(spec{at: 402, owner: 22, sels: []sel{{"crowd", 7}}, value: "again", links: crowd[2:3]}))
	put(w.full(spec{at: 401, owner: 22, kind: protocol.TypeRelease, sels: []sel{{"crowd", 7}}, links: crowd[2:3]}))
	put(worked(w.make(spec{at: 403, owner: 23, sels: []sel{{"crowd", 7}}, value: "twin", links: crowd[3:4]}), paid))
	put(worked(w.make(spec{at: 403, owner: 23, sels: []sel{{"crowd", 7}}, value: "twin", links: crowd[3:4]}), paid+1))
	// keys of several selectors, contested and with versions
	for i := range 10 {
		put(w.full(spec{at: uint64(500 + i), owner: i % 3, sels: []sel{{"left", uint64(i / 3)}, {"right", 1}}, value: fmt.Sprint(i), links: last}))
	}
	put(w.full(spec{at: 600, owner: 5, sels: []sel{{"left", 0}, {"right", 1}, {"third", 9}}, links: last}))
	// what oracles say, and a revocation that hides
	put(w.commentary(700, 6, protocol.Word{Composite: w.compositeOf(sel{"crowd", 7}), Owner: w.ownerID(24), Objects: true}))
	put(w.commentary(701, 7, protocol.Word{Composite: w.compositeOf(sel{"crowd", 7}), Owner: w.ownerID(25), Objects: true}))
	hidden := put(w.make(spec{at: 702, owner: 2, sels: []sel{{"hidden", 0}}, value: "hidden", links: []*protocol.Record{chains[2]}}))
	put(w.full(spec{at: 703, owner: 3, sels: []sel{{"hidden", 0}}, value: "seen", links: []*protocol.Record{hidden}}))
	put(w.revocation(704, ownerMiddle, w.revoke(t, w.middle, chains[2].ValueBytes(), 0, 0), chains[2]))
	// one that waits for another and for one that nobody has, one that waits for what is held
	missing := w.full(spec{at: 800, sels: []sel{{"missing", 0}}})
	mustPut(t, s, w.full(spec{at: 801, owner: 1, sels: []sel{{"waits", 0}}, value: "w", links: []*protocol.Record{missing, chains[1]}}), Pending)
	ahead := w.full(spec{at: 900_000, sels: []sel{{"ahead", 0}}})
	mustHold(t, s, ahead, testTime+900_000, Held)
	mustHold(t, s, w.make(spec{at: 900_001, owner: 1, sels: []sel{{"ahead", 1}}}), testTime+900_001, Held)
	mustPut(t, s, w.full(spec{at: 900_002, sels: []sel{{"waits", 1}}, links: []*protocol.Record{ahead}}), Pending)
	var kept []intake.KeptPulse
	for i, r := range crowd[10:14] {
		p, ok, err := s.PulsedRecord(t.Context(), r.ID())
		if err != nil || !ok {
			t.Fatal(ok, err)
		}
		kept = append(kept, intake.KeptPulse{Pulse: w.pulseOf(r, 30+i, 1_800_000_000), Index: p.Index})
	}
	if err := s.KeepPulses(t.Context(), kept, nil); err != nil {
		t.Fatal(err)
	}
	if err := s.Datastore().Put(t.Context(), datastore.NewKey("/peers/one"), []byte("an address")); err != nil {
		t.Fatal(err)
	}
}
