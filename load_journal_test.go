package lf

import (
	"errors"
	"testing"
)

func TestJournalTornTail(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		tail     string
		lines    int
		complete bool
	}{
		"whole":          {"", 3, false},
		"number cut off": {"12", 3, false},
		"zeros":          {"\x00\x00\x00\x00\n7\n", 3, false},
		"no number":      {"x1\n4\n", 3, false},
		"negative":       {"-4\n", 3, false},
		"end cut off":    {"al", 3, false},
		"end":            {"all\n", 3, true},
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			j, err := openJournal(dir, []byte{1})
			if err != nil {
				t.Fatal(err)
			}
			for _, line := range []int{3, 1, 2} {
				if err := j.add(line, 7); err != nil {
					t.Fatal(err)
				}
			}
			if _, err := j.file.WriteString(c.tail); err != nil {
				t.Fatal(err)
			}
			if err := j.close(); err != nil {
				t.Fatal(err)
			}
			for range 2 { // what was cut off stays cut off
				if j, err = openJournal(dir, []byte{1}); err != nil {
					t.Fatal(err)
				}
				if j.count() != c.lines || j.complete != c.complete {
					t.Fatalf("%d lines, complete %v", j.count(), j.complete)
				}
				if err := j.close(); err != nil {
					t.Fatal(err)
				}
			}
		})
	}
}

func TestJournalOnce(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	j, err := openJournal(dir, []byte{1})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := openJournal(dir, []byte{1}); err == nil {
		t.Fatal("two hold one journal")
	}
	other, err := openJournal(dir, []byte{2})
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(other.close(), j.close()); err != nil {
		t.Fatal(err)
	}
	if j, err = openJournal(dir, []byte{1}); err != nil {
		t.Fatal(err)
	}
	if err := j.close(); err != nil {
		t.Fatal(err)
	}
}
