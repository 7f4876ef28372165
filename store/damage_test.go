package store

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/lf-store/lf/protocol"
)

// rotten is a store that was closed, on a file that a test damages.
type rotten struct {
	w       *world
	path    string
	sound   []byte
	records []*protocol.Record // by index, from 1
}

// rottenStore puts records of all sorts. Under "key" are an old and a new version of one owner, and
// a claim of another one. Under "gone" is a release, and under "chain" are data that range queries
// find.
func rottenStore(t testing.TB) *rotten {
	t.Helper()
	w := newWorld(t)
	f := &rotten{w: w, path: filepath.Join(t.TempDir(), "lf.db"), records: []*protocol.Record{nil}}
	s, err := Open(f.path, w.Network, Options{volatile: true, tuning: tuningWithRuns()})
	if err != nil {
		t.Fatal(err)
	}
	f.records = append(f.records, w.Genesis()...)
	put := func(sp spec) *protocol.Record {
		if last := f.records[len(f.records)-1]; last != nil {
			sp.links = []*protocol.Record{f.records[len(f.records)-2], last}
		}
		sp.at = uint64(len(f.records))
		r := w.make(sp)
		mustPut(t, s, r, Attached)
		f.records = append(f.records, r)
		return r
	}
	for i := range 12 {
		put(spec{sels: []sel{{"chain", uint64(i)}}, value: fmt.Sprintf("value %d", i)})
	}
	put(spec{owner: 1, sels: []sel{{"key", 0}}, value: "old"})
	put(spec{owner: 2, sels: []sel{{"key", 0}}, value: "rival"})
	put(spec{owner: 1, sels: []sel{{"key", 0}}, value: "new"})
	put(spec{owner: 3, sels: []sel{{"gone", 0}}, value: "given up"})
	put(spec{owner: 3, kind: protocol.TypeRelease, sels: []sel{{"gone", 0}}})
	put(spec{owner: 3, sels: []sel{{"gone", 0}}, value: "again"})
	put(spec{owner: 4, sels: []sel{{"lone", 7}, {"chain", 5}}, value: "lone"})
	put(spec{owner: 1, sels: []sel{{"deleted", 0}}})
	put(spec{owner: 1, sels: []sel{{"tip", 0}}, value: "tip"})
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	if f.sound, err = os.ReadFile(f.path); err != nil {
		t.Fatal(err)
	}
	return f
}

// index finds a record by its value before sealing: by the place at which rottenStore put it.
func (f *rotten) index(t testing.TB, name string) int64 {
	t.Helper()
	n := int64(len(f.w.Genesis()))
	at, ok := map[string]int64{"value 5": 6, "old": 13, "rival": 14, "new": 15, "given up": 16, "release": 17, "again": 18, "lone": 19, "deleted": 20, "tip": 21}[name]
	if !ok {
		t.Fatal(name)
	}
	return n + at
}

// open opens the sound file after a change, with what is logged.
func (f *rotten) open(t testing.TB, sql ...string) (*Store, *bytes.Buffer) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "lf.db")
	if err := os.WriteFile(path, f.sound, 0o600); err != nil {
		t.Fatal(err)
	}
	c, err := openConn(path, "rw")
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range sql {
		if err := c.changeRows(s); err != nil {
			t.Fatal(s, err)
		}
	}
	if err := c.close(); err != nil {
		t.Fatal(err)
	}
	log := new(bytes.Buffer)
	s, err := Open(path, f.w.Network, Options{volatile: true, tuning: tuningWithRuns(), Logger: slog.New(slog.NewTextHandler(log, nil))})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	return s, log
}

// plain is the same file with headers that are not packed, as those of repaired records are.
func (f *rotten) plain(t testing.TB) *rotten {
	t.Helper()
	path := filepath.Join(t.TempDir(), "lf.db")
	if err := os.WriteFile(path, f.sound, 0o600); err != nil {
		t.Fatal(err)
	}
	unpackAll(t, path, f.w.Network)
	sound, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return &rotten{w: f.w, records: f.records, path: path, sound: sound}
}

// form is the file in the form that a kind of damage is about.
func (f *rotten) form(t testing.TB, kind string) *rotten {
	t.Helper()
	if strings.HasPrefix(kind, "value") || strings.HasPrefix(kind, "header, plain") {
		return f.plain(t)
	}
	return f
}

