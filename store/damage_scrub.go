package store

import (
	"context"
	"time"
)

// The scrub finds damage that nobody has asked for yet. It goes through the records in their order,
// each with its rows in the other tables. Then it goes through those tables, each row with its
// record, and begins again. It rebuilds the rows that follow from the records. It notes a damaged
// record, which a peer's copy repairs. It is slow on purpose, and goes on after a restart where it
// was.

// scrubPhase is one of the tables that the scrub goes through.
type scrubPhase int64

const (
	scrubRecords scrubPhase = iota
	scrubIDs
	scrubVersions
	scrubSelectors
	scrubWritten
	scrubIDRows
	scrubReleases
	scrubPhases
)

// scrubbed is how far the scrub has come.
type scrubbed struct {
	phase scrubPhase
	// at is the last record that was looked at, or the beginning of the last row. It is what a
	// restart knows.
	at int64
	// after is the last row in runs; nil: begin at at.
	after []byte
}

// Scrub looks for damage until ctx ends. It saves what was found, and its place now and then.
func (s *Store) Scrub(ctx context.Context) error {
	at, err := s.scrubPlace(ctx)
	if err != nil {
		return err
	}
	tick := time.NewTicker(scrubEvery)
	defer tick.Stop()
	defer func() {
		done, cancel := context.WithTimeout(context.WithoutCancel(ctx), scrubSaveTime)
		defer cancel()
		_ = s.saveScrub(done, at) // it only begins again a little earlier
	}()
	for steps := 1; ; steps++ {
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		}
		next, err := s.scrubStep(ctx, at, scrubChunk)
		if err == nil {
			if next.phase == scrubRecords && at.phase != scrubRecords {
				s.damage.nextRound()
			}
			at = next
			if unsaved := s.damage.anyUnsaved(); unsaved || steps%scrubSaves == 0 {
				err = s.saveScrub(ctx, at)
			}
		}
		if err != nil && ctx.Err() == nil {
			s.options.Logger.Warn("could not look for damage in the database", "error", err)
			if err := sleep(ctx, scrubRetry); err != nil {
				return nil // it was told to end
			}
		}
	}
}

func sleep(ctx context.Context, d time.Duration) error {
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-time.After(d):
		return nil
	}
}

func (s *Store) scrubPlace(ctx context.Context) (at scrubbed, err error) {
	err = s.read(ctx, func(c *conn) error {
		_, err := c.one(func(r *rows) { at = scrubbed{phase: scrubPhase(r.int(0)), at: r.int(1)} }, "SELECT phase, at FROM scrub")
		return err
	})
	if at.phase < 0 || at.phase >= scrubPhases {
		at = scrubbed{}
	}
	return at, err
}

// saveScrub saves the scrub's place, and which records were found damaged: after a restart they are
// known at once.
func (s *Store) saveScrub(ctx context.Context, at scrubbed) error {
	unsaved := s.damage.takeUnsaved()
	return s.change(ctx, func(t *tx) error {
		for _, idx := range unsaved {
			if _, err := t.exec("INSERT OR IGNORE INTO damaged VALUES (?)", idx); err != nil {
				return err
			}
		}
		_, err := t.exec("UPDATE scrub SET phase = ?, at = ?", int64(at.phase), at.at)
		return err
	})
}

// recallDamage looks again at the records that were damaged when the node stopped.
func (t *tx) recallDamage() error {
	indices, err := t.numbers("SELECT idx FROM damaged ORDER BY idx LIMIT ?", int64(maxDamaged))
	if err != nil {
		return err
	}
	for _, idx := range indices {
		_, err := t.frame(idx)
		switch damaged := asDamaged(err); {
		case err != nil && damaged == nil:
			return err
		case err == nil:
			if _, err := t.exec("DELETE FROM damaged WHERE idx = ?", idx); err != nil {
				return err
			}
		}
	}
	t.damage.takeUnsaved() // they are saved
	return nil
}

// scrubStep looks at the next rows, has what is wrong repaired, and returns how far it came.
func (s *Store) scrubStep(ctx context.Context, from scrubbed, count int) (scrubbed, error) {
	w := &scrubber{store: s, ctx: ctx}
	var to scrubbed
	err := s.read(ctx, func(c *conn) (err error) {
		w.conn = c
		if err := w.notedRuns(); err != nil {
			return err
		}
		to, err = w.look(from, count)
		return err
	})
	if err != nil || len(w.repairs) == 0 {
		return to, err
	}
	return to, s.change(ctx, func(t *tx) error {
		for _, repair := range w.repairs {
			if err := repair(t); err != nil {
				return err
			}
		}
		return nil
	})
}
