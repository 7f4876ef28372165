package store

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestCheckFinds damages a sound file in one place after the other; the check must find each.
func TestCheckFinds(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	path := filepath.Join(t.TempDir(), "lf.db")
	s, err := Open(path, w.Network, Options{tuning: tuningWithRuns()})
	if err != nil {
		t.Fatal(err)
	}
	chain := w.chain(20)
	for _, r := range chain[:10] {
		mustPut(t, s, r, Attached)
	}
	for _, r := range chain[12:] {
		mustPut(t, s, r, Pending)
	}
	mustHold(t, s, w.make(spec{at: 5, sels: []sel{{"held", 0}}}), testTime+5, Held)
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	check := func(path string) (problems []string) {
		summary, err := CheckFile(t.Context(), path, w.Network, func(p string) { problems = append(problems, p) })
		if err != nil {
			problems = append(problems, err.Error())
		} else if int(summary.Problems) != len(problems) {
			t.Errorf("%d problems counted, %d reported", summary.Problems, len(problems))
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
		"UPDATE meta SET attached = attached + 1",
		"UPDATE meta SET tips = 0",
		"UPDATE meta SET disreputable = 1",
		"UPDATE meta SET owners = owners + 1",
		"UPDATE meta SET pending = 0",
		"UPDATE meta SET pending_bytes = pending_bytes - 1",
		"UPDATE meta SET held = 9",
		"UPDATE meta SET held_bytes = 9",
		"DELETE FROM meta",
		"DELETE FROM records WHERE idx = 5",
		"DELETE FROM records WHERE idx = 12",
		"UPDATE records SET header = (SELECT header FROM records WHERE idx = 4) WHERE idx = 5",
		"UPDATE records SET header = x'00' WHERE idx = 5",
		"UPDATE records SET value = x'00' WHERE idx = 5",
		"UPDATE records SET value = NULL WHERE idx = 5",
		"DELETE FROM dag WHERE idx = 5",
		"UPDATE dictionary SET word = zeroblob(32)",
		"UPDATE dictionary SET word = x'00'",
		"DELETE FROM dictionary",
		"UPDATE dag SET sum = 1 WHERE idx = 5",
		"UPDATE dag SET timestamp = 7 WHERE idx = 5",
		"UPDATE dag SET node = x'01' WHERE idx = 5",
		"UPDATE dag SET node = x'ffff' WHERE idx = 5",
		"INSERT INTO dag VALUES (99, 1, x'', 1, x'', 0)",
		"UPDATE dag SET node = x'0102020100' WHERE idx = 5",
		"UPDATE dag SET node = x'0202010201' WHERE idx = 5",
		"UPDATE dag SET node = x'0102010201' WHERE idx = 5",
		"UPDATE dag SET node = CAST(node || x'04' AS BLOB) WHERE idx = 5",
		"UPDATE dag SET seen = (SELECT seen FROM dag WHERE idx = 4) WHERE idx = 5",
		"UPDATE dag SET seen = 0 WHERE idx = 5",
		"UPDATE pending SET seen = (SELECT seen FROM dag WHERE idx = 4) WHERE seq = 5",
		"UPDATE meta SET seen = seen - 1",
		"DELETE FROM run_chunks WHERE place IN (SELECT place FROM run_chunks LIMIT 1)",
		"DELETE FROM run_chunks",
		"DELETE FROM run_heads",
		"UPDATE run_heads SET piece = zeroblob(length(piece))",
		"UPDATE run_heads SET piece = (SELECT max(piece) FROM run_heads)",
		"UPDATE run_chunks SET chunk = CAST(chunk || x'00' AS BLOB)",
		"UPDATE run_chunks SET chunk = zeroblob(length(chunk))",
		"UPDATE run_chunks SET place = place + 1",
		"UPDATE runs SET first = first + 1",
		"UPDATE runs SET last = last + 1",
		"DELETE FROM runs",
		"DELETE FROM tips",
		"INSERT INTO tips SELECT 1, 1, idx, timestamp FROM dag WHERE idx = 5",
		"UPDATE tips SET timestamp = 7",
		"UPDATE tips SET past = past + 1",
		"UPDATE tips SET reputable = 0",
		"UPDATE tips SET reputable = 2",
		"DELETE FROM owners",
		"UPDATE owners SET number = 7",
		"INSERT INTO owners VALUES (x'00', 2)",
		"DELETE FROM pending WHERE seq = 2",
		"DELETE FROM pending",
		"UPDATE pending SET id = x'00' WHERE seq = 5",
		"UPDATE pending SET value = NULL WHERE seq = 5",
		"DELETE FROM waits WHERE seq = 3",
		"UPDATE waits SET links = x'' WHERE seq = 3",
		"UPDATE waits SET links = x'00' WHERE seq = 3",
		"UPDATE waits SET links = substr(links, 1, 32) WHERE seq = 3",
		"UPDATE waits SET links = CAST(links || x'00' AS BLOB) WHERE seq = 3",
		"UPDATE waits SET links = CAST(links || zeroblob(32) AS BLOB) WHERE seq = 3",
		"UPDATE waits SET links = CAST(substr(links, 33) || substr(links, 1, 32) AS BLOB) WHERE seq = 3",
		"UPDATE waits SET links = (SELECT links FROM waits WHERE seq = 4) WHERE seq = 3",
		"INSERT INTO waits SELECT 99, links FROM waits WHERE seq = 3",
		"UPDATE held SET until = 0",
		"UPDATE held SET id = x'00'",
		"DELETE FROM held",
		"INSERT INTO held SELECT id, 5, header, value, 0 FROM pending WHERE seq = 1",
		"INSERT INTO settled SELECT substr(links, 1, 32), 0 FROM waits WHERE seq = 1",
		"INSERT INTO settled SELECT id, 1 FROM dag WHERE idx = 5",
		"UPDATE held SET unpaid = 1",
		"PRAGMA application_id = 0",
	} {
		t.Run(sql, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "lf.db")
			if err := os.WriteFile(path, sound, 0o600); err != nil {
				t.Fatal(err)
			}
			change(t, path, sql)
			problems := check(path)
			if len(problems) == 0 {
				t.Error("not found")
			}
			for _, p := range problems {
				if p == "" || strings.Contains(p, "\n") {
					t.Errorf("not one line: %q", p)
				}
			}
		})
	}
}

func TestCheckFileMissing(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	path := filepath.Join(t.TempDir(), "lf.db")
	if _, err := CheckFile(t.Context(), path, w.Network, func(string) {}); err == nil {
		t.Error("checked a file that is not there")
	}
	if _, err := os.Stat(path); err == nil {
		t.Error("the check made a file")
	}
}