// kinds of damage to a record's row, as SQL with the index in place of %d. Where a header is packed
// it follows from the value, too.
var rotKinds = map[string]string{
	"value zero":          "UPDATE records SET value = zeroblob(length(value)) WHERE idx = %d",
	"value cut":           "UPDATE records SET value = substr(value, 1, length(value) - 1) WHERE idx = %d",
	"value gone":          "UPDATE records SET value = NULL WHERE idx = %d",
	"value other":         "UPDATE records SET value = (SELECT value FROM records WHERE idx = 4) WHERE idx = %d",
	"header, value zero":  "UPDATE records SET value = zeroblob(length(value)) WHERE idx = %d",
	"header, value gone":  "UPDATE records SET value = NULL WHERE idx = %d",
	"header, plain cut":   "UPDATE records SET header = substr(header, 1, length(header) - 1) WHERE idx = %d",
	"header, plain other": "UPDATE records SET header = (SELECT header FROM records WHERE idx = 4) WHERE idx = %d",
	"header cut":          "UPDATE records SET header = substr(header, 1, length(header) - 1) WHERE idx = %d",
	"header other":        "UPDATE records SET header = (SELECT header FROM records WHERE idx = 4) WHERE idx = %d",
	"header twin":         "UPDATE records SET (header, value) = (SELECT header, value FROM records WHERE idx = 4) WHERE idx = %d",
	"header empty":        "UPDATE records SET header = x'' WHERE idx = %d",
	"header number":       "UPDATE records SET header = zeroblob(400) WHERE idx = %d",
}

