package store

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/lf-store/lf/protocol"
	"github.com/lf-store/lf/store/internal/blocks"
)

// TestScrubRebuilds damages what follows from the records, in one column after the other. One round
// of the scrub makes it right.
func TestScrubRebuilds(t *testing.T) {
	t.Parallel()
	f := rottenStore(t)
	fresh, old := f.index(t, "new"), f.index(t, "old")
	for _, sql := range []string{
		fmt.Sprintf("UPDATE dag SET timestamp = timestamp + 5 WHERE idx = %d", fresh),
		fmt.Sprintf("UPDATE dag SET id = zeroblob(32) WHERE idx = %d", fresh),
		fmt.Sprintf("UPDATE dag SET id = x'' WHERE idx = %d", fresh),
		"DELETE FROM run_chunks WHERE place IN (SELECT place FROM run_chunks LIMIT 1)",
		"DELETE FROM run_chunks",
		"DELETE FROM run_heads",
		"UPDATE run_heads SET piece = zeroblob(length(piece))",
		"UPDATE run_heads SET piece = (SELECT max(piece) FROM run_heads)",
		"UPDATE run_chunks SET chunk = CAST(chunk || x'00' AS BLOB)",
		"UPDATE run_chunks SET chunk = x''",
		"UPDATE run_chunks SET chunk = (SELECT max(chunk) FROM run_chunks)",
		"DELETE FROM runs WHERE last < (SELECT max(last) FROM runs)",
		"UPDATE runs SET first = first + 1",
		"UPDATE runs SET last = last + 1",
		fmt.Sprintf("UPDATE dag SET id = zeroblob(32) WHERE idx IN (%d, %d)", old, fresh+6),
		"UPDATE owners SET owner = zeroblob(32) WHERE number = 2",
		"UPDATE owners SET number = 3 WHERE number = 2",
		"DELETE FROM owners WHERE number = 2",
		fmt.Sprintf("UPDATE dag SET node = x'01' WHERE idx = %d", fresh),
		fmt.Sprintf("UPDATE dag SET node = x'ffff' WHERE idx = %d", fresh),
		fmt.Sprintf("UPDATE dag SET node = x'0102050600' WHERE idx = %d", fresh),
		"UPDATE dag SET node = x'01' WHERE idx > 5",
	} {
		t.Run(sql, func(t *testing.T) {
			s, log := f.open(t, sql)
			scrubAll(t, s, scrubbed{})
			scrubAll(t, s, scrubbed{}) // what a row displaced is missing in the first round
			mustBeSound(t, s)
			if d := s.Damage(); d.Rows == 0 || len(d.Problems) > 0 || len(d.Records) > 0 {
				t.Errorf("%+v", d)
			}
			if !strings.Contains(log.String(), "level=ERROR") {
				t.Error("nothing was logged")
			}
			for i, r := range f.records[1:] {
				if have, info, err := s.Get(t.Context(), r.ID()); err != nil || have.ID() != r.ID() || info.Index != uint64(i+1) {
					t.Errorf("record %d: %v, %v", i+1, info, err)
				}
			}
		})
	}
}

// TestScrubOfSound finds nothing in a sound file, and writes nothing.
func TestScrubOfSound(t *testing.T) {
	t.Parallel()
	f := rottenStore(t)
	s, log := f.open(t)
	scrubAll(t, s, scrubbed{})
	if d := s.Damage(); d.Rows > 0 || len(d.Problems) > 0 || len(d.Records) > 0 || log.Len() > 0 {
		t.Errorf("%+v, %s", d, log)
	}
	mustBeSound(t, s)
}

