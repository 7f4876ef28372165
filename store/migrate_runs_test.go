package store

import (
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"testing"

	"github.com/lf-store/lf/protocol"
)

// TestMigrateRuns brings a database of the schema before the runs up to date, in many portions, and
// is killed between two of each migration. It says what it said before.
func TestMigrateRuns(t *testing.T) {
	t.Parallel()
	for _, version := range []int{writtenRunsVersion, selectorRunsVersion, versionRunsVersion, shorterRowsVersion} {
		t.Run(fmt.Sprint(version), func(t *testing.T) {
			t.Parallel()
			migrateRunsKilled(t, version)
		})
	}
}

func migrateRunsKilled(t *testing.T, version int) {
	path := filepath.Join(t.TempDir(), "lf.db")
	f := readFixture(t, filepath.Join("testdata", "schema11"), path)
	n, _, err := protocol.ParseNetworkFile(f.Network)
	if err != nil {
		t.Fatal(err)
	}
	cut := newSchema()
	cut.portioned = slices.Clone(cut.portioned)
	at := slices.IndexFunc(cut.portioned, func(p portioned) bool { return p.to == version })
	portion, portions := cut.portioned[at].portion, 0
	cut.portioned[at].portion = func(t *tx, at int64) (int64, error) {
		if portions++; portions == 17 {
			return 0, errKilled
		}
		return portion(t, at)
	}
	o := Options{schema: cut, tuning: tuningWithRuns()}
	if _, err := Open(path, n, o); !errors.Is(err, errKilled) {
		t.Fatal(err)
	}
	s := openAt(t, worldOf(n), path, o)
	if list, err := (runRows{conn: s.writer}).Runs(); err != nil || len(list) < 3 || portions < 20 {
		t.Errorf("%d runs, %d portions, %v", len(list), portions, err)
	}
	f.mustTell(t, s)
	mustBeSound(t, s)
}
