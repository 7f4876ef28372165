package lf_test

import (
	"testing"

	"github.com/lf-store/lf"
	"github.com/lf-store/lf/protocol"
)

// TestDeleteAgain deletes a value twice: the second time no record is made. One that is set after
// that, or by another owner, is deleted as ever.
func TestDeleteAgain(t *testing.T) {
	t.Parallel()
	db := open(t, newFake(t))
	mine, other := newKey(t), newKey(t)
	remove := func(key lf.WriteOption) (composed int, last *lf.Written) {
		t.Helper()
		if err := db.Delete(t.Context(), horse, key,
			lf.OnComposed(func(*protocol.Record) { composed++ }),
			lf.OnWritten(func(_ *protocol.Record, w *lf.Written) { last = w })); err != nil || last == nil {
			t.Fatal(last, err)
		}
		return composed, last
	}
	for range 2 { // a value, and one in place of a tombstone
		for _, key := range []lf.WriteOption{lf.AsKey(mine), lf.AsKey(other)} {
			must[*lf.Written](t)(db.Set(t.Context(), horse, []byte("Bad Horse"), key))
			made, first := remove(key)
			more, again := remove(key)
			if made != 1 || first.Known || more != 0 || !again.Known || again.ID != first.ID || again.Timestamp != first.Timestamp {
				t.Errorf("%d and %d records: %+v, then %+v", made, more, first, again)
			}
		}
	}
}
