package store

import (
	"bytes"
	"errors"
	"log/slog"
	"math"
	"path/filepath"
	"strings"
	"testing"
)

// errKilled ends a migration as a crash would, between two portions.
var errKilled = errors.New("killed")

// lengths is a schema after today's: a table with the length of each record's header, filled three
// records at a time. It fails at a record.
func lengths(failAt int64) *schema {
	s := newSchema()
	s.scripts = append(s.scripts, migrationScript{"lengths", "CREATE TABLE lengths (idx INTEGER PRIMARY KEY, length INTEGER NOT NULL) STRICT"})
	s.portioned = append(s.portioned, portioned{
		to:    len(s.scripts),
		space: func(size int64) int64 { return size / 2 },
		portion: func(t *tx, at int64) (int64, error) {
			if failAt > 0 && at >= failAt {
				return 0, errKilled
			}
			return at + 3, t.eachStored(at, at+3, func(idx int64, s stored) error {
				_, err := t.exec("INSERT INTO lengths VALUES (?, ?)", idx, int64(len(s.header)))
				return err
			})
		},
	})
	return s
}

// TestMigrateInPortions brings a database up to date that was closed in the middle of it. It goes
// on where it was, and meanwhile nothing else opens it.
func TestMigrateInPortions(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	path := filepath.Join(t.TempDir(), "lf.db")
	s, err := Open(path, w.Network, Options{})
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range w.chain(18) {
		mustPut(t, s, r, Attached)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	var log bytes.Buffer
	o := Options{schema: lengths(9), Logger: slog.New(slog.NewTextHandler(&log, nil)), free: func(string) (uint64, error) { return 1 << 30, nil }}
	if _, err := Open(path, w.Network, o); !errors.Is(err, errKilled) {
		t.Fatalf("opened: %v", err)
	}
	if !strings.Contains(log.String(), "records=20 done=0 mebibytes=1") {
		t.Errorf("the log does not say what it takes: %s", log.String())
	}
	var older *OlderSchemaError
	if err := withReader(path, func(c *conn) error { return checkUpToDate(c, path, w.Network, len(o.schema.scripts)) }); !errors.As(err, &older) {
		t.Errorf("half of a migration passes as up to date: %v", err)
	}
	var newer *NewerSchemaError
	if _, err := Open(path, w.Network, Options{}); !errors.As(err, &newer) {
		t.Errorf("a version that does not know the migration opens it: %v", err)
	}
	var told []Upgrade
	o.schema, o.Upgrading = lengths(0), func(u Upgrade) { told = append(told, u) }
	if s, err = Open(path, w.Network, o); err != nil {
		t.Fatal(err)
	}
	if first, last := told[0], told[len(told)-1]; first.Done != 9 || last.Done != 20 || last.Total != 20 || len(told) != 5 {
		t.Errorf("told %+v", told)
	}
	rows := int64(0)
	if err := s.writer.eachStored(0, math.MaxInt64, func(idx int64, have stored) error {
		n, err := s.writer.number("SELECT count(*) FROM lengths WHERE idx = ? AND length = ?", idx, int64(len(have.header)))
		rows += n
		return err
	}); rows != 20 || err != nil {
		t.Errorf("%d rows, %v", rows, err)
	}
	mustBeSound(t, s)
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	told = nil
	if s, err = Open(path, w.Network, o); err != nil || told != nil {
		t.Fatal(told, err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
}

// TestMigrateWithoutRoom refuses to begin a migration for which there is no room, in one line, and
// leaves the database as it was.
func TestMigrateWithoutRoom(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	path := filepath.Join(t.TempDir(), "lf.db")
	s := openAt(t, w, path, Options{})
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	var full *NoRoomToMigrateError
	_, err := Open(path, w.Network, Options{schema: lengths(0), free: func(string) (uint64, error) { return 1000, nil }})
	if !errors.As(err, &full) || full.Free != 1000 || full.Need < 1000 || strings.Contains(err.Error(), "\n") {
		t.Fatalf("%v", err)
	}
	openAt(t, w, path, Options{})
}

// TestMigrateNew makes a database of a schema with a migration in portions: there is nothing to be
// migrated.
func TestMigrateNew(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	schema := lengths(0)
	s, err := Open(filepath.Join(t.TempDir(), "lf.db"), w.Network, Options{schema: schema})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	if version, err := s.writer.number("PRAGMA user_version"); err != nil || int(version) != len(schema.scripts) {
		t.Error(version, err)
	}
	if begun, err := s.writer.isMigrating(); begun || err != nil {
		t.Error(begun, err)
	}
}
