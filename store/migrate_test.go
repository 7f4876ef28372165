package store

import (
	"database/sql/driver"
	"encoding/binary"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/lf-store/lf/protocol"
)

// writeSchema1 makes a file as the first version did, of records whose links come before them, and
// of one that is pending.
func writeSchema1(t *testing.T, w *world, records []*protocol.Record, pending *protocol.Record) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "lf.db")
	if err := create(path); err != nil {
		t.Fatal(err)
	}
	c, err := openConn(path, "rw")
	if err != nil {
		t.Fatal(err)
	}
	defer c.close()
	sql, err := migrations.ReadFile("migrations/0001_records.sql")
	if err != nil {
		t.Fatal(err)
	}
	if err := c.script(fmt.Sprintf("PRAGMA application_id = %d; PRAGMA journal_mode = WAL; BEGIN; %s; PRAGMA user_version = 1", applicationID, sql)); err != nil {
		t.Fatal(err)
	}
	o := oldStore{t, c, map[protocol.ID]int64{}, map[protocol.Owner]int64{}}
	for _, r := range append(slices.Clone(w.Genesis()), records...) {
		o.attach(newEntry(r))
	}
	waiting, bytes := int64(0), int64(0)
	if pending != nil {
		id, waits := pending.ID(), int64(0)
		for _, l := range pending.Links {
			if o.at[l] == 0 {
				o.exec("INSERT INTO waits VALUES (?, 1)", l[:])
				o.exec("INSERT INTO wanted VALUES (?)", l[:])
				waits++
			}
		}
		o.exec("INSERT INTO pending VALUES (1, ?, ?, ?, ?)", id[:], waits, pending.HeaderBytes(), pending.ValueBytes())
		waiting, bytes = 1, int64(pending.WireSize())
	}
	tips, err := c.number("SELECT count(*) FROM tips")
	if err != nil {
		t.Fatal(err)
	}
	network := w.ID()
	o.exec("INSERT INTO meta VALUES (1, ?, ?, ?, ?, ?, ?, 0, 0, 0, 0)", network[:], int64(len(o.at)), tips, int64(len(o.owners)), waiting, bytes)
	if err := c.script("COMMIT"); err != nil {
		t.Fatal(err)
	}
	return path
}

type oldStore struct {
	t      *testing.T
	c      *conn
	at     map[protocol.ID]int64
	owners map[protocol.Owner]int64
}

func (o *oldStore) exec(sql string, args ...any) {
	o.t.Helper()
	values := make([]driver.Value, len(args))
	for i, a := range args {
		values[i] = a
	}
	if _, err := o.c.exec(sql, values...); err != nil {
		o.t.Fatal(err)
	}
}

func (o *oldStore) attach(e *entry) {
	id, idx, at := e.ID(), int64(len(o.at)+1), int64(e.Timestamp)
	o.at[id] = idx
	parents := []byte{}
	for _, l := range e.Links {
		parents = binary.AppendUvarint(parents, uint64(idx-o.at[l]))
		o.exec("DELETE FROM tips WHERE idx = ?", o.at[l])
	}
	o.exec("INSERT INTO records VALUES (?, ?, ?)", idx, e.HeaderBytes(), e.ValueBytes())
	o.exec("INSERT INTO dag VALUES (?, ?, ?)", idx, at, parents)
	o.exec("INSERT INTO ids VALUES (?, ?)", prefix(id[:]), idx)
	o.exec("INSERT INTO tips VALUES (?, ?)", at, idx)
	if len(e.rows) == 0 {
		return
	}
	if o.owners[e.Owner] == 0 {
		o.owners[e.Owner] = int64(len(o.owners) + 1)
		o.exec("INSERT INTO owners VALUES (?, ?)", e.Owner[:], o.owners[e.Owner])
	}
	for _, r := range e.rows {
		o.exec("INSERT OR IGNORE INTO selectors VALUES (?, ?, ?, ?, ?)", r.key, int64(len(e.rows)), int64(r.ordinal), e.composite, r.others)
	}
	o.exec("INSERT INTO versions VALUES (?, ?, ?, ?, ?)", e.composite, o.owners[e.Owner], at, idx, e.Type == protocol.TypeRelease)
}

