package lfsync

import (
	"context"
	"errors"
	"io"
	"testing"

	"github.com/lf-store/lf/protocol"
)

// importedAtOnce is how many records a read of importAll returns.
const importedAtOnce = 300

// decoded is a record that a file had.
type decoded struct{ *protocol.Record }

func (d decoded) Decode() (*protocol.Record, error) { return d.Record, nil }

// importAll imports records and returns how many were new.
func importAll(s *Sync, records ...*protocol.Record) (added int, err error) {
	done, err := s.Import(context.Background(), func() (some []Arriving, err error) {
		for len(records) > 0 && len(some) < importedAtOnce {
			some, records = append(some, decoded{records[0]}), records[1:]
		}
		if len(records) == 0 {
			err = io.EOF
		}
		return some, err
	})
	return done.Added, err
}

// TestImport holds that records are taken in batches and counted once. A fault ends the import
// where it is: nothing after it is stored, as its children could only wait.
func TestImport(t *testing.T) {
	t.Parallel()
	w := newWorld(t, nil)
	s, store := w.offline(t, nil)
	chain := w.chain(t, 2*importedAtOnce+50)
	for _, want := range []int{len(chain), 0} {
		if added, err := importAll(s, append(w.network.Genesis(), chain...)...); err != nil || added != want {
			t.Fatalf("%d added, want %d: %v", added, want, err)
		}
	}
	last := chain[len(chain)-1]
	first := w.record(t, last)
	good := w.record(t, first)
	bad, err := protocol.DecodeFrame(w.resign(t, good, func(h *protocol.Header) { h.Links = h.Links[:1] }, good.ValueBytes()))
	if err != nil {
		t.Fatal(err)
	}
	child := w.record(t, bad)
	var fault *ImportError
	var invalid *protocol.InvalidError
	added, err := importAll(s, first, bad, child)
	if added != 1 || !errors.As(err, &fault) || fault.Record != bad.ID() || !errors.As(err, &invalid) {
		t.Errorf("%d added: %v", added, err)
	}
	if unknown, err := store.Unknown(t.Context(), []protocol.ID{bad.ID(), child.ID()}); err != nil || len(unknown) != 2 {
		t.Errorf("what is wrong is in the store, or its child: %v, %v", unknown, err)
	}
	// Known to be wrong, it is refused without another look.
	if _, err := importAll(s, bad); !errors.As(err, &fault) || fault.Err == nil {
		t.Error(err)
	}
}

// TestImportChildFirst holds that a child before its parent ends the import with a hint.
func TestImportChildFirst(t *testing.T) {
	t.Parallel()
	w := newWorld(t, nil)
	s, _ := w.offline(t, nil)
	parent := w.record(t)
	child := w.record(t, parent)
	var fault *ImportError
	if added, err := importAll(s, child); added != 0 || !errors.As(err, &fault) || !fault.Early || fault.Record != child.ID() {
		t.Errorf("%d added: %v", added, err)
	}
	if added, err := importAll(s, parent, child); err != nil || added != 1 {
		t.Errorf("%d added after it: %v", added, err)
	}
	other := w.record(t, child)
	if added, err := importAll(s, w.record(t, other), other); err != nil || added != 2 {
		t.Errorf("%d added of a pair: %v", added, err)
	}
}
