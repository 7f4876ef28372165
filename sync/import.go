package lfsync

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"sync"

	"github.com/lf-store/lf/protocol"
)

// Arriving is a record of a file, not decoded yet.
type Arriving interface {
	ID() protocol.ID
	// Decode is called by several goroutines, and only for a record that is not here.
	Decode() (*protocol.Record, error)
}

// Imported says how far an import came.
type Imported struct {
	Records int // that were taken, known ones too
	Added   int // those that were new
}

// Import takes in records of a file that anybody may have made. They are checked like those of
// peers, and what is here already costs a look only. Parents must come before their children. Among
// the records of one read any order will do. While some are read, others are verified and others
// stored.
//
// Read returns the next records, at most 1,024, and io.EOF with the last ones or after them. It is
// called by one goroutine, which has ended when Import returns.
//
// Import stops at the first record that is not taken, with an [*ImportError] or the error of its
// Decode. It also stops at the first error of read. What came before is durable then, and nothing
// after it is stored but of the same read. Imported records are not passed on by gossip: peers find
// them when they compare.
func (s *Sync) Import(ctx context.Context, read func() ([]Arriving, error)) (done Imported, err error) {
	ctx, stop := context.WithCancelCause(ctx)
	var stages sync.WaitGroup
	defer stages.Wait()
	defer stop(nil)
	came, checked := make(chan *importBatch), make(chan *importBatch)
	stages.Go(func() {
		defer close(came)
		for end := error(nil); end == nil && ctx.Err() == nil; {
			b := new(importBatch)
			b.arriving, end = read()
			b.end = end
			hand(ctx, came, b)
		}
	})
	stages.Go(func() {
		defer close(checked)
		for b := range came {
			s.admission.prepare(ctx, b)
			hand(ctx, checked, b)
		}
	})
	for b := range checked {
		added, err := s.admission.admitImported(ctx, b)
		done.Added += added
		if err != nil {
			return done, err
		}
		done.Records += len(b.arriving)
		if b.end != nil && !errors.Is(b.end, io.EOF) {
			return done, b.end
		}
	}
	if ctx.Err() != nil {
		return done, fmt.Errorf("import: %w", context.Cause(ctx))
	}
	return done, nil
}

// hand hands a batch on unless ctx has ended.
func hand(ctx context.Context, to chan<- *importBatch, b *importBatch) {
	select {
	case to <- b:
	case <-ctx.Done():
	}
}

// importBatch is what one read returned, on its way in.
type importBatch struct {
	arriving []Arriving
	end      error       // of the file
	batch    []*incoming // those that were not here
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

// prepare decodes and verifies what is not here, in parts on all cores.
func (a *admission) prepare(ctx context.Context, b *importBatch) {
	if len(b.arriving) == 0 {
		return
	}
	ids := make([]protocol.ID, len(b.arriving))
	for i, r := range b.arriving {
		ids[i] = r.ID()
	}
	list, err := a.store.Unknown(ctx, ids)
	unknown := setOf(list)
	var open []Arriving
	for _, r := range b.arriving {
		if err != nil || unknown(r.ID()) { // a store that fails says so again
			open = append(open, r)
		}
	}
	a.metrics.known(ViaImport, len(b.arriving)-len(open))
	b.batch = make([]*incoming, len(open))
	var parts sync.WaitGroup
	for from := 0; from < len(open); from += maxBatch {
		part, batch := open[from:min(from+maxBatch, len(open))], b.batch[from:min(from+maxBatch, len(open))]
		parts.Go(func() { a.verify(ctx, a.screen(ctx, decodeAll(part, batch))) })
	}
	parts.Wait()
}

// decodeAll decodes records into a batch, and returns those that could be.
func decodeAll(part []Arriving, batch []*incoming) (decoded []*incoming) {
	for i, r := range part {
		in := &incoming{from: Source{Via: ViaImport}, asked: true}
		if in.record, in.err = r.Decode(); in.err == nil {
			decoded = append(decoded, in)
		}
		batch[i] = in
	}
	return decoded
}

// admitImported stores a batch that is prepared.
func (a *admission) admitImported(ctx context.Context, b *importBatch) (added int, err error) {
	batch := b.batch
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
		if err := in.importError(); err != nil && (in.record == nil || !attached[in.record.ID()]) {
			return added, err
		}
		if in.stored.Outcome != Known {
			added++
		}
	}
	return added, nil
}

// importError says why a record was not taken, nil if it was.
func (in *incoming) importError() error {
	switch {
	case in.record == nil:
		return in.err
	case in.err != nil:
		return &ImportError{Record: in.record.ID(), Err: in.err}
	case in.stored.Outcome == Refused:
		return &ImportError{Record: in.record.ID(), Err: in.stored.Err}
	case in.stored.Outcome == Pending:
		return &ImportError{Record: in.record.ID(), Early: true}
	}
	return nil
}
