package store

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"

	"github.com/lf-store/lf/internal/mapped"
	"github.com/lf-store/lf/protocol"
	"github.com/lf-store/lf/store/internal/graph"
	"github.com/lf-store/lf/store/internal/runs"
)

// Summary says what a check has looked at. Problems counts all, also those past the first thousand,
// which are not reported one by one.
type Summary struct {
	Attached, Pending, Held, Tips, Versions, Problems uint64
}

// Check verifies every invariant of the database, from SQLite's own to the counters, and reports
// what is wrong. It sees one state of the database, which stays in use. The error says only that
// the check could not go on.
func (s *Store) Check(ctx context.Context, report func(problem string)) (Summary, error) {
	v := newVerifier(ctx, s.network, report)
	var index []string
	var err error
	if v.memory, err = s.weights(ctx); err != nil {
		return v.summary, err
	}
	if err := s.change(ctx, func(t *tx) (err error) {
		index, err = t.checkIndex()
		return err
	}); err != nil {
		return v.summary, err
	}
	for _, problem := range index {
		v.problem("%s", problem)
	}
	err = s.read(ctx, v.run)
	return v.summary, err
}

// CheckFile checks the database of a stopped node. The file must be there, and have this version's
// schema.
func CheckFile(ctx context.Context, path string, n *protocol.Network, report func(problem string)) (Summary, error) {
	if _, err := os.Stat(path); errors.Is(err, fs.ErrNotExist) {
		return Summary{}, fmt.Errorf("there is no database %s: has a node run here?", path)
	}
	ours, err := isOurs(path)
	if err != nil {
		return Summary{}, err
	}
	if !ours {
		return Summary{}, &NotADatabaseError{path, "it is empty"}
	}
	v := newVerifier(ctx, n, report)
	defer v.closeScratch()
	err = withReader(path, func(c *conn) error {
		if err := checkUpToDate(c, path, n, len(newSchema().scripts)); err != nil {
			return err
		}
		c.runs = runs.New(kinds, runs.DefaultTuning)
		if _, err := c.exec("BEGIN"); err != nil {
			return err
		}
		if err := v.openGraphFile(c, path); err != nil {
			return err
		}
		if err := v.run(c); err != nil {
			return err
		}
		_, err := c.exec("COMMIT")
		return err
	})
	return v.summary, damaged(path, err)
}

// verifier is one check at work.
type verifier struct {
	*conn
	ctx     context.Context
	network *protocol.Network
	report  func(string)
	summary Summary
	meta    meta
	// memory has the weights in memory of a store in use, by index; graph is what they are compared
	// with.
	memory []uint64
	// inFile says that these are the weights in the graph's file of a store that is not in use.
	inFile bool
	graph  *graph.Graph
	// scratch is the file of a large graph, nil for none.
	scratch *mapped.File
	// reputations is how many versions the reputations of tips were worked out from.
	reputations int
	// roots, firsts and carriers count the rows there that are for something; compared counts
	// questions to the graph.
	roots, firsts, carriers, compared int64
	// linked has a bit for each attached record that another one links.
	linked bitmap
	// versions and releases are how many rows the attached records call for. Each of the unreadable
	// ones may call for one more.
	versions, releases, unreadable int64
}

func newVerifier(ctx context.Context, n *protocol.Network, report func(string)) *verifier {
	return &verifier{ctx: ctx, network: n, report: report}
}

func (v *verifier) problem(format string, args ...any) {
	if v.summary.Problems++; v.summary.Problems <= maxProblems {
		v.report(fmt.Sprintf(format, args...))
	}
}

// run checks, each step resting on those before it.
func (v *verifier) run(c *conn) error {
	v.conn = c
	if err := v.runsInMemory(); err != nil {
		return err
	}
	for _, step := range []func() error{
		v.checkSQLite, v.checkMeta, v.checkRuns, v.checkBlocks, v.checkRecords, v.checkGraph, v.checkSeen, v.checkTips, v.checkSelectors, v.checkOwners, v.checkSizes,
		v.checkReferences, v.checkPending, v.checkSettled, v.checkWaits, v.checkHeld, v.checkTrust, v.checkRanks, v.checkPulses,
	} {
		if err := v.guarded(step); err != nil {
			return err
		}
		if err := v.ctx.Err(); err != nil {
			return err
		}
	}
	return nil
}