// TestMigrate opens a file of the first schema. The columns worked out from the records are as if
// they had been put here.
func TestMigrate(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	records := w.chain(2500)
	last := records[len(records)-2:]
	// two owners under each of three keys: the second, by its timestamp, is not reputable
	for i := range 6 {
		records = append(records, w.make(spec{at: 3000 + uint64(i), owner: i % 2, links: last, sels: []sel{{"contested", uint64(i / 2)}}, value: "v"}))
	}
	missing := w.make(spec{at: 4000, links: last})
	pending := w.make(spec{at: 5000, links: []*protocol.Record{missing, last[1]}})
	path := writeSchema1(t, w, records, pending)
	s := openAt(t, w, path, Options{})
	if version, err := s.writer.number("PRAGMA user_version"); err != nil || version < graphVersion {
		t.Fatal(version, err)
	}
	state := stateOf(t, s)
	mustBeEqual(t, "weights", state.weight, weightsByHand(w, records))
	for i, r := range records {
		if seen := state.seen[r.ID()]; seen != int64(r.Timestamp)*1000 {
			t.Fatalf("record %d was seen at %d, want its timestamp, %d ms", i, seen, r.Timestamp)
		}
	}
	disreputable := 0
	for _, reputable := range state.tips {
		if reputable == 0 {
			disreputable++
		}
	}
	if len(state.tips) != 6 || disreputable != 3 {
		t.Errorf("%d tips, %d of them disreputable, want 6 and 3", len(state.tips), disreputable)
	}
	mustBeSound(t, s)
	if r := mustPut(t, s, missing, Attached); len(r.Attached) != 2 {
		t.Errorf("attached %v", r.Attached)
	}
}

// TestMigrateRefuses opens a file of the first schema with a record that the rule of the mergeset
// forbids.
func TestMigrateRefuses(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	g := []protocol.ID{w.Genesis()[0].ID(), w.Genesis()[1].ID()}
	var records []*protocol.Record
	for i := range protocol.MaxMergeset + 2 {
		records = append(records, bare(uint64(i)+1, 0, g[0], g[1]))
		if i > 0 {
			g[1] = records[i].ID()
		}
	}
	other := bare(9000, 1<<20, w.Genesis()[0].ID(), records[0].ID())
	above := bare(9001, 0, w.Genesis()[0].ID(), other.ID())
	wide := bare(9002, 0, above.ID(), g[1])
	path := writeSchema1(t, w, append(records, other, above, wide), nil)
	var e *NotADatabaseError
	err := refused(t, w, path)
	if !errors.As(err, &e) || !strings.Contains(err.Error(), wide.ID().String()) {
		t.Errorf("want a NotADatabaseError that names the record: %v", err)
	}
}

// TestMigrateDamaged fills in the IDs of a file in which headers are damaged. That of one is known
// from a record that links it.
func TestMigrateDamaged(t *testing.T) {
	t.Parallel()
	f := rottenStore(t)
	linked, tip := f.index(t, "new"), f.index(t, "tip")
	const old = "UPDATE dag SET id = x''"
	f = f.plain(t)
	s, _ := f.open(t, old)
	if err := s.change(t.Context(), func(t *tx) error { return t.asRows(func() error { return t.migrateOldIDs(f.records) }) }); err != nil {
		t.Fatal(err)
	}
	s.runs.Forget()
	mustBeSound(t, s)
	s, _ = f.open(t, old, fmt.Sprintf(rotKinds["header cut"], linked), fmt.Sprintf(rotKinds["header number"], tip))
	if err := s.change(t.Context(), func(t *tx) error { return t.asRows(func() error { return t.migrateOldIDs(f.records) }) }); err != nil {
		t.Fatal(err)
	}
	s.runs.Forget()
	r := f.records[linked]
	if _, _, err := s.Get(t.Context(), r.ID()); !isDamaged(err, r.ID(), true) {
		t.Errorf("get: %v", err)
	}
	if repaired, err := s.Repair(t.Context(), r); !repaired || err != nil {
		t.Errorf("repair: %v", err)
	}
	r = f.records[tip] // of this only the beginning is known, by which a peer has it nevertheless
	if _, _, err := s.Get(t.Context(), r.ID()); asDamaged(err) == nil {
		t.Errorf("get: %v", err)
	}
	if d := s.Damage(); len(d.Records) != 1 || d.Records[0].ID != beginning(r.ID()) {
		t.Errorf("%+v", d)
	}
	if repaired, err := s.Repair(t.Context(), r); !repaired || err != nil || len(s.Damage().Records) > 0 {
		t.Errorf("repair: %v", err)
	}
	mustBeSound(t, s)
}

// migrateOldIDs is migrateIDs with the index of IDs that the schema idsVersion had.
func (t *tx) migrateOldIDs(records []*protocol.Record) error {
	if err := t.script("CREATE TABLE ids (prefix INTEGER NOT NULL, idx INTEGER NOT NULL)"); err != nil {
		return err
	}
	for idx, r := range records {
		if r == nil {
			continue
		}
		id := r.ID()
		if _, err := t.exec("INSERT INTO ids VALUES (?, ?)", prefix(id[:]), int64(idx)); err != nil {
			return err
		}
	}
	have := t.runs
	t.conn.runs = nil
	err := t.migrateIDs()
	t.conn.runs = have
	return errors.Join(err, t.script("DROP TABLE ids"))
}