// TestDamagedBytes damages a record in each way and asks for it by each reader: it is never shown,
// and all else is.
func TestDamagedBytes(t *testing.T) {
	t.Parallel()
	f := rottenStore(t)
	w := f.w
	for kind, sql := range rotKinds {
		t.Run(kind, func(t *testing.T) {
			isHeader := strings.HasPrefix(kind, "header")
			on := func(name string) (*Store, *bytes.Buffer, protocol.ID) {
				idx := f.index(t, name)
				s, log := f.form(t, kind).open(t, fmt.Sprintf(sql, idx))
				return s, log, f.records[idx].ID()
			}
			s, log, id := on("new")
			// By ID.
			for range 3 {
				if _, info, err := s.Get(t.Context(), id); !isDamaged(err, id, isHeader) || info.State != Attached {
					t.Errorf("get: %v, %v", info, err)
				}
			}
			if m, err := s.ByPrefix(t.Context(), [][]byte{id[:8]}); err != nil || m[0].Count != 1 || !isDamaged(m[0].Err, id, isHeader) {
				t.Errorf("by prefix: %+v, %v", m, err)
			}
			// All of them, in order: what follows might lack its parent.
			if err := s.Attached(t.Context(), func([]*protocol.Record) error { return nil }); !isDamaged(err, id, isHeader) {
				t.Errorf("attached: %v", err)
			}
			if n := strings.Count(log.String(), "level=ERROR"); n != 1 || !strings.Contains(log.String(), id.String()) {
				t.Errorf("%d errors logged: %s", n, log)
			}
			d := s.Damage()
			if len(d.Records) != 1 || d.Records[0].ID != id || d.Records[0].Part != map[bool]string{true: "header", false: "value"}[isHeader] {
				t.Errorf("damage: %+v", d)
			}
			// The answer is neither the older version nor the rival's claim.
			for _, q := range []Query{{}, {History: true}, {Explain: true, History: true}, {Policy: protocol.Policy{protocol.CriterionNewest}}} {
				q.Where = []Range{w.where("key", 0, 0)}
				a, err := s.Query(t.Context(), q)
				if err != nil || len(a.Keys) != 1 {
					t.Fatalf("%+v: %+v, %v", q, a, err)
				}
				k := a.Keys[0]
				switch {
				case k.Composite != f.records[f.index(t, "new")].CompositeID():
					t.Errorf("%+v: composite %s", q, k.Composite)
				case isHeader && (k.Damaged == nil || k.Damaged.ID != id || len(k.Claims) != 0):
					t.Errorf("%+v: %+v", q, k)
				case !isHeader && (k.Damaged != nil || k.Claims[0].Damaged == nil || k.Claims[0].Record.ID() != id || k.Claims[0].Record.ValueBytes() != nil):
					t.Errorf("%+v: %+v", q, k)
				}
			}
			// An older version and a rival cost the answer nothing but themselves.
			s, _, id = on("old")
			a, err := s.Query(t.Context(), Query{Where: []Range{w.where("key", 0, 0)}, History: true})
			if err != nil || len(a.Keys) != 1 || a.Keys[0].Damaged != nil || len(a.Keys[0].Claims) != 2 {
				t.Fatalf("%+v, %v", a, err)
			}
			best := a.Keys[0].Claims[0]
			if string(best.Record.ValueBytes()) != string(f.records[f.index(t, "new")].ValueBytes()) || len(best.Older) != 1 ||
				best.Older[0].Damaged == nil || best.Older[0].Damaged.ID != id || (best.Older[0].Record == nil) != isHeader {
				t.Errorf("history: %+v", best)
			}
			if a, err := s.Query(t.Context(), Query{Where: []Range{w.where("key", 0, 0)}}); err != nil || len(a.Keys) != 1 || a.Keys[0].Damaged != nil || a.Keys[0].Claims[0].Damaged != nil {
				t.Errorf("without history: %+v, %v", a, err)
			}
			// One of a range.
			s, _, id = on("value 5")
			if a, err = s.Query(t.Context(), Query{Where: []Range{w.where("chain", 0, 100)}}); err != nil || len(a.Keys) != 12 {
				t.Fatalf("range: %d keys, %v", len(a.Keys), err)
			}
			for i, k := range a.Keys {
				damaged := k.Damaged != nil && k.Damaged.ID == id || len(k.Claims) > 0 && k.Claims[0].Damaged != nil && k.Claims[0].Record.ID() == id
				if damaged != (i == 5) || k.Ordinals[0] != uint64(i) {
					t.Errorf("range: key %d: %+v", i, k)
				}
			}
			// The set that is compared with peers' is whole, by its right IDs.
			if items := scanned(t, s); !slices.Equal(unnumbered(items), itemsOf(f.records[1:])) {
				t.Errorf("the set has changed: %v", items)
			}
			// Nothing is built on it.
			s, _, id = on("tip")
			for range 20 {
				if links, err := s.Links(t.Context(), LinksQuery{Count: 2, Now: testTime + 100}); err != nil || len(links.IDs) < 2 || slices.Contains(links.IDs, id) {
					t.Fatalf("links: %v, %v", links, err)
				}
			}
			// What walks the records goes on.
			s, _, _ = on("rival")
			found, next, err := s.Collisions(t.Context(), 0, 100)
			if err != nil || next != uint64(len(f.records)-1) {
				t.Errorf("collisions: %v, %d, %v", found, next, err)
			}
		})
	}
}

func isDamaged(err error, id protocol.ID, header bool) bool {
	d := asDamaged(err)
	return d != nil && d.ID == id && (d.Record == nil) == header && strings.Contains(err.Error(), id.String())
}

