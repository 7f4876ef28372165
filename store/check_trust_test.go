package store

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/lf-store/lf/protocol"
)

// TestCheckFindsTrust damages what claims are ranked by in one place after the other; the check
// must find each.
func TestCheckFindsTrust(t *testing.T) {
	t.Parallel()
	w := newTrustWorld(t, nil)
	path := filepath.Join(t.TempDir(), "lf.db")
	s := openIdle(t, path, w.Network, Options{tuning: hasty})
	a := []sel{{"a", 0}}
	key := w.compositeOf(a...)
	mine := w.always(t, w.ca, 0)
	chain := w.certificate(1, mine)
	first := w.full(spec{at: 10, sels: a, value: "first"})
	for _, r := range []*protocol.Record{
		chain, w.certificate(1, w.always(t, w.foreign, 1)), first, w.full(spec{at: 20, sels: a, links: []*protocol.Record{chain, first}, value: "second"}),
		w.full(spec{at: 15, owner: 1, sels: a, value: "other"}), w.full(spec{at: 5, owner: 2, sels: a, value: "one"}),
		w.full(spec{at: 6, owner: 2, sels: a, value: "two"}), w.full(spec{at: 7, owner: 2, sels: a, value: "three"}),
		w.commentary(30, 3, protocol.Word{Composite: key, Owner: w.ownerID(1), Objects: true}),
		w.revocation(31, ownerCA, w.revoke(t, w.ca, mine, 0, 0)), w.revocation(32, ownerCA, w.revoke(t, w.ca, mine, 0, testTime), chain, first),
	} {
		mustPut(t, s, r, Attached)
	}
	settleRanks(t, s, nil)
	// late: its epoch is marked
	mustPut(t, s, w.full(spec{at: 4, owner: 2, sels: a, kind: protocol.TypeRelease}), Attached)
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	check := func(path string) (problems []string) {
		if _, err := CheckFile(t.Context(), path, w.Network, func(p string) { problems = append(problems, p) }); err != nil {
			problems = append(problems, err.Error())
		}
		return problems
	}
	if problems := check(path); problems != nil {
		t.Fatal(problems)
	}
	sound, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	for _, sql := range []string{
		"DELETE FROM roots WHERE walk = 0",
		"DELETE FROM roots WHERE walk = 1",
		"DELETE FROM late_releases",
		"UPDATE late_releases SET done = 1",
		"UPDATE roots SET walk = 1 WHERE idx = 5",
		"UPDATE roots SET timestamp = timestamp + 1",
		"INSERT INTO roots SELECT composite + 1, owner, timestamp, idx, walk, epoch, quiet, lead FROM roots",
		"UPDATE roots SET epoch = epoch - 1 WHERE walk = 1",
		"UPDATE roots SET epoch = 7 WHERE walk = 0",
		"UPDATE roots SET lead = -1000000000 WHERE walk = 0",
		"UPDATE roots SET lead = 0 WHERE walk = 1",
		"UPDATE roots SET quiet = 1 WHERE walk = 1",
		"UPDATE roots SET quiet = 1 - quiet WHERE walk = 0",
		"DELETE FROM firsts",
		"UPDATE firsts SET idx = 6",
		"UPDATE firsts SET seen = seen + 1",
		"UPDATE firsts SET late = 1 - late",
		"INSERT INTO firsts SELECT composite + 1, owner, seen, late, idx FROM firsts",
		"INSERT INTO firsts SELECT composite, 4, seen, late, idx FROM firsts WHERE owner = 1",
		"DELETE FROM certificates WHERE authority = 0",
		"DELETE FROM certificates WHERE authority = 1",
		"UPDATE certificates SET authority = 2 WHERE authority = 1",
		"UPDATE certificates SET own = 1",
		"UPDATE certificates SET owner = x'00'",
		"UPDATE certificates SET chain = x'00'",
		"UPDATE certificates SET issuer = 7",
		"UPDATE certificates SET since = since + 1",
		"UPDATE certificates SET until = until + 1",
		"UPDATE certificates SET issues = x'00' WHERE authority = 1",
		"UPDATE certificates SET idx = 1",
		"DELETE FROM carriers",
		"UPDATE carriers SET idx = 4",
		"UPDATE carriers SET owner = x'00'",
		"UPDATE carriers SET chain = x'00'",
		"DELETE FROM revocations WHERE since = 0",
		"UPDATE revocations SET issuer = x'00'",
		"UPDATE revocations SET serial = x'00'",
		"UPDATE revocations SET own = 0",
		"UPDATE revocations SET since = 9",
		"UPDATE revocations SET idx = 5",
		"DELETE FROM words",
		"UPDATE words SET topic = x'00'",
		"UPDATE words SET owner = x'00'",
		"UPDATE words SET objects = 0",
		"UPDATE words SET timestamp = timestamp - 1",
		"UPDATE words SET idx = 5",
		"DELETE FROM claims WHERE owner = 1",
		"DELETE FROM crowded",
		"UPDATE crowded SET claims = claims + 1",
		"UPDATE claims SET rank = rank + 1 WHERE rank >= 0",
		"UPDATE claims SET rank = -1 WHERE owner = 2",
		"UPDATE claims SET lead = -1000000000",
		"UPDATE claims SET timestamp = timestamp + 1",
		"UPDATE claims SET idx = idx + 1",
		"UPDATE claims SET hash = hash + 1",
		"UPDATE claims SET seen = seen + 1 WHERE late < 2",
		"UPDATE claims SET late = 1 - late WHERE late < 2",
		"UPDATE claims SET said = said + 1 WHERE late < 2",
		"UPDATE claims SET quiet = 1",
		"INSERT INTO claims SELECT crowd, 99, rank, quiet, lead, timestamp, idx, hash, seen, late, said, careful FROM claims WHERE owner = 2",
		"INSERT INTO claims SELECT 99, owner, rank, quiet, lead, timestamp, idx, hash, seen, late, said, careful FROM claims",
		"DELETE FROM unlinked",
		"DELETE FROM issued",
		"UPDATE issued SET owner = zeroblob(32)",
	} {
		t.Run(sql, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "lf.db")
			if err := os.WriteFile(path, sound, 0o600); err != nil {
				t.Fatal(err)
			}
			change(t, path, sql)
			if len(check(path)) == 0 {
				t.Error("not found")
			}
		})
	}
}