// beginning is an ID of which only the short name is known.
func beginning(id protocol.ID) (short protocol.ID) {
	copy(short[:], id[:prefixSize])
	return short
}

// withoutSelectorRuns undoes what the schema selectorRunsVersion did. The index is empty.
const withoutSelectorRuns = "CREATE TABLE selectors (key INTEGER NOT NULL); "

// withoutWrittenRuns undoes what the schema writtenRunsVersion and those after it did. The indices
// are empty.
const withoutWrittenRuns = withoutSelectorRuns + `DROP TABLE run_heads; CREATE TABLE run_filters (place INTEGER PRIMARY KEY);
	CREATE TABLE written (owner INTEGER NOT NULL);
	`

// withoutVersionRuns undoes what the schema versionRunsVersion did, after unpackAll.
const withoutVersionRuns = `ALTER TABLE old_versions RENAME TO versions;
	CREATE INDEX releases ON versions (composite, owner, timestamp) WHERE released = 1;
	`

// withoutRuns undoes what the schema runsVersion and those after it did with runs. The index of IDs
// is empty.
const withoutRuns = withoutVersionRuns + withoutWrittenRuns + `DROP TABLE runs; DROP TABLE run_chunks; DROP TABLE run_filters; ALTER TABLE meta DROP COLUMN runs;
	CREATE TABLE ids (prefix INTEGER NOT NULL, idx INTEGER NOT NULL, PRIMARY KEY (prefix, idx)) WITHOUT ROWID, STRICT;
	`

// withoutPacked undoes what the schema packedVersion did, after unpackAll.
const withoutPacked = "ALTER TABLE dag DROP COLUMN sum; DROP TABLE dictionary; "

// withoutPulses undoes what the schema pulsesVersion did.
const withoutPulses = withoutPacked + "DROP TABLE pulses; "

// withoutWritten undoes what the schema writtenVersion, those after it, and its migration did.
const withoutWritten = withoutPulses + "DROP TABLE written; "

// withoutWaits undoes what the schema waitsVersion, those after it, and their migrations did.
const withoutWaits = withoutWritten + `ALTER TABLE waits RENAME TO new_waits;
	CREATE TABLE waits (missing BLOB NOT NULL, seq INTEGER NOT NULL, PRIMARY KEY (missing, seq)) WITHOUT ROWID, STRICT;
	INSERT INTO waits WITH RECURSIVE link (at) AS (SELECT 1 UNION ALL SELECT at + 32 FROM link WHERE at < 15 * 32)
		SELECT substr(links, at, 32), seq FROM new_waits, link WHERE at < length(links);
	DROP TABLE new_waits;
	INSERT INTO waits SELECT DISTINCT missing, 0 FROM waits WHERE missing NOT IN (SELECT id FROM pending)
		AND missing NOT IN (SELECT id FROM held) AND missing NOT IN (SELECT id FROM settled);
	ALTER TABLE pending ADD COLUMN unmet INTEGER NOT NULL DEFAULT 1 CHECK (unmet > 0);
	UPDATE pending SET unmet = (SELECT count(*) FROM waits WHERE waits.seq = pending.seq);
	UPDATE meta SET pending_bytes = (SELECT coalesce(sum(length(header) + coalesce(length(value), 0) + 160 + 110 * unmet), 0) FROM pending);
	`

// withoutWaiting undoes what the schema waitingVersion and its migration did.
const withoutWaiting = withoutWaits + `DROP TABLE settled; DROP INDEX held_unpaid; ALTER TABLE held DROP COLUMN unpaid;
	CREATE TABLE wanted (id BLOB PRIMARY KEY) WITHOUT ROWID, STRICT; INSERT INTO wanted SELECT missing FROM waits WHERE seq = 0;
	DELETE FROM waits WHERE seq = 0; CREATE INDEX waits_of ON waits (seq);
	UPDATE meta SET pending_bytes = (SELECT coalesce(sum(length(header) + coalesce(length(value), 0)), 0) FROM pending),
		held_bytes = (SELECT coalesce(sum(length(header) + coalesce(length(value), 0)), 0) FROM held);
	`