// TestRepair puts right bytes in the place of damaged ones, and no others; what is damaged is known
// after a restart.
func TestRepair(t *testing.T) {
	t.Parallel()
	f := rottenStore(t)
	for kind, sql := range rotKinds {
		t.Run(kind, func(t *testing.T) {
			idx := f.index(t, "new")
			s, log := f.form(t, kind).open(t, fmt.Sprintf(sql, idx))
			right, other := f.records[idx], f.records[f.index(t, "old")]
			if _, _, err := s.Get(t.Context(), right.ID()); asDamaged(err) == nil {
				t.Fatal(err)
			}
			if err := s.saveScrub(t.Context(), scrubbed{}); err != nil {
				t.Fatal(err)
			}
			path := s.path
			if err := s.Close(); err != nil {
				t.Fatal(err)
			}
			problems := 0
			if _, err := CheckFile(t.Context(), path, f.w.Network, func(p string) {
				if strings.Contains(p, right.ID().String()) {
					problems++
				}
			}); err != nil || problems == 0 {
				t.Errorf("the check finds %d problems, %v", problems, err)
			}
			s, err := Open(path, f.w.Network, Options{volatile: true, tuning: tuningWithRuns(), Logger: slog.New(slog.NewTextHandler(log, nil))})
			if err != nil {
				t.Fatal(err)
			}
			defer s.Close()
			if d := s.Damage(); len(d.Records) != 1 || d.Records[0].ID != right.ID() {
				t.Fatalf("after a restart: %+v", d)
			}
			select {
			case <-s.DamageFound():
			default:
				t.Error("nobody was told")
			}
			s.Unavailable(right.ID())
			if d := s.Damage(); !d.Records[0].Unavailable {
				t.Errorf("%+v", d)
			}
			if repaired, err := s.Repair(t.Context(), other); repaired || err != nil {
				t.Errorf("repaired what was sound: %v", err)
			}
			bare, err := protocol.DecodeRecord(right.HeaderBytes(), nil)
			if err != nil {
				t.Fatal(err)
			}
			if repaired, err := s.Repair(t.Context(), bare); repaired || err == nil {
				t.Error("repaired without the value")
			}
			wrong, err := protocol.DecodeRecord(right.HeaderBytes(), bytes.Repeat([]byte{1}, len(right.ValueBytes())))
			if err != nil {
				t.Fatal(err)
			}
			if repaired, err := s.Repair(t.Context(), wrong); repaired || err == nil {
				t.Error("repaired with a wrong value")
			}
			if repaired, err := s.Repair(t.Context(), right); !repaired || err != nil {
				t.Fatalf("not repaired: %v", err)
			}
			if r, _, err := s.Get(t.Context(), right.ID()); err != nil || !bytes.Equal(r.EncodeFrame(), right.EncodeFrame()) {
				t.Error(err)
			}
			if d := s.Damage(); len(d.Records) != 0 || d.Repaired != 1 {
				t.Errorf("%+v", d)
			}
			mustBeSound(t, s)
		})
	}
}

// TestRepairByPut repairs a damaged record that is put again.
func TestRepairByPut(t *testing.T) {
	t.Parallel()
	f := rottenStore(t)
	idx := f.index(t, "new")
	s, _ := f.open(t, fmt.Sprintf(rotKinds["header cut"], idx))
	r := f.records[idx]
	if _, _, err := s.Get(t.Context(), r.ID()); asDamaged(err) == nil {
		t.Fatal(err)
	}
	if result := mustPut(t, s, r, Known); result.Index != uint64(idx) {
		t.Errorf("%+v", result)
	}
	if _, _, err := s.Get(t.Context(), r.ID()); err != nil || len(s.Damage().Records) > 0 {
		t.Error(err, s.Damage())
	}
	mustBeSound(t, s)
}

// TestDamageSeenFromBefore holds that a record counts as repaired although a query that began
// before comes upon the damage after. Before, it was repaired once more a second later, and lf
// doctor spoke of damage until then.
func TestDamageSeenFromBefore(t *testing.T) {
	t.Parallel()
	f := rottenStore(t)
	idx := f.index(t, "new")
	r := f.records[idx]
	for name, repair := range map[string]func(*Store) error{
		"a peer's copy": func(s *Store) error { _, err := s.Repair(t.Context(), r); return err },
		"put again":     func(s *Store) error { _, err := s.Put(t.Context(), r, 0); return err },
	} {
		s, _ := f.open(t, fmt.Sprintf(rotKinds["header cut"], idx))
		if _, _, err := s.Get(t.Context(), r.ID()); asDamaged(err) == nil || len(s.Damage().Records) != 1 {
			t.Fatalf("%s: %v, %+v", name, err, s.Damage())
		}
		look := func(before func() error) {
			t.Helper()
			if err := s.read(t.Context(), func(c *conn) error {
				if err := before(); err != nil {
					return err
				}
				_, err := c.frame(idx)
				if asDamaged(err) == nil {
					t.Errorf("%s: the record is sound: %v", name, err)
				}
				return nil
			}); err != nil {
				t.Fatal(err)
			}
		}
		look(func() error { return repair(s) })
		if d := s.Damage(); len(d.Records) > 0 || d.Repaired != 1 {
			t.Errorf("%s: after the repair: %+v", name, d)
		}
		if _, _, err := s.Get(t.Context(), r.ID()); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		s.damage.note(&DamagedError{ID: r.ID(), Index: uint64(idx)}, s.indexCache.repairs.Load())
		if d := s.Damage(); len(d.Records) != 1 {
			t.Errorf("%s: damaged once more: %+v", name, d)
		}
	}
}

