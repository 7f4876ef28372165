package store

import (
	"context"

	"github.com/lf-store/lf/protocol"
)

// PutAll stores records that passed the network's Check, in their order. It returns what became of
// each, as [Store.Put] would with the same element of holds (nil: all are 0). They share a
// transaction, or several one after the other where they are many; when PutAll returns without
// error, all results are on disk. With an error, those records whose result has an Outcome are on
// disk, and the others may be.
func (s *Store) PutAll(ctx context.Context, records []*protocol.Record, holds []uint64) ([]Result, error) {
	results := make([]Result, len(records))
	var puts []*put
	for i, r := range records {
		if !r.HasValue() {
			results[i] = Result{Outcome: Refused, Err: ErrValueMissing}
			continue
		}
		p := &put{entry: newEntry(r), into: &results[i]}
		if holds != nil {
			p.hold = holds[i]
		}
		puts = append(puts, p)
	}
	for len(puts) > 0 {
		n := portion(puts)
		if err := s.changeAll(ctx, puts[:n]); err != nil {
			return results, err
		}
		puts = puts[n:]
	}
	return results, nil
}

// put is a record on its way into the store.
type put struct {
	entry  *entry
	hold   uint64
	into   *Result
	result Result // not the caller's, who may have given up
}

func (p *put) run(t *tx) error {
	p.result = Result{}
	return t.put(p.entry, p.hold, &p.result)
}

// portion returns how many of the records one transaction takes.
func portion(puts []*put) int {
	size := 0
	for n, p := range puts {
		if size += p.entry.WireSize(); n == batchRecords || n > 0 && size > batchBytes {
			return n
		}
	}
	return len(puts)
}

// changeAll stores records in one transaction, or, should that fail, each in its own.
func (s *Store) changeAll(ctx context.Context, puts []*put) error {
	r := &request{ahead: func(t *tx) error { return t.lookAhead(puts) }, steps: make([]func(*tx) error, len(puts))}
	for i, p := range puts {
		r.steps[i] = p.run
	}
	errs, err := s.submit(ctx, r)
	if err != nil {
		return err
	}
	for i, p := range puts {
		if errs[i] == nil {
			*p.into = p.result
		} else if err == nil {
			err = errs[i]
		}
	}
	return err
}