// TestMigrateWaiting brings the tables of before waitingVersion up to date, with records that wait:
// they are counted by what they take, and attach as before.
func TestMigrateWaiting(t *testing.T) {
	t.Parallel()
	w := newTrustWorld(t, nil)
	s := openTest(t, w.world, Options{})
	root := w.full(spec{at: 1, owner: 0, sels: []sel{{"n0", 0}}})
	waiting := w.full(spec{at: 10, owner: 1, sels: []sel{{"n1", 0}}, links: []*protocol.Record{root}})
	for i, r := range []*protocol.Record{
		w.make(spec{at: 20, owner: 1, sels: []sel{{"n2", 0}}, links: []*protocol.Record{root}}),
		w.full(spec{at: 21, owner: 1, sels: []sel{{"n3", 0}}, links: []*protocol.Record{root}}),
	} {
		mustHold(t, s, r, testTime+uint64(i), Held)
	}
	mustPut(t, s, waiting, Pending)
	// As migrate does, whatever schemas there are after it.
	if err := s.change(t.Context(), func(x *tx) error {
		if err := x.unpackAll(); err != nil {
			return err
		}
		return errors.Join(x.asRows(func() error { return againFromBefore(x) }), x.identifyAll())
	}); err != nil {
		t.Fatal(err)
	}
	mustBeSound(t, s)
	if missing, err := s.Missing(t.Context(), 10); err != nil || len(missing) != 1 || missing[0] != root.ID() {
		t.Errorf("missing %v, %v", missing, err)
	}
	if r := mustPut(t, s, root, Attached); len(r.Attached) != 2 {
		t.Errorf("attached %v", r.Attached)
	}
}

// TestMigrateWaits opens a home of the schema before waitsVersion, with records that wait. They
// wait for one link or for sixteen, of which some are pending, held or still to be told. All wait
// for the same as before, and attach.
func TestMigrateWaits(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	path := filepath.Join(t.TempDir(), "lf.db")
	s, err := Open(path, w.Network, Options{})
	if err != nil {
		t.Fatal(err)
	}
	chain := w.chain(40)
	root, ahead := w.make(spec{at: 1}), w.make(spec{at: 100})
	crowd, last := crowdOn(w, root, 3000)
	var invented []*protocol.Record
	for i := range 200 {
		invented = append(invented, bare(uint64(100+i), 0, inventedLinks(protocol.MaxLinks)...))
	}
	putCrowd(t, s, append(append(append(crowd, last), chain[20:]...), invented...))
	mustHold(t, s, ahead, testTime+100, Held)
	mustPut(t, s, w.make(spec{at: 200, links: []*protocol.Record{ahead, chain[39]}}), Pending)
	stopAfter(t, s, root, Attached)

	rows := func() (list []string) { // without the writer, which goes on with what is to be told
		s := newStore(path, w.Network, Options{})
		if err := s.open(); err != nil {
			t.Fatal(err)
		}
		defer s.abandon()
		if err := s.writer.each(func(r *rows) error {
			list = append(list, fmt.Sprintf("%d waits for %x", r.int(0), r.blob(1)))
			return nil
		}, "SELECT seq, links FROM waits ORDER BY seq"); err != nil {
			t.Fatal(err)
		}
		return list
	}
	want := rows()
	unpackAll(t, path, w.Network)
	change(t, path, withoutRuns+withoutWaits+fmt.Sprintf("PRAGMA user_version = %d", waitsVersion-1))
	if have := rows(); !slices.Equal(have, want) || len(want) < 1000 {
		t.Errorf("%d pending records wait, %d before, or for something else", len(have), len(want))
	}
	s = openAt(t, w, path, Options{})
	mustSettle(t, s)
	missing, err := s.Missing(t.Context(), 10_000)
	if err != nil || len(missing) != len(invented)*protocol.MaxLinks+2 {
		t.Errorf("%d are missing, %v", len(missing), err)
	}
	if _, err := s.PutAll(t.Context(), chain[:20], nil); err != nil {
		t.Fatal(err)
	}
	mustSettle(t, s)
	stats, err := s.Stats(t.Context())
	if err != nil || stats.Pending != uint64(len(invented)+1) || stats.Attached != uint64(2+len(chain)+1+len(crowd)+1) {
		t.Errorf("%+v, %v", stats, err)
	}
}

// againFromBefore runs the migrations from the one of waiting on, on a file without what they made.
func againFromBefore(x *tx) error {
	if err := x.script("CREATE TABLE written (owner INTEGER NOT NULL);" + withoutWaiting); err != nil {
		return err
	}
	if err := x.loadMeta(); err != nil {
		return err
	}
	names, err := migrationNames()
	if err != nil {
		return err
	}
	for _, version := range []int{waitingVersion, waitsVersion, writtenVersion, pulsesVersion, packedVersion} {
		sql, err := migrations.ReadFile(names[version-1])
		if err != nil {
			return err
		}
		if err := x.script(string(sql)); err != nil {
			return err
		}
	}
	return errors.Join(x.migrateWaiting(), x.migrateWaits(), x.script("DROP TABLE written"))
}
