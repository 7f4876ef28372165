package store

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"
)

// Upgrade says how far a database is that is brought up to date: Done of Total records. Space is
// how many bytes more than now it takes meanwhile, at most.
type Upgrade struct {
	Done, Total uint64
	Space       uint64
}

// portioned is a migration in portions, each in a transaction of its own. So it goes on where it
// was after the process was killed, and needs no log of the size of the database. Its script is the
// first portion's.
type portioned struct {
	to int // the number of its script
	// space is how many bytes it adds, at most, to a database of a size.
	space func(size int64) int64
	// portion brings what comes after at up to date, and returns how far it came: up to a record's
	// index, first after 0. It is done when that is no less than the number of attached records; it
	// is called once at least.
	portion func(t *tx, at int64) (next int64, err error)
	// end is a script that follows the last portion. A new database has it, too.
	end string
}

// portionedMigrations are in the order of their scripts. All older scripts run at once.
var portionedMigrations = []portioned{
	{to: runsVersion, space: runsSpace, portion: (*tx).skipPortions},
	{to: packedVersion, space: packingSpace, portion: (*tx).packPortion},
	{to: writtenRunsVersion, space: runsSpace, portion: indexKinds(kindIDs, kindWritten+1)},
	{to: selectorRunsVersion, space: runsSpace, portion: indexKinds(kindSelectors, kindSelectors+1)},
	{to: versionRunsVersion, space: runsSpace, portion: indexKinds(kindVersions, kindReleases+1)},
	{to: blocksVersion, space: runsSpace, portion: (*tx).blockPortion, end: endBlocks},
	{to: shorterRowsVersion, space: runsSpace, portion: (*tx).indexAgain},
}

// migrating is the table that says how far a migration in portions is. It is there only meanwhile.
const migrating = "migrating"

// isMigrating reports whether a migration in portions has begun and is not done.
func (c *conn) isMigrating() (bool, error) {
	return c.one(nil, "SELECT 1 FROM sqlite_schema WHERE type = 'table' AND name = ?", migrating)
}

// NoRoomToMigrateError says that a database cannot be brought up to date for want of room. It is as
// it was.
type NoRoomToMigrateError struct {
	Path       string
	Need, Free uint64 // bytes
}

func (e *NoRoomToMigrateError) Error() string {
	return fmt.Sprintf("bringing %s up to date takes up to %d MiB more, and there are %d: free some disk space and start again (nothing is lost)",
		e.Path, mebibytes(e.Need), e.Free>>20)
}

// mebibytes rounds up.
func mebibytes(n uint64) uint64 { return (n + 1<<20 - 1) >> 20 }

// migrateInPortions runs the migrations in portions that the database lacks, or goes on with them.
func (s *Store) migrateInPortions() (err error) {
	version, err := s.writer.number("PRAGMA user_version")
	if err != nil {
		return err
	}
	begun, err := s.writer.isMigrating()
	if err != nil {
		return err
	}
	// What is moved from one table to another is referred to meanwhile.
	if err := s.writer.script("PRAGMA foreign_keys = OFF"); err != nil {
		return err
	}
	defer func() { err = errors.Join(err, s.writer.script("PRAGMA foreign_keys = ON")) }()
	for _, m := range s.options.schema.portioned {
		if int(version) > m.to || int(version) == m.to && !begun {
			continue
		}
		if err := s.migratePortions(&m, begun); err != nil {
			return fmt.Errorf("schema %d: %w", m.to, err)
		}
		begun = false
	}
	return nil
}

func (s *Store) migratePortions(m *portioned, begun bool) error {
	p := migrationProgress{store: s}
	if err := p.begin(m, begun); err != nil {
		return err
	}
	for more := true; more; {
		if err := s.transact(func(t *tx) (err error) {
			more, err = p.step(t, m)
			return err
		}); err != nil {
			return err
		}
		p.tell(!more)
	}
	return nil
}

// migrationProgress is how far one migration in portions is.
type migrationProgress struct {
	store     *Store
	at, total int64
	space     int64
	told      time.Time
}

// begin makes sure that there is room, and runs the migration's script if it has not begun.
func (p *migrationProgress) begin(m *portioned, begun bool) error {
	s := p.store
	info, err := os.Stat(s.path)
	if err != nil {
		return &databaseError{err}
	}
	if p.total, err = s.writer.number("SELECT attached FROM meta"); err != nil {
		return err
	}
	if begun {
		if p.at, err = s.writer.number("SELECT at FROM migrating"); err != nil {
			return err
		}
	}
	left := float64(p.total-p.at) / float64(max(p.total, 1))
	p.space = int64(left * float64(m.space(info.Size())))
	if err := p.makeSure(); err != nil {
		return err
	}
	s.options.Logger.Info("bringing the database up to date", "schema", m.to, "records", p.total, "done", p.at, "mebibytes", mebibytes(uint64(p.space)))
	p.tell(false)
	if begun {
		return nil
	}
	return s.transact(func(t *tx) error {
		if err := t.script(s.options.schema.scripts[m.to-1].sql); err != nil {
			return err
		}
		return t.script(fmt.Sprintf(`CREATE TABLE migrating (at INTEGER NOT NULL) STRICT; INSERT INTO migrating VALUES (0);
			PRAGMA user_version = %d`, m.to))
	})
}

// makeSure refuses a migration for which there is no room.
func (p *migrationProgress) makeSure() error {
	free, err := p.store.options.free(filepath.Dir(p.store.path))
	if err != nil {
		return nil //nolint:nilerr // the system does not say
	}
	if free < uint64(p.space) {
		return &NoRoomToMigrateError{p.store.path, uint64(p.space), free}
	}
	return nil
}

// step is one portion, and reports whether there are more.
func (p *migrationProgress) step(t *tx, m *portioned) (more bool, err error) {
	next, err := m.portion(t, p.at)
	if err != nil {
		return false, err
	}
	if next < p.total {
		if _, err = t.exec("UPDATE migrating SET at = ?", next); err == nil {
			p.at = next // the portion is repeated by nobody in this process if the commit fails
		}
		return true, err
	}
	p.at = p.total
	return false, t.script("DROP TABLE migrating; " + m.end)
}

// tell says how far it is, at most every progressEvery in the log.
func (p *migrationProgress) tell(done bool) {
	s := p.store
	if s.options.Upgrading != nil {
		s.options.Upgrading(Upgrade{Done: uint64(p.at), Total: uint64(p.total), Space: uint64(p.space)})
	}
	if now := time.Now(); p.told.IsZero() {
		p.told = now
	} else if done || now.Sub(p.told) >= progressEvery {
		p.told = now
		s.options.Logger.Info("bringing the database up to date", "records", p.at, "of", p.total)
	}
}

// schema is what a database looks like: the scripts that make it, and what brings an older one to
// it.
type schema struct {
	scripts   []migrationScript
	portioned []portioned
}

type migrationScript struct{ name, sql string }

// newSchema is today's.
func newSchema() *schema {
	names, err := migrationNames()
	if err != nil {
		panic(err) // a pattern that is none
	}
	s := &schema{portioned: portionedMigrations}
	for _, name := range names {
		sql, err := migrations.ReadFile(name)
		if err != nil {
			panic(err) // it is part of the program
		}
		s.scripts = append(s.scripts, migrationScript{name, string(sql)})
	}
	return s
}

// atOnce is the last schema that an older database is brought to in one transaction.
func (s *schema) atOnce() int {
	if len(s.portioned) > 0 {
		return s.portioned[0].to - 1
	}
	return len(s.scripts)
}