func (v *verifier) checkSQLite() error {
	if err := v.each(func(r *rows) error {
		if r.text(0) != "ok" {
			v.problem("SQLite: %s", r.text(0))
		}
		return nil
	}, "PRAGMA integrity_check"); err != nil {
		return err
	}
	return v.each(func(r *rows) error {
		v.problem("table %s, row %d refers to a row of %s that is not there", r.text(0), r.int(1), r.text(2))
		return nil
	}, "PRAGMA foreign_key_check")
}

func (v *verifier) checkMeta() error {
	id, err := v.number("PRAGMA application_id")
	if err != nil {
		return err
	}
	if id != applicationID {
		v.problem("the file's application ID is %#x, want %#x", id, applicationID)
	}
	if n, err := v.number("SELECT count(*) FROM meta"); err != nil || n != 1 {
		v.problem("meta has %d rows, want 1", n)
		return err
	}
	if _, err := v.one(func(r *rows) {
		if id := v.network.ID(); string(r.blob(0)) != string(id[:]) {
			v.problem("the database is of network %x, want %s", r.blob(0), id)
		}
	}, "SELECT network FROM meta"); err != nil {
		return err
	}
	return v.meta.load(v.conn)
}

// checkSizes compares the counters, and the tables that go with the records, with what is there.
func (v *verifier) checkSizes() error {
	attached := int64(v.summary.Attached)
	for _, s := range []struct {
		what, sql string
		want      int64
	}{
		{"owners", "SELECT count(*) FROM owners", v.meta.owners},
		{"the counter of attached records", "SELECT attached FROM meta", attached},
		{"the counter of tips", "SELECT tips FROM meta", int64(v.summary.Tips)},
		{"the counter of disreputable tips", "SELECT disreputable FROM meta", v.count("SELECT count(*) FROM tips WHERE reputable = 0")},
		{"the counter of pending records", "SELECT pending FROM meta", v.count("SELECT count(*) FROM pending")},
		{"the counter of pending bytes", "SELECT pending_bytes FROM meta", v.sizeOf("pending") + waitingLink*v.count("SELECT sum(length(links) / 32) FROM waits")},
		{"the counter of held records", "SELECT held FROM meta", v.count("SELECT count(*) FROM held")},
		{"the counter of held bytes", "SELECT held_bytes FROM meta", v.sizeOf("held")},
	} {
		have, err := v.number(s.sql)
		if err != nil {
			return err
		}
		if have != s.want {
			v.problem("%s: %d, want %d", s.what, have, s.want)
		}
	}
	filed, err := v.rowsOfKind(kindWritten)
	if err == nil && (filed > attached || filed < attached-v.unreadable) {
		v.problem("rows in %s: %d, want %d", kinds[kindWritten].Name, filed, attached)
	}
	if err != nil {
		return err
	}
	for kind, want := range map[int]int64{kindVersions: v.versions, kindReleases: v.releases} {
		have, err := v.rowsOfKind(kind)
		if err != nil {
			return err
		}
		if have < want || have > want+v.unreadable {
			v.problem("rows in %s: %d, want %d", kinds[kind].Name, have, want)
		}
	}
	return nil
}

// sizeOf is what the records of a queue take, but for what they wait for.
func (v *verifier) sizeOf(queue string) int64 {
	return v.count("SELECT sum(length(header) + coalesce(length(value), 0)) FROM "+queue) + waitingRow*v.count("SELECT count(*) FROM "+queue)
}

// count is number where a failure is reported as a problem.
func (v *verifier) count(sql string) int64 {
	n, err := v.number(sql)
	if err != nil {
		v.problem("%s: %v", sql, err)
	}
	return n
}

// bitmap is a set of indices.
type bitmap []uint64

func (b *bitmap) add(i int64) {
	for int64(len(*b)) <= i/64 {
		*b = append(*b, 0)
	}
	(*b)[i/64] |= 1 << (i % 64)
}

func (b bitmap) has(i int64) bool { return i/64 < int64(len(b)) && b[i/64]&(1<<(i%64)) != 0 }
