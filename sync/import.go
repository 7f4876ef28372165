package lfsync

import (
	"context"
	"fmt"
	"slices"
	"sync"

	"github.com/lf-store/lf/protocol"
)

// Import takes in records of a file that anybody may have made. They are checked like those of
// peers, and what is here already costs a look only. Parents must come before their children. Among
// a thousand records any order will do.
//
// It returns how many records were new, and stops at the first that is not taken: an
// [*ImportError]. Those before it are durable then; of those after it some may be. Imported records
// are not passed on by gossip: peers find them when they compare.
func (s *Sync) Import(ctx context.Context, records []*protocol.Record) (added int, err error) {
	for len(records) > 0 {
		n := min(len(records), maxImport)
		taken, err := s.admission.admitImported(ctx, records[:n])
		added += taken
		if err != nil {
			return added, err
		}
		records = records[n:]
	}
	return added, nil
}

// ImportError says why an import ended.
type ImportError struct {
	Record protocol.ID
	// Early says that a parent of the record has not come.
	Early bool
	Err   error // nil where the record is early
}

func (e *ImportError) Error() string {
	if e.Early {
		return fmt.Sprintf("record %s comes before one that it links to", e.Record)
	}
	return fmt.Sprintf("record %s: %v", e.Record, e.Err)
}

// Unwrap returns the cause.
func (e *ImportError) Unwrap() error { return e.Err }

// admitImported takes in a batch.
func (a *admission) admitImported(ctx context.Context, records []*protocol.Record) (added int, err error) {
	batch := make([]*incoming, len(records))
	for i, r := range records {
		batch[i] = &incoming{record: r, from: Source{Via: ViaImport}}
	}
	open := a.screen(ctx, batch)
	a.verifyOnAllCores(ctx, open)
	if ctx.Err() != nil {
		return 0, fmt.Errorf("import: %w", context.Cause(ctx))
	}
	// What comes after a fault may lack its parent, and would wait for it.
	if i := slices.IndexFunc(batch, func(in *incoming) bool { return in.err != nil }); i >= 0 {
		batch = batch[:i+1]
	}
	a.commit(ctx, slices.DeleteFunc(slices.Clone(batch), func(in *incoming) bool { return in.err != nil || in.stored.Outcome != 0 }))
	a.settle(batch)
	attached := make(map[protocol.ID]bool) // those that waited for a later one of the batch, too
	for _, in := range batch {
		for _, id := range in.stored.Attached {
			attached[id] = true
		}
	}
	for _, in := range batch {
		if err := in.importError(); err != nil && !attached[in.record.ID()] {
			return added, err
		}
		if in.stored.Outcome != Known {
			added++
		}
	}
	return added, nil
}

// verifyOnAllCores verifies a batch in parts.
func (a *admission) verifyOnAllCores(ctx context.Context, batch []*incoming) {
	var parts sync.WaitGroup
	for part := range slices.Chunk(batch, maxBatch) {
		parts.Go(func() { a.verify(ctx, part) })
	}
	parts.Wait()
}

// importError says why a record was not taken, nil if it was.
func (in *incoming) importError() error {
	switch {
	case in.err != nil:
		return &ImportError{Record: in.record.ID(), Err: in.err}
	case in.stored.Outcome == Refused:
		return &ImportError{Record: in.record.ID(), Err: in.stored.Err}
	case in.stored.Outcome == Pending:
		return &ImportError{Record: in.record.ID(), Early: true}
	}
	return nil
}
