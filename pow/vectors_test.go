package pow

import (
	"bufio"
	"bytes"
	"encoding/hex"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
)

// The files of testdata hold known answers, one "keyword value…" a line,
// records separated by empty lines. Other implementations can use them too.

type line struct {
	t     *testing.T
	where string
	key   string
	args  []string
}

// readRecords fails the test if the file is missing or empty: vectors that are
// not there must not pass.
func readRecords(t *testing.T, name string) [][]line {
	t.Helper()
	f, err := os.Open(filepath.Join("testdata", name))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	var all [][]line
	var rec []line
	sc := bufio.NewScanner(f)
	for n := 1; sc.Scan(); n++ {
		text := sc.Text()
		if strings.HasPrefix(text, "#") {
			continue
		}
		if f := strings.Fields(text); len(f) > 0 {
			rec = append(rec, line{t, name + ":" + strconv.Itoa(n), f[0], f[1:]})
		} else if rec != nil {
			all, rec = append(all, rec), nil
		}
	}
	if rec != nil {
		all = append(all, rec)
	}
	if err := sc.Err(); err != nil || len(all) == 0 {
		t.Fatalf("%s: no records (%v)", name, err)
	}
	return all
}

// readLines is readRecords for files where records mean nothing.
func readLines(t *testing.T, name string) (all []line) {
	t.Helper()
	for _, rec := range readRecords(t, name) {
		all = append(all, rec...)
	}
	return all
}

func (l line) failf(format string, args ...any) {
	l.t.Helper()
	l.t.Errorf(l.where+": "+l.key+": "+format, args...)
}

func (l line) bytes(i int) []byte {
	l.t.Helper()
	if l.args[i] == "-" {
		return nil
	}
	b, err := hex.DecodeString(l.args[i])
	if err != nil {
		l.t.Fatalf("%s: %v", l.where, err)
	}
	return b
}

func (l line) number(i, base int) uint64 {
	l.t.Helper()
	v, err := strconv.ParseUint(l.args[i], base, 64)
	if err != nil {
		l.t.Fatalf("%s: %v", l.where, err)
	}
	return v
}

// hexWords reads the arguments from i on as u64 values.
func (l line) hexWords(i int) (w []uint64) {
	l.t.Helper()
	for ; i < len(l.args); i++ {
		w = append(w, l.number(i, 16))
	}
	return w
}

func (l line) solution(i int) (s [SolutionSize]byte) {
	l.t.Helper()
	b := l.bytes(i)
	if len(b) != SolutionSize {
		l.t.Fatalf("%s: a solution of %d bytes", l.where, len(b))
	}
	copy(s[:], b)
	return s
}

// get returns the first line with a keyword.
func get(rec []line, key string) line {
	for _, l := range rec {
		if l.key == key {
			return l
		}
	}
	rec[0].t.Helper()
	rec[0].t.Fatalf("%s: the record has no %s", rec[0].where, key)
	return line{}
}

func equalBytes(l line, i int, got []byte) {
	l.t.Helper()
	if !bytes.Equal(got, l.bytes(i)) {
		l.failf("got %x, want %s", got, l.args[i])
	}
}

var equixVerdicts = map[string]error{
	"OK":        nil,
	"ORDER":     ErrOrder,
	"CHALLENGE": ErrProgram,
	"PARTIAL":   ErrPartialSum,
	"FINAL":     ErrFinalSum,
}
