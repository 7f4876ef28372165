package store

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/ipfs/go-datastore"

	"github.com/lf-store/lf/internal/mapped"
	"github.com/lf-store/lf/protocol"
)

// smallFiles has a graph of any size in a file, with a checkpoint every few records.
var smallFiles = fileTuning{least: 1, every: 32}

// braid makes n records of several writers, each of whom sees the last ones late.
func braid(w *world, n int, rng *rand.Rand) []*protocol.Record {
	all := slices.Clone(w.Genesis())
	for at := range n {
		recent := all[max(0, len(all)-12):]
		a, b := recent[rng.IntN(len(recent))].ID(), recent[rng.IntN(len(recent))].ID()
		if a == b {
			b = all[0].ID()
		}
		if a == b {
			b = all[1].ID()
		}
		all = append(all, bare(uint64(at)+1, uint32(1+rng.IntN(1000)), a, b))
	}
	return all[len(w.Genesis()):]
}

// brokenLog notes what a store says of its graph's file.
type brokenLog struct {
	slog.Handler
	mu   sync.Mutex
	said []string
}

func newBrokenLog() *brokenLog { return &brokenLog{Handler: slog.NewTextHandler(io.Discard, nil)} }

func (l *brokenLog) Handle(_ context.Context, r slog.Record) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if strings.Contains(r.Message, "the graph of the records") {
		l.said = append(l.said, r.Message)
		r.Attrs(func(a slog.Attr) bool { l.said = append(l.said, a.String()); return true })
	}
	return nil
}

func (l *brokenLog) all() []string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return slices.Clone(l.said)
}

// home is a folder of files as they were at a moment.
type home map[string][]byte

func homeOf(t testing.TB, dir string) home {
	t.Helper()
	h := home{}
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		if h[e.Name()], err = os.ReadFile(filepath.Join(dir, e.Name())); err != nil {
			t.Fatal(err)
		}
	}
	return h
}

func (h home) write(t testing.TB) (path string) {
	t.Helper()
	dir := t.TempDir()
	for name, b := range h {
		if err := os.WriteFile(filepath.Join(dir, name), b, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return filepath.Join(dir, "lf.db")
}

// with is the home with another file in place of one; nil: without it.
func (h home) with(name string, b []byte) home {
	other := home{}
	for n, have := range h {
		other[n] = have
	}
	if other[name] = b; b == nil {
		delete(other, name)
	}
	return other
}

func flipped(b []byte, rng *rand.Rand) []byte {
	b = slices.Clone(b)
	b[rng.IntN(len(b))] ^= 1 << rng.IntN(8)
	return b
}

const (
	graphFileName  = "lf.db" + graphSuffix
	graphStateName = graphFileName + mapped.StateSuffix
)

// TestGraphFile opens databases beside all kinds of files. What does not belong to the database as
// it is now is noticed and made again. Every weight is right.
func TestGraphFile(t *testing.T) {
	t.Parallel()
	w, rng := newWorld(t), rand.New(rand.NewPCG(1, 2))
	records := braid(w, 400, rng)
	fill := func(path string, records []*protocol.Record, atEnd func()) {
		s, err := Open(path, w.Network, Options{volatile: true, files: smallFiles})
		if err != nil {
			t.Fatal(err)
		}
		for _, r := range records {
			mustPutAny(t, s, r)
		}
		atEnd()
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
	}
	dir := t.TempDir()
	path := filepath.Join(dir, "lf.db")
	var killed home
	fill(path, records[:200], func() { killed = homeOf(t, dir) })
	early := homeOf(t, dir)
	fill(path, records[200:], func() {})
	late := homeOf(t, dir)
	otherDir := t.TempDir()
	fill(filepath.Join(otherDir, "lf.db"), records, func() {})
	other := homeOf(t, otherDir)

	for _, c := range []struct {
		name    string
		home    home
		records int
		made    bool // the graph is made again
	}{
		{"after a clean end", late, 400, false},
		{"after kill -9", killed, 200, false},
		{"without files", late.with(graphFileName, nil).with(graphStateName, nil), 400, false},
		{"without the pieces", late.with(graphFileName, nil), 400, true},
		{"without the state", late.with(graphStateName, nil), 400, false},
		{"the pieces are cut off", late.with(graphFileName, late[graphFileName][:len(late[graphFileName])/2]), 400, true},
		{"the pieces are empty", late.with(graphFileName, []byte{}), 400, true},
		{"the state is cut off", late.with(graphStateName, late[graphStateName][:100]), 400, true},
		{"of another database", late.with(graphFileName, other[graphFileName]).with(graphStateName, other[graphStateName]), 400, true},
		{"of an older moment", late.with(graphFileName, early[graphFileName]).with(graphStateName, early[graphStateName]), 400, true},
		{"a newer moment than the database's", early.with(graphFileName, late[graphFileName]).with(graphStateName, late[graphStateName]), 200, true},
		// the state mends what the last checkpoint changed, and not what others before it did
		{"pieces of an older moment", late.with(graphFileName, early[graphFileName]), 400, true},
		{"a bit of the state flipped", late.with(graphStateName, flipped(late[graphStateName], rng)), 400, true},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			log := newBrokenLog()
			path := c.home.write(t)
			s, err := Open(path, w.Network, Options{volatile: true, files: smallFiles, Logger: slog.New(log)})
			if err != nil {
				t.Fatal(err)
			}
			if c.name == "after a clean end" && s.dag.Unsaved() {
				t.Error("the file has not all records")
			}
			mustBeSound(t, s)
			mustBeEqual(t, "weights", stateOf(t, s).weight, weightsByHand(w, records[:c.records]))
			if said := log.all(); c.made != (len(said) > 0) {
				t.Errorf("the log says %q", said)
			}
			if err := s.Close(); err != nil {
				t.Fatal(err)
			}
			again := newBrokenLog()
			s, err = Open(path, w.Network, Options{volatile: true, files: smallFiles, Logger: slog.New(again)})
			if err != nil {
				t.Fatal(err)
			}
			mustBeSound(t, s)
			if err := s.Close(); err != nil || len(again.all()) > 0 {
				t.Error(err, again.all())
			}
		})
	}
}