// TestRepairUndone holds that a record is known to be damaged whose repair was rolled back.
func TestRepairUndone(t *testing.T) {
	t.Parallel()
	f := rottenStore(t)
	idx := f.index(t, "new")
	s, _ := f.open(t, fmt.Sprintf(rotKinds["header cut"], idx))
	r, broken := f.records[idx], errors.New("the disk is full")
	if err := s.change(t.Context(), func(t *tx) error { return errors.Join(t.repairKnown(r), broken) }); !errors.Is(err, broken) {
		t.Fatal(err)
	}
	if _, _, err := s.Get(t.Context(), r.ID()); asDamaged(err) == nil || len(s.Damage().Records) != 1 {
		t.Errorf("%v, %+v", err, s.Damage())
	}
}

// TestDamagedAncestor builds on records whose header is damaged: that they are here is known
// without it, and they attach once.
func TestDamagedAncestor(t *testing.T) {
	t.Parallel()
	f := rottenStore(t)
	idx := f.index(t, "tip")
	for _, sql := range []string{rotKinds["header cut"], "UPDATE dag SET id = zeroblob(32) WHERE idx = %d"} {
		s, _ := f.open(t, fmt.Sprintf(sql, idx))
		mustPut(t, s, f.records[idx], Known)
		r := f.w.make(spec{at: 50, links: f.records[idx-1 : idx+1], sels: []sel{{"after", 0}}})
		mustPut(t, s, r, Attached)
	}
}

// TestDamagedQueues damages records that are not attached. The records that wait for them want them
// again, and nothing gets stuck.
func TestDamagedQueues(t *testing.T) {
	t.Parallel()
	for _, damage := range []string{"header = zeroblob(9)", "value = zeroblob(9)", "value = NULL"} {
		w := newWorld(t)
		path := filepath.Join(t.TempDir(), "lf.db")
		s, err := Open(path, w.Network, Options{volatile: true})
		if err != nil {
			t.Fatal(err)
		}
		chain := w.chain(6)
		for _, r := range chain[1:] {
			mustPut(t, s, r, Pending)
		}
		held := w.make(spec{at: 9, sels: []sel{{"held", 0}}, value: "held"})
		mustHold(t, s, held, testTime+9, Held)
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
		change(t, path, "UPDATE pending SET "+damage+" WHERE seq = 1; UPDATE held SET "+damage)
		if s, err = Open(path, w.Network, Options{volatile: true}); err != nil {
			t.Fatal(err)
		}
		defer s.Close()
		for _, r := range []*protocol.Record{chain[1], held} {
			if _, _, err := s.Get(t.Context(), r.ID()); asDamaged(err) == nil {
				t.Errorf("get: %v", err)
			}
		}
		if attached, _, err := s.Release(t.Context(), testTime+100); err != nil || len(attached) > 0 {
			t.Errorf("%s: released %v, %v", damage, attached, err)
		}
		mustPut(t, s, chain[0], Attached)
		if missing, err := s.Missing(t.Context(), 10); err != nil || !slices.Equal(missing, []protocol.ID{chain[1].ID()}) {
			t.Errorf("%s: missing %v, %v", damage, missing, err)
		}
		if result := mustPut(t, s, chain[1], Attached); len(result.Attached) != 5 {
			t.Errorf("%s: %+v", damage, result)
		}
		mustPut(t, s, held, Attached)
	}
}

