package lf_test

import (
	"strconv"
	"testing"

	"github.com/lf-store/lf"
	"github.com/lf-store/lf/node/api"
)

// TestLongHistory reads all older versions, however many pages they take: of a key, of a range, and
// of many keys.
func TestLongHistory(t *testing.T) {
	t.Parallel()
	const all = 250
	db := open(t, newFake(t))
	key := lf.MustKey("long#3")
	for i := range all {
		set(t, db, key, strconv.Itoa(i), lf.Fresh())
	}
	want := func(what string, a *lf.Answer, err error) {
		t.Helper()
		if err != nil || a.Text() != strconv.Itoa(all-1) || len(a.Older) != all-1 {
			t.Fatalf("%s: %v, %d older versions", what, err, len(a.Older))
		}
		for i := range a.Older {
			if a.Older[i].Text() != strconv.Itoa(all-2-i) {
				t.Fatalf("%s: version %d is %q", what, i, a.Older[i].Text())
			}
		}
	}
	a, err := db.Get(t.Context(), key, lf.History())
	want("get", a, err)
	for a, err := range db.Range(t.Context(), lf.MustKey("long#"), lf.History()) {
		want("range", a, err)
	}
	for l, err := range db.GetMany(t.Context(), []lf.Key{key}, lf.History()) {
		if err != nil {
			t.Fatal(err)
		}
		want("many", l.Answer, l.Err)
	}
}

// TestEndlessHistory has a node show the same older versions again and again, or none.
func TestEndlessHistory(t *testing.T) {
	t.Parallel()
	f := newForger(t)
	db := open(t, f.liar)
	for i := range 120 {
		set(t, db, horse, strconv.Itoa(i), lf.Fresh())
	}
	next := ""
	for what, lie := range map[string]func(*api.Answer){
		"is no older version": func(a *api.Answer) { a.HistoryNext = next },
		"a page without":      func(a *api.Answer) { a.History, a.HistoryNext = nil, next },
	} {
		f.query = func(r *api.QueryResult) {
			a := &r.Answers[0]
			if next == "" || a.HistoryNext != "" { // the first page
				next = a.HistoryNext
				return
			}
			lie(a)
		}
		_, err := db.Get(t.Context(), horse, lf.History())
		wantForged(t, err, db.Address(), what)
		next = ""
	}
}
