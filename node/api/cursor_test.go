package api_test

import (
	"errors"
	"slices"
	"testing"

	"github.com/lf-store/lf/node/api"
	"github.com/lf-store/lf/protocol"
)

func keyed(first byte, from, to uint64) api.SelectorRange {
	return api.SelectorRange{Key: &protocol.SelectorKey{first}, From: api.Uint64(from), To: api.Uint64(to)}
}

// TestCursor: a cursor leads back to its place, in its own query only.
func TestCursor(t *testing.T) {
	t.Parallel()
	q := api.Query{Selectors: []api.SelectorRange{keyed(1, 0, protocol.MaxOrdinal), keyed(2, 5, 9)}, Open: true}
	want := api.Position{Ordinals: []uint64{1 << 60, 7}, Prefix: [8]byte{1, 2, 3, 255}}
	cursor := q.Cursor(want)
	if len(cursor) > api.MaxCursor {
		t.Errorf("a cursor has %d bytes", len(cursor))
	}
	q.After = cursor
	if got, err := q.Position(); err != nil || !slices.Equal(got.Ordinals, want.Ordinals) || got.Prefix != want.Prefix {
		t.Fatalf("%+v, %v", got, err)
	}
	for name, other := range map[string]api.Query{
		"closed":      {Selectors: q.Selectors},
		"another key": {Selectors: []api.SelectorRange{keyed(3, 0, protocol.MaxOrdinal), keyed(2, 5, 9)}, Open: true},
		"a range":     {Selectors: []api.SelectorRange{keyed(1, 0, protocol.MaxOrdinal), keyed(2, 5, 10)}, Open: true},
		"an order":    {Selectors: []api.SelectorRange{q.Selectors[1], q.Selectors[0]}, Open: true},
		"fewer":       {Selectors: q.Selectors[:1], Open: true},
	} {
		other.After = cursor
		if _, err := other.Position(); !errors.Is(err, api.ErrCursor) {
			t.Errorf("%s: %v", name, err)
		}
	}
	for _, forged := range []string{"A", cursor[:len(cursor)-1], cursor + "A", cursor + "=", "B" + cursor[1:], cursor[:len(cursor)-2] + "!!"} {
		q.After = forged
		if _, err := q.Position(); !errors.Is(err, api.ErrCursor) {
			t.Errorf("%q: %v", forged, err)
		}
	}
}

// FuzzCursor holds that a text is refused or is exactly the cursor of a place within the query.
func FuzzCursor(f *testing.F) {
	q := api.Query{Selectors: []api.SelectorRange{keyed(1, 3, 1000), keyed(2, 0, protocol.MaxOrdinal)}}
	f.Add(q.Cursor(api.Position{Ordinals: []uint64{5, 0}}))
	f.Add(q.Cursor(api.Position{Ordinals: []uint64{1001, protocol.MaxOrdinal}}))
	f.Add("AAAA")
	f.Fuzz(func(t *testing.T, text string) {
		asked := q
		asked.After = text
		at, err := asked.Position()
		if err != nil || at == nil {
			return
		}
		if q.Cursor(*at) != text || at.Ordinals[0] < 3 || at.Ordinals[0] > 1000 || at.Ordinals[1] > protocol.MaxOrdinal {
			t.Errorf("%q is taken for %+v", text, at)
		}
	})
}