// TestDamagedWaits damages what pending records wait for. Such a record is forgotten at the start,
// or when an ancestor comes. It attaches when a peer sends it again.
func TestDamagedWaits(t *testing.T) {
	t.Parallel()
	for _, damage := range []string{
		"DELETE FROM waits WHERE seq = 1", "UPDATE waits SET links = x'' WHERE seq = 1", "UPDATE waits SET links = x'00' WHERE seq = 1",
		"UPDATE waits SET links = substr(links, 1, 32) WHERE seq = 1", "UPDATE waits SET links = substr(links, 33) WHERE seq = 1",
		"UPDATE pending SET id = zeroblob(32) WHERE seq = 1", "UPDATE pending SET id = x'00' WHERE seq = 1", "DELETE FROM pending WHERE seq = 1",
		"DELETE FROM pending; UPDATE meta SET pending = 0, pending_bytes = 0",
	} {
		t.Run(damage, func(t *testing.T) {
			w := newWorld(t)
			path := filepath.Join(t.TempDir(), "lf.db")
			s, err := Open(path, w.Network, Options{volatile: true})
			if err != nil {
				t.Fatal(err)
			}
			a, b := w.make(spec{at: 1}), w.make(spec{at: 1, owner: 1})
			child := w.make(spec{at: 2, links: []*protocol.Record{a, b}})
			mustPut(t, s, child, Pending)
			if err := s.Close(); err != nil {
				t.Fatal(err)
			}
			change(t, path, damage)
			if s, err = Open(path, w.Network, Options{volatile: true}); err != nil {
				t.Fatal(err)
			}
			defer s.Close()
			for i, r := range []*protocol.Record{a, b, child} {
				if result, err := s.Put(t.Context(), r, 0); err != nil || result.State != Attached {
					t.Errorf("record %d: %+v, %v", i, result, err)
				}
			}
			if stats, err := s.Stats(t.Context()); err != nil || stats.Attached != 5 {
				t.Errorf("%+v, %v", stats, err)
			}
		})
	}
}

// TestDamagedCertificate asks for certificates whose value is damaged: whose they are is not known
// then, and not denied. Where the header is packed, it is damaged with the value.
func TestDamagedCertificate(t *testing.T) {
	t.Parallel()
	for _, plain := range []bool{false, true} {
		t.Run(fmt.Sprintf("plain=%t", plain), func(t *testing.T) { damageCertificate(t, plain) })
	}
}