// TestGraphFileDamagedInUse flips bits of pieces before they are first touched. The graph is made
// again in the middle of whatever touches them, also of a batch.
func TestGraphFileDamagedInUse(t *testing.T) {
	if raceEnabled {
		t.Skip("files are not mapped under the race detector")
	}
	t.Parallel()
	w, rng := newWorld(t), rand.New(rand.NewPCG(3, 4))
	records := braid(w, 300, rng)
	path := filepath.Join(t.TempDir(), "lf.db")
	s, err := Open(path, w.Network, Options{volatile: true, files: smallFiles})
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range records[:250] {
		mustPutAny(t, s, r)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	whole := homeOf(t, filepath.Dir(path))
	size := len(whole[graphFileName])
	for at := 0; at < size; at += size / 8 {
		b := slices.Clone(whole[graphFileName])
		for i := at; i < min(size, at+size/8); i += 512 {
			b[i] ^= 4
		}
		log := newBrokenLog()
		s, err := Open(whole.with(graphFileName, b).write(t), w.Network, Options{volatile: true, files: smallFiles, Logger: slog.New(log)})
		if err != nil {
			t.Fatal(err)
		}
		var group sync.WaitGroup
		for range 2 {
			group.Go(func() {
				for _, r := range records[:250] {
					if _, _, err := s.Get(context.Background(), r.ID()); err != nil {
						t.Error(err)
					}
				}
			})
		}
		disturb(t, s, records[250:], false)
		for _, r := range records[250:] {
			mustPutAny(t, s, r)
		}
		group.Wait()
		mustBeEqual(t, "weights", stateOf(t, s).weight, weightsByHand(w, records))
		mustBeSound(t, s)
		if len(log.all()) == 0 {
			t.Errorf("nobody has noticed the damage from byte %d on", at)
		}
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
	}
}

// TestGraphFileCutOffInUse cuts the mapped file off while the node runs.
func TestGraphFileCutOffInUse(t *testing.T) {
	t.Parallel()
	w, rng := newWorld(t), rand.New(rand.NewPCG(5, 6))
	records := braid(w, 200, rng)
	s := openTest(t, w, Options{volatile: true, files: smallFiles})
	for i, r := range records {
		mustPutAny(t, s, r)
		if i == 150 {
			if err := os.Truncate(s.path+graphSuffix, 0); err != nil {
				t.Fatal(err)
			}
		}
	}
	mustBeEqual(t, "weights", stateOf(t, s).weight, weightsByHand(w, records))
}

// TestGraphFileIsChecked has lf check find a file that does not check out, and one that says
// something else than the records.
func TestGraphFileIsChecked(t *testing.T) {
	t.Parallel()
	w, rng := newWorld(t), rand.New(rand.NewPCG(7, 8))
	dir := t.TempDir()
	path := filepath.Join(dir, "lf.db")
	s, err := Open(path, w.Network, Options{files: smallFiles})
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range braid(w, 100, rng) {
		mustPutAny(t, s, r)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	whole := homeOf(t, dir)
	for name, c := range map[string]struct {
		home     home
		problems bool
	}{
		"whole": {whole, false},
		"none":  {whole.with(graphFileName, nil).with(graphStateName, nil), false},
		// on the heap the state has whole pieces, which mend the flipped one
		"flipped": {whole.with(graphFileName, flipped(whole[graphFileName], rng)), !raceEnabled},
		"cut off": {whole.with(graphStateName, whole[graphStateName][:64]), true},
	} {
		var problems []string
		path := c.home.write(t)
		if _, err := CheckFile(t.Context(), path, w.Network, func(p string) { problems = append(problems, p) }); err != nil {
			t.Fatal(name, err)
		}
		if (len(problems) > 0) != c.problems {
			t.Errorf("%s: %q", name, problems)
		}
		for _, p := range problems {
			if !strings.Contains(p, "graph") || !strings.Contains(p, "next start") {
				t.Errorf("%s: %q does not say what happens", name, p)
			}
		}
	}
}

// TestMarks has a store remember the last two tokens of a derived file, over restarts.
func TestMarks(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	path := filepath.Join(t.TempDir(), "lf.db")
	s := openAt(t, w, path, Options{})
	var stamps []mapped.Stamp
	have := [tokenSize]byte{}
	for range 3 {
		stamp, err := s.Mark(t.Context(), "set", have)
		if err != nil || stamp.Index != uint64(len(w.Genesis())) {
			t.Fatal(stamp, err)
		}
		stamps, have = append(stamps, stamp), stamp.Token
	}
	known, _, err := s.Marked(t.Context(), "set")
	if err != nil {
		t.Fatal(err)
	}
	tooNew := stamps[2]
	tooNew.Index++
	if known(stamps[0]) || !known(stamps[1]) || !known(stamps[2]) || known(mapped.Stamp{}) || known(tooNew) {
		t.Error("the wrong tokens are known")
	}
	if other, _, err := s.Marked(t.Context(), "other"); err != nil || other(stamps[2]) {
		t.Error("a token passes for another file", err)
	}
	if _, err := s.Datastore().Get(t.Context(), datastore.NewKey("set")); !errors.Is(err, datastore.ErrNotFound) {
		t.Error("a mark is among the keys of the datastore", err)
	}
}