// TestScrubRuns has the scrub find a record that nobody asks for, at its pace, and go on after a
// restart where it was.
func TestScrubRuns(t *testing.T) {
	f := rottenStore(t)
	synctest.Test(t, func(t *testing.T) {
		s, _ := f.plain(t).open(t, fmt.Sprintf(rotKinds["value cut"], f.index(t, "lone")), "UPDATE scrub SET phase = 5")
		ctx, stop := context.WithCancel(t.Context())
		done := make(chan error)
		go func() { done <- s.Scrub(ctx) }()
		<-s.DamageFound()
		time.Sleep(5 * scrubEvery / 2) // between two steps, amid the records
		if d := s.Damage(); len(d.Records) != 1 {
			t.Errorf("%+v", d)
		}
		var saved int64
		if err := s.read(t.Context(), func(c *conn) (err error) {
			saved, err = c.number("SELECT idx FROM damaged")
			return err
		}); err != nil || saved != f.index(t, "lone") {
			t.Errorf("saved %d, %v", saved, err)
		}
		stop()
		if err := <-done; err != nil {
			t.Error(err)
		}
		at, err := s.scrubPlace(t.Context())
		if err != nil || at.phase == scrubRecords && at.at == 0 {
			t.Errorf("the place was not saved: %+v, %v", at, err)
		}
		s.Close()
	})
}

// TestLostID loses chunks of the index of IDs. A record that comes again, or that another one
// builds on, is found nevertheless, and attaches no second time.
func TestLostID(t *testing.T) {
	t.Parallel()
	f := rottenStore(t)
	for name, bulk := range map[string]bool{"one by one": false, "in bulk": true} {
		t.Run(name, func(t *testing.T) {
			idx := f.index(t, "tip")
			s, _ := f.open(t, "DELETE FROM run_chunks")
			child := f.w.make(spec{at: 50, links: f.records[idx-1 : idx+1], sels: []sel{{"after", 0}}})
			put := func(r *protocol.Record) Result {
				if bulk {
					return mustPutAll(t, s, []*protocol.Record{r}, nil)[0]
				}
				return mustPutAny(t, s, r)
			}
			if r := put(child); r.Outcome != Attached {
				t.Fatalf("%+v", r)
			}
			for idx := range f.records[1:] {
				if r := put(f.records[idx+1]); r.Outcome != Known || r.Index != uint64(idx+1) {
					t.Fatalf("%+v", r)
				}
			}
			scrubAll(t, s, scrubbed{})
			mustBeSound(t, s)
		})
	}
}

// TestDamagedTimestamp damages the timestamp of a record in the graph's table. A valid record that
// links it is not refused.
func TestDamagedTimestamp(t *testing.T) {
	t.Parallel()
	f := rottenStore(t)
	idx := f.index(t, "tip")
	s, _ := f.open(t, fmt.Sprintf("UPDATE dag SET timestamp = timestamp + 1000000 WHERE idx = %d", idx))
	mustPut(t, s, f.w.make(spec{at: 50, links: f.records[idx-1 : idx+1], sels: []sel{{"after", 0}}}), Attached)
	r := f.w.make(spec{at: 5, links: f.records[idx-1 : idx+1], sels: []sel{{"before", 0}}})
	if result := mustPut(t, s, r, Refused); result.Err == nil {
		t.Error("older than its link")
	}
}

// TestScrubProblem says what cannot be rebuilt for as long as it is so.
func TestScrubProblem(t *testing.T) {
	t.Parallel()
	f := rottenStore(t).plain(t)
	idx := f.index(t, "old")
	s, _ := f.open(t, "DELETE FROM run_chunks", fmt.Sprintf("UPDATE dag SET id = zeroblob(32) WHERE idx = %d", idx))
	after := scrubbed{at: idx} // the scrub has just passed it
	for range 2 {
		next, err := s.scrubStep(t.Context(), after, 2)
		if err != nil {
			t.Fatal(err)
		}
		after = next
	}
	if d := s.Damage(); len(d.Problems) != 1 {
		t.Fatalf("%+v", d)
	}
	if err := s.change(t.Context(), func(t *tx) error { // a peer knows it
		id := f.records[idx].ID()
		return t.setNode(idx, func(n *blocks.Node) { n.ID = id })
	}); err != nil {
		t.Fatal(err)
	}
	s.runs.Forget()
	for range 2 {
		s.damage.nextRound()
		scrubAll(t, s, scrubbed{})
	}
	s.damage.nextRound()
	if d := s.Damage(); len(d.Problems) > 0 {
		t.Errorf("%+v", d)
	}
}