func damageCertificate(t *testing.T, plain bool) {
	w := newTrustWorld(t, nil)
	path := filepath.Join(t.TempDir(), "lf.db")
	s, err := Open(path, w.Network, Options{volatile: true})
	if err != nil {
		t.Fatal(err)
	}
	certificate := w.certificate(0, w.always(t, w.foreign, 1))
	for _, r := range []*protocol.Record{
		certificate,
		w.full(spec{owner: 1, at: 1, sels: []sel{{"key", 0}}, value: "a"}),
		w.full(spec{owner: 2, at: 1, sels: []sel{{"key", 0}}, value: "b"}),
	} {
		mustPut(t, s, r, Attached)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	if plain {
		unpackAll(t, path, w.Network)
	}
	change(t, path, "UPDATE records SET value = zeroblob(length(value)) WHERE idx = 3")
	if s, err = Open(path, w.Network, Options{volatile: true}); err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	foreign := []*protocol.Authority{w.foreign.parsed()}
	if list, err := s.Certificates(t.Context(), w.ownerID(1), foreign); !isDamaged(err, certificate.ID(), !plain) {
		t.Errorf("certificates: %v, %v", list, err)
	}
	q := Query{Where: []Range{w.where("key", 0, 0)}, Authorities: foreign}
	if a, err := s.Query(t.Context(), q); err != nil || len(a.Keys) != 1 || a.Keys[0].Damaged == nil || a.Keys[0].Damaged.ID != certificate.ID() {
		t.Errorf("query: %+v, %v", a, err)
	}
	if _, err := s.Repair(t.Context(), certificate); err != nil {
		t.Fatal(err)
	}
	if a, err := s.Query(t.Context(), q); err != nil || len(a.Keys) != 1 || a.Keys[0].Damaged != nil || a.Keys[0].Claims[0].Owner != w.ownerID(1) {
		t.Errorf("query after the repair: %+v, %v", a, err)
	}
}

// TestDamageProperty overwrites random bytes in random rows of records. Every answer is then the
// one of the sound file, or says that a record is damaged: never another one.
func TestDamageProperty(t *testing.T) {
	t.Parallel()
	f := rottenStore(t)
	sound, _ := f.open(t)
	queries := []Query{
		{Where: []Range{f.w.where("chain", 0, 100)}},
		{Where: []Range{f.w.where("chain", 0, 100)}, Open: true},
		{Where: []Range{f.w.where("lone", 0, 100), f.w.where("chain", 0, 100)}},
		{Where: []Range{f.w.where("key", 0, 0)}, History: true},
		{Where: []Range{f.w.where("key", 0, 0)}, Policy: protocol.Policy{protocol.CriterionLocal}},
		{Where: []Range{f.w.where("gone", 0, 0)}, History: true, Explain: true},
		{Where: []Range{f.w.where("deleted", 0, 0)}},
	}
	rapid.Check(t, func(rt *rapid.T) {
		var sql []string
		for range rapid.IntRange(1, 5).Draw(rt, "rows") {
			idx := rapid.IntRange(1, len(f.records)-1).Draw(rt, "row")
			column, have := "value", f.records[idx].ValueBytes()
			if have == nil || rapid.Bool().Draw(rt, "header") {
				column, have = "header", f.records[idx].HeaderBytes()
			}
			bad := bytes.Clone(have)
			for range rapid.IntRange(1, 4).Draw(rt, "bytes") {
				bad[rapid.IntRange(0, len(bad)-1).Draw(rt, "at")] ^= byte(rapid.IntRange(1, 255).Draw(rt, "bits"))
			}
			sql = append(sql, fmt.Sprintf("UPDATE records SET %s = x'%x' WHERE idx = %d", column, bad, idx))
		}
		s, _ := f.open(t, sql...)
		defer s.Close()
		for i, q := range queries {
			want, err := sound.Query(t.Context(), q)
			if err != nil {
				rt.Fatal(err)
			}
			have, err := s.Query(t.Context(), q)
			if err != nil || len(have.Keys) != len(want.Keys) {
				rt.Fatalf("query %d: %d keys, want %d, %v", i, len(have.Keys), len(want.Keys), err)
			}
			for j := range want.Keys {
				if err := sameOrDamaged(&have.Keys[j], &want.Keys[j]); err != nil {
					rt.Fatalf("query %d, key %d: %v", i, j, err)
				}
			}
		}
		for _, r := range f.records[1:] {
			have, _, err := s.Get(t.Context(), r.ID())
			if asDamaged(err) == nil && (err != nil || !bytes.Equal(have.EncodeFrame(), r.EncodeFrame())) {
				rt.Fatalf("get: %v", err)
			}
		}
		if !slices.Equal(unnumbered(scanned(t, s)), itemsOf(f.records[1:])) {
			rt.Fatal("the set has changed")
		}
	})
}

func sameOrDamaged(have, want *Answer) error {
	if !slices.Equal(have.Ordinals, want.Ordinals) {
		return fmt.Errorf("ordinals %v, want %v", have.Ordinals, want.Ordinals)
	}
	if have.Damaged != nil {
		return nil //nolint:nilerr // as good as right
	}
	if have.Total != want.Total || len(have.Claims) != len(want.Claims) || have.Composite != want.Composite {
		return fmt.Errorf("%d claims of %s, want %d of %s", have.Total, have.Composite, want.Total, want.Composite)
	}
	for i := range want.Claims {
		a, b := append([]Version{have.Claims[i].Version}, have.Claims[i].Older...), append([]Version{want.Claims[i].Version}, want.Claims[i].Older...)
		if len(a) != len(b) {
			return fmt.Errorf("%d versions, want %d", len(a), len(b))
		}
		for j := range b {
			switch {
			case a[j].Damaged != nil && a[j].Damaged.ID != b[j].Record.ID():
				return fmt.Errorf("record %s is called damaged, in the place of %s", a[j].Damaged.ID, b[j].Record.ID())
			case a[j].Damaged == nil && !bytes.Equal(a[j].Record.EncodeFrame(), b[j].Record.EncodeFrame()):
				return errors.New("another record")
			case a[j].Weight != b[j].Weight:
				return fmt.Errorf("weight %d, want %d", a[j].Weight, b[j].Weight)
			}
		}
	}
	return nil
}

// scrubAll goes round with the scrub.
func scrubAll(t testing.TB, s *Store, at scrubbed) {
	t.Helper()
	for steps, wrapped := 0, false; !wrapped; steps++ {
		next, err := s.scrubStep(context.Background(), at, 3)
		if err != nil || steps > 10_000 {
			t.Fatal(steps, err)
		}
		wrapped = next.phase == scrubRecords && at.phase != scrubRecords
		at = next
	}
}
