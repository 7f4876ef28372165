package lf_test

import (
	"errors"
	"fmt"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/lf-store/lf"
)

// lines makes a file of entries, one a key, whose values say which version of the file this is.
func lines(count int, version string, changed ...int) string {
	var b strings.Builder
	for i := range count {
		value := "first"
		for _, c := range changed {
			if c == i {
				value = version
			}
		}
		fmt.Fprintf(&b, "{\"selectors\": [\"line#%d\"], \"value\": %q}\n", i, value)
	}
	return b.String()
}

func loadLines(t *testing.T, db *lf.Client, text string, options ...lf.LoadOption) (lf.Loaded, error) {
	t.Helper()
	file := must[*lf.BulkFile](t)(lf.OpenBulk("-", strings.NewReader(text)))
	defer file.Close()
	return db.LoadFile(t.Context(), file, options...)
}

// versions counts the versions under each key of a file.
func versions(t *testing.T, db *lf.Client) (counts []int) {
	t.Helper()
	result, err := db.Query(t.Context(), lf.MustKey("line#"), lf.History(), lf.Limit(1000))
	if err != nil {
		t.Fatal(err)
	}
	for _, a := range result.Answers {
		counts = append(counts, 1+len(a.Older))
	}
	return counts
}

// TestLoadFileGoesOn interrupts a load again and again. Each call goes on where the last one
// stopped, and every line is written once.
func TestLoadFileGoesOn(t *testing.T) {
	t.Parallel()
	const all = 60
	f, db, _ := openFront(t)
	text := lines(all, "")
	written, interrupted := 0, 0
	for {
		var submitted atomic.Int64
		f.set("/v1/records", func(w http.ResponseWriter, r *http.Request, node http.Handler) {
			if submitted.Add(1) > 7 {
				die(w, r, node)
				return
			}
			node.ServeHTTP(w, r)
		})
		var started lf.Loaded
		loaded, err := loadLines(t, db, text, lf.Patience(0), lf.OnStart(func(l lf.Loaded) { started = l }))
		if loaded.Lines != all || loaded.Before != written || started.Before != written || loaded.Complete != (err == nil) {
			t.Fatalf("after %d lines: %+v, %+v, %v", written, loaded, started, err)
		}
		written += loaded.Written
		if err == nil {
			break
		}
		if interrupted++; !lf.IsAway(err) || loaded.Written == 0 || !strings.Contains(err.Error(), "line ") {
			t.Fatalf("%+v, %v", loaded, err)
		}
	}
	f.set("", nil)
	if written != all || interrupted < 5 {
		t.Errorf("%d lines, %d interruptions", written, interrupted)
	}
	counts := versions(t, db)
	if len(counts) != all || strings.Trim(fmt.Sprint(counts), "[1 ]") != "" {
		t.Errorf("versions under each key: %v", counts)
	}
	if loaded, err := loadLines(t, db, text); err != nil || loaded.Before != all || loaded.Written != 0 {
		t.Errorf("once more: %+v, %v", loaded, err)
	}
	if loaded, err := loadLines(t, db, text, lf.Again()); err != nil || loaded.Written != all {
		t.Errorf("again: %+v, %v", loaded, err)
	}
}

// TestLoadOnlyChanged writes what differs from what the owner has now, and nothing else.
func TestLoadOnlyChanged(t *testing.T) {
	t.Parallel()
	db := open(t, newFake(t))
	want := func(text string, written, unchanged int) {
		t.Helper()
		loaded, err := loadLines(t, db, text, lf.OnlyChanged())
		if err != nil || loaded.Written != written || loaded.Unchanged != unchanged || !loaded.Complete {
			t.Errorf("%+v, %v, want %d written, %d unchanged", loaded, err, written, unchanged)
		}
	}
	want(lines(20, ""), 20, 0)
	want(lines(20, ""), 0, 20)
	want(lines(20, "second", 3, 7), 2, 18)
	set(t, db, lf.MustKey("line#5"), "by hand")
	want(lines(20, "second", 3, 7), 1, 19)
	if err := db.Delete(t.Context(), lf.MustKey("line#5")); err != nil {
		t.Fatal(err)
	}
	gone := `{"selectors": ["line#5"], "deleted": true}` + "\n" + `{"selectors": ["line#6"], "deleted": true}` + "\n"
	want(gone, 1, 1)
	if _, err := db.Get(t.Context(), lf.MustKey("line#6")); !errors.Is(err, lf.ErrDeleted) {
		t.Error(err)
	}
	// What others have set under the key is not the owner's.
	set(t, db, lf.MustKey("theirs"), "x", lf.AsKey(newKey(t)))
	want(`{"selectors": ["theirs"], "value": "x"}`, 1, 0)
}
